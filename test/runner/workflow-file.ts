import { loadYaml } from '@kubernetes/client-node';

export interface WorkflowStep {
  readonly name: string;
  readonly id: string;
  readonly if: string;
  readonly uses: string;
  readonly run: string;
  readonly with: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
}

export interface WorkflowJob {
  readonly name: string;
  readonly if: string;
  readonly steps: readonly WorkflowStep[];
}

export interface Workflow {
  readonly events: readonly string[];
  /** Inputs of `workflow_dispatch` with what they may be; undefined: any text. */
  readonly inputs: Readonly<Record<string, readonly string[] | undefined>>;
  readonly jobs: readonly WorkflowJob[];
}

/** What `uses` says of this action in the README and the examples. */
export const ownAction = /^OWNER\/gated-rollout@/u;

type Mapping = { readonly [key: string]: unknown };

const stepKeys: readonly string[] = ['name', 'id', 'if', 'uses', 'run', 'with', 'env'];
// What decides where and how long a job runs, and not what it does.
const jobKeys: readonly string[] = ['if', 'steps', 'runs-on', 'timeout-minutes', 'environment'];

/** Throws at what this runner would pass over in silence, like a service container or a shell. */
export function parseWorkflow(text: string): Workflow {
  const root = mapping(loadYaml(text));
  const events = mapping(root['on']);
  const inputs = mapping(mapping(events['workflow_dispatch'])['inputs']);
  return {
    events: Object.keys(events),
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, input]) => [name, mapping(input)['options'] as readonly string[] | undefined]),
    ),
    jobs: Object.entries(mapping(root['jobs'])).map(([name, job]) => parseJob(name, mapping(job))),
  };
}

function parseJob(name: string, job: Mapping): WorkflowJob {
  refuseOthers(job, jobKeys, `job ${name}`);
  if (!Array.isArray(job['steps'])) throw new Error(`job ${name} has no steps`);
  return { name, if: scalar(job['if']), steps: job['steps'].map((step: unknown) => parseStep(mapping(step))) };
}

function parseStep(step: Mapping): WorkflowStep {
  refuseOthers(step, stepKeys, 'a step');
  const texts = (key: string) => Object.fromEntries(Object.entries(mapping(step[key])).map(([name, value]) => [name, scalar(value)]));
  const [uses, run] = [scalar(step['uses']), scalar(step['run'])];
  return {
    name: scalar(step['name'] ?? (uses === '' ? run : uses)),
    id: scalar(step['id']),
    if: scalar(step['if']),
    uses,
    run,
    with: texts('with'),
    env: texts('env'),
  };
}

function refuseOthers(given: Mapping, known: readonly string[], where: string): void {
  const others = Object.keys(given).filter((key) => !known.includes(key));
  if (others.length > 0) throw new Error(`${where}: ${others.join(', ')} is more than this runner knows`);
}

function mapping(value: unknown): Mapping {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`${JSON.stringify(value)} is not a mapping`);
  return value as Mapping;
}

function scalar(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') throw new Error(`${JSON.stringify(value)} is not a scalar`);
  return String(value);
}

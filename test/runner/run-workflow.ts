import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { runInNewContext } from 'node:vm';
import { type ActionOptions, type ActionResult, startAction } from './run-action.ts';
import { ownAction, type Workflow, type WorkflowJob, type WorkflowStep } from './workflow-file.ts';

export interface WorkflowOptions extends Omit<ActionOptions, 'inputs'> {
  /** Contexts of expressions: `github`, `inputs`, `secrets`. */
  readonly contexts: Readonly<Record<string, object>>;
  /** Steps that cannot be run here, by name, and how they end. */
  readonly instead: Readonly<Record<string, 'success' | 'failure'>>;
}

export interface StepRun {
  readonly name: string;
  readonly ended: 'success' | 'failure' | 'skipped';
  /** What a `run` printed. */
  readonly printed?: string;
  /** Of a step that uses this action. */
  readonly action?: ActionResult;
}

type Steps = Readonly<Record<string, { readonly outputs: Readonly<Record<string, string>> }>>;

/** Runs each job of a workflow as a runner would: conditions, expressions, steps in their order; actions of others are passed over. */
export async function runWorkflow(workflow: Workflow, options: WorkflowOptions): Promise<readonly StepRun[]> {
  const runs: StepRun[] = [];
  for (const job of workflow.jobs) {
    const holds = job.if === '' || evaluate(job.if, options.contexts) === true;
    runs.push(...(holds ? await runJob(job, options) : job.steps.map(({ name }): StepRun => ({ name, ended: 'skipped' }))));
  }
  return runs;
}

async function runJob(job: WorkflowJob, options: WorkflowOptions): Promise<readonly StepRun[]> {
  const runs: StepRun[] = [];
  let steps: Steps = {};
  for (const step of job.steps) {
    const failed = runs.some(({ ended }) => ended === 'failure');
    const contexts = {
      ...options.contexts,
      steps,
      always: () => true,
      success: () => !failed,
      failure: () => failed,
      fromJSON: JSON.parse,
    };
    const run = conditionHolds(step.if, contexts)
      ? await runStep(step, options, contexts)
      : ({ name: step.name, ended: 'skipped' } as const);
    runs.push(run);
    if (step.id !== '') steps = { ...steps, [step.id]: { outputs: run.action?.outputs ?? {} } };
  }
  return runs;
}

/** A condition without a status function holds only while nothing has failed. */
function conditionHolds(condition: string, contexts: object): boolean {
  const asksForStatus = /\b(?:always|success|failure|cancelled)\(/u.test(condition);
  return evaluate(asksForStatus ? condition : `success() && (${condition || 'true'})`, contexts) === true;
}

async function runStep(step: WorkflowStep, options: WorkflowOptions, contexts: object): Promise<StepRun> {
  const { name } = step;
  const instead = options.instead[name];
  if (instead !== undefined) return { name, ended: instead };
  const fill = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, fillExpressions(value, contexts)]));
  const env = { ...options.env, ...fill(step.env) };
  if (step.run !== '') return { name, ...(await runShell(fillExpressions(step.run, contexts), env)) };
  if (!ownAction.test(step.uses)) return { name, ended: 'success' };
  const action = await startAction({ ...options, env, inputs: fill(step.with) }).done;
  return { name, ended: action.code === 0 ? 'success' : 'failure', action };
}

async function runShell(script: string, env: Readonly<Record<string, string>>): Promise<Pick<StepRun, 'ended' | 'printed'>> {
  const path = { PATH: process.env['PATH'] ?? '' };
  const shell = spawn('bash', ['-e', '-c', script], { env: { ...path, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed, [code]] = await Promise.all([text(shell.stdout), once(shell, 'close')]);
  return { ended: code === 0 ? 'success' : 'failure', printed };
}

function fillExpressions(value: string, contexts: object): string {
  return value.replaceAll(/\$\{\{(.*?)\}\}/gsu, (_all, expression: string) => String(evaluate(expression, contexts) ?? ''));
}

/** The expressions of our own workflows are JavaScript as well, and mean the same there; one that is not throws. */
function evaluate(expression: string, contexts: object): unknown {
  return runInNewContext(expression, { ...contexts });
}

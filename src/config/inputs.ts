import { UserError } from '../errors.ts';
import type { ReleaseSpec, StepSpec, Strategy } from '../rollout/spec.ts';
import type { Command, Config, Evidence, MetricsChoice, Queries } from './config.ts';
import { readConfigMapSources, readVariables } from './configuration-inputs.ts';
import { parseDispersion, parseErrorBudget, parseMaxSlow, parseMinTraffic } from './gate-units.ts';
import { readImageRequest, readNoImage } from './image-request.ts';
import { InputReader } from './input-reader.ts';
import { readMetrics } from './metrics.ts';
import { parseDeploymentName, parseNamespace } from './names.ts';
import { type Parsed, quoted } from './parsed.ts';
import { parseProbeAddress } from './probe-address.ts';
import { readPrometheusAccess } from './prometheus-access.ts';
import { parsePrometheusAddress } from './prometheus-address.ts';
import { promqlProblem } from './promql-text.ts';
import { readRevision } from './revision.ts';
import { parsePairSteps, parseSteps } from './steps.ts';
import { formatDuration, parseErrorLimit, parseErrorRate } from './units.ts';
import { unknownInputs } from './unknown-inputs.ts';

export type InputContext = {
  /** Undefined: unknown, and treated as public. */
  readonly repositoryPrivate: boolean | undefined;
  /** Names of all environment variables, to find inputs that do not exist. */
  readonly environmentNames?: readonly string[];
};

const existingCommands: readonly Command[] = ['deploy', 'plan', 'status', 'abort', 'reconcile', 'history', 'rollback'];
const laterCommands = ['promote'];
const laterStrategies = ['a-b', 'shadow'];
const secondMs = 1000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** All inputs to a Config; throws one UserError that lists every problem. */
export function parseInputs(read: (name: string) => string, context: InputContext): Config {
  const reader = new InputReader(read);
  const prometheus = reader.parse('prometheus', parsePrometheusAddress);
  const command = readCommand(reader);
  const metrics = readMetrics(reader);
  const config: Config = {
    command,
    deployment: readDeployment(reader),
    namespace: reader.parse('namespace', parseNamespace),
    variables: readVariables(reader),
    configMaps: readConfigMapSources(reader),
    changeCause: reader.text('change-cause'),
    images: command === 'deploy' || command === 'plan' ? readImageRequest(reader) : readNoImage(reader, command),
    toRevision: readRevision(reader, command),
    // Not trimmed: the first line's indentation is part of YAML.
    kubeconfig: reader.text('kubeconfig') === undefined ? undefined : read('kubeconfig'),
    context: reader.text('context'),
    prometheus,
    prometheusAccess: readPrometheusAccess(reader, prometheus),
    metrics,
    queries: readQueries(reader),
    readinessOnPurpose: metrics.source === 'none',
    evidence: reader.choice<Evidence>('evidence', ['logs', 'events', 'none']) ?? (context.repositoryPrivate === true ? 'logs' : 'events'),
    release: readRelease(reader, metrics),
    probe: reader.parse('probe-url', parseProbeAddress),
  };
  const problems = [...reader.problems, ...unknownInputs(context.environmentNames ?? [])];
  if (problems.length > 0)
    throw new UserError(
      'inputs-invalid',
      summarize(problems),
      'Nothing was sent to the cluster. The inputs are described in the README of the action',
    );
  return config;
}

function summarize(problems: readonly string[]): string {
  if (problems.length === 1) return `An input is wrong: ${problems[0]}`;
  return [`${problems.length} inputs are wrong:`, ...problems.map((problem) => `- ${problem}`)].join('\n');
}

function readCommand(reader: InputReader): Config['command'] {
  const command = reader.choice('command', [...existingCommands, 'replay'], laterCommands) ?? 'deploy';
  if (reader.isGiven('samples')) reader.reject('samples', 'it names the file of command: replay; leave it out');
  if (command !== 'replay') return command;
  reader.reject('command', 'a replay has inputs of its own, and is no release');
  return 'plan';
}

function readDeployment(reader: InputReader): string {
  if (reader.text('deployment') === undefined)
    reader.reject('deployment', 'it is required; valid is the name of a Deployment, for example web');
  return reader.parseOr('deployment', parseDeploymentName, '');
}

function readRelease(reader: InputReader, metrics: MetricsChoice): ReleaseSpec {
  const timeoutMs = reader.durationMs('timeout', secondMs, dayMs);
  const minDurationMs = reader.durationMs('min-duration', 0, dayMs);
  if (timeoutMs !== undefined && minDurationMs !== undefined && timeoutMs < minDurationMs) {
    const shortest = `valid is ${formatDuration(minDurationMs)} or more`;
    reader.reject(
      'timeout',
      `${formatDuration(timeoutMs)} ends before min-duration (${formatDuration(minDurationMs)}) is over; ${shortest}`,
    );
  }
  const strategy = reader.choice<Strategy>('strategy', ['canary', 'rolling', 'recreate', 'blue-green'], laterStrategies) ?? 'canary';
  const canaryDeployment = readSecondDeployment(reader, 'canary-deployment', 'canary');
  const greenDeployment = readSecondDeployment(reader, 'green-deployment', 'blue-green');
  return {
    judgedBy: metrics.source === 'prometheus' || metrics.source === 'pods' ? 'metrics' : 'readiness',
    strategy,
    steps: readSteps(reader, strategy, canaryDeployment !== undefined),
    maxErrorIncrease: reader.parseOr('max-error-increase', parseErrorLimit, { ratio: 1, absolute: 0 }),
    maxErrorRate: reader.parse('max-error-rate', parseErrorRate),
    maxSlow: reader.parse('max-slow', parseMaxSlow),
    minTraffic: reader.parse('min-traffic', parseMinTraffic),
    errorBudget: reader.parse('error-budget', parseErrorBudget),
    dispersion: reader.parse('dispersion', parseDispersion),
    timeoutMs: timeoutMs ?? 0,
    readyTimeoutMs: reader.durationMs('ready-timeout', secondMs, dayMs) ?? 0,
    minDurationMs: minDurationMs ?? 0,
    bakeMs: reader.durationMs('bake', 0, dayMs) ?? 0,
    smokeTest: readSmokeTest(reader),
    deadManMs: reader.durationMs('dead-man', 15 * secondMs, hourMs) ?? 0,
    onInconclusive: reader.choice('on-inconclusive', ['rollback', 'promote']) ?? 'rollback',
    force: reader.parseOr('force', parseBoolean, false),
    canaryDeployment,
    greenDeployment,
  };
}

/** Only a canary has steps: somebody who gives them to another strategy expects shares that it does not have. */
function readSteps(reader: InputReader, strategy: Strategy, isPair: boolean): readonly StepSpec[] {
  if (strategy === 'canary') return reader.parseOr('steps', isPair ? parsePairSteps : parseSteps, []);
  if (reader.isGiven('steps')) reader.reject('steps', `strategy ${strategy} has no steps; leave it out, or use strategy canary`);
  return [];
}

/** Only blue-green has something to ask before any user does. */
function readSmokeTest(reader: InputReader): string | undefined {
  const command = reader.text('smoke-test');
  if (command !== undefined && reader.text('strategy') !== 'blue-green')
    reader.reject('smoke-test', 'it needs strategy: blue-green, whose preview Service it asks; give that, or leave it out');
  return command;
}

/** The second Deployment of a pair that the user keeps: one for each strategy that knows such a pair. */
function readSecondDeployment(
  reader: InputReader,
  input: 'canary-deployment' | 'green-deployment',
  strategy: Strategy,
): string | undefined {
  const name = reader.parse(input, parseDeploymentName);
  if (name === undefined) return undefined;
  if (name === reader.text('deployment')) reader.reject(input, 'it is the same as deployment; valid is a second Deployment');
  if (reader.text('strategy') !== strategy) reader.reject(input, `it is only valid with strategy: ${strategy}`);
  for (const other of ['env', 'config-maps'] as const) {
    if (reader.isGiven(other))
      reader.reject(other, `a second Deployment of your own (${input}) gets images only; change its manifest, or leave this out`);
  }
  return name;
}

function parseBoolean(text: string): Parsed<boolean> {
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  return { problem: `${quoted(text)} is not valid; valid: true, false` };
}

function readQueries(reader: InputReader): Queries | undefined {
  const error = reader.parse('error-query', parseQuery);
  const total = reader.parse('total-query', parseQuery);
  const given = (['error-query', 'total-query'] as const).filter((name) => reader.isGiven(name));
  if (given.length === 1) reader.reject(given[0] ?? 'error-query', 'error-query and total-query are only valid together');
  return error === undefined || total === undefined ? undefined : { error, total };
}

function parseQuery(text: string): Parsed<string> {
  const problem = promqlProblem(text);
  if (problem !== undefined) return { problem: `${quoted(text)}: ${problem}; valid is PromQL that is complete in itself` };
  if (/\$(?:pods\b|\{pods\})/u.test(text)) return { value: text };
  return {
    problem: `${quoted(text)} does not hold $pods, so it cannot tell the canary from stable; valid is PromQL like sum by (pod) (http_requests_total{namespace="$namespace", pod=~"$pods"})`,
  };
}

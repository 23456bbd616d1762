import { UserError } from '../errors.ts';
import type { ReleaseSpec } from '../rollout/spec.ts';
import type { Config, Evidence, MetricsChoice, Queries } from './config.ts';
import { readImageRequest } from './image-request.ts';
import { InputReader } from './input-reader.ts';
import { readMetrics } from './metrics.ts';
import { parseDeploymentName, parseNamespace } from './names.ts';
import { type Parsed, quoted } from './parsed.ts';
import { readPrometheusAccess } from './prometheus-access.ts';
import { parsePrometheusAddress } from './prometheus-address.ts';
import { promqlProblem } from './promql-text.ts';
import { parseSteps } from './steps.ts';
import { formatDuration, parseErrorLimit, parseErrorRate } from './units.ts';
import { unknownInputs } from './unknown-inputs.ts';

export type InputContext = {
  /** Undefined: unknown, and treated as public. */
  readonly repositoryPrivate: boolean | undefined;
  /** Names of all environment variables, to find inputs that do not exist. */
  readonly environmentNames?: readonly string[];
};

const laterCommands = ['status', 'abort', 'promote', 'rollback', 'history', 'reconcile', 'replay'];
const laterStrategies = ['rolling', 'recreate', 'blue-green', 'a-b', 'shadow'];
const secondMs = 1000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** All inputs to a Config; throws one UserError that lists every problem. */
export function parseInputs(read: (name: string) => string, context: InputContext): Config {
  const reader = new InputReader(read);
  const prometheus = reader.parse('prometheus', parsePrometheusAddress);
  const metrics = readMetrics(reader);
  const config: Config = {
    command: reader.choice('command', ['deploy', 'plan'], laterCommands) ?? 'deploy',
    deployment: readDeployment(reader),
    namespace: reader.parse('namespace', parseNamespace),
    images: readImageRequest(reader),
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
  return {
    strategy: reader.choice('strategy', ['canary'], laterStrategies) ?? 'canary',
    steps: reader.parseOr('steps', parseSteps, []),
    judgedBy: metrics.source === 'prometheus' || metrics.source === 'pods' ? 'metrics' : 'readiness',
    maxErrorIncrease: reader.parseOr('max-error-increase', parseErrorLimit, { ratio: 1, absolute: 0 }),
    maxErrorRate: reader.parse('max-error-rate', parseErrorRate),
    timeoutMs: timeoutMs ?? 0,
    readyTimeoutMs: reader.durationMs('ready-timeout', secondMs, dayMs) ?? 0,
    minDurationMs: minDurationMs ?? 0,
    deadManMs: reader.durationMs('dead-man', 15 * secondMs, hourMs) ?? 0,
    onInconclusive: reader.choice('on-inconclusive', ['rollback', 'promote']) ?? 'rollback',
    force: reader.parseOr('force', parseBoolean, false),
  };
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

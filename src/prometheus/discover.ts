import { Fault, messageOf, UserError } from '../errors.ts';
import { type Choice, chooseFamily, explainNoFamily, type Sighting } from '../rollout/metric-families/choose.ts';
import { type Family, familiesOf, type Preset, presets } from '../rollout/metric-families/families.ts';
import { boundsOf, isBound } from '../rollout/metric-families/latency.ts';
import { isErrorSeries } from '../rollout/metric-families/outcome.ts';
import { foreignTextMax, parseLabels } from './parse.ts';
import {
  ambiguousLabel,
  bucketsQuery,
  labelQuery,
  outcomesQuery,
  podsRegex,
  type Replicas,
  replicaLabels,
  replicasQuery,
  type SlowBucket,
} from './query.ts';
import type { Ask } from './transport.ts';

/** What they have in common shows in a few. */
const podsMax = 8;

/**
 * Asks which of the known families exist for the stable pods, and with which labels: preset by preset, until one has a family that tells
 * what failed. Each family is asked for by its name, as not every store allows a regular expression there.
 * Throws UserError `metrics-unreachable` or `metrics-empty`.
 */
export async function discover(
  ask: Ask,
  namespace: string,
  stablePods: readonly string[],
  preset: Preset | undefined,
  signal: AbortSignal,
): Promise<Choice> {
  const regex = podsRegex(stablePods.slice(0, podsMax)) ?? '';
  const all: Sighting[] = [];
  for (const name of presets.filter((one) => preset === undefined || preset === one)) {
    const families = familiesOf(name);
    const sightings = (await Promise.all(families.map((family) => look(ask, namespace, regex, family, signal)))).flat();
    all.push(...sightings);
    const choice = chooseFamily(sightings, name);
    if (choice !== undefined) return choice;
  }
  throw new UserError(
    'metrics-empty',
    `Prometheus has no series for any of the ${stablePods.length} stable pods`,
    `Does Prometheus scrape these pods, with the labels namespace="${namespace}" and pod, and have they answered a request yet?\n${explainNoFamily(all, preset)}\n` +
      'If the metric has another name, give `error-query` and `total-query`; to judge by readiness alone, set `metrics: none`.',
  );
}

/** The bounds of the histogram, in milliseconds, and the bucket of the asked one; throws UserError `metrics-unreachable`. */
export async function discoverBuckets(
  ask: Ask,
  namespace: string,
  stablePods: readonly string[],
  family: Family,
  boundMs: number,
  signal: AbortSignal,
): Promise<{ readonly boundsMs: readonly number[]; readonly bucket: SlowBucket | undefined }> {
  const query = bucketsQuery(namespace, podsRegex(stablePods.slice(0, podsMax)) ?? '', family);
  const labels = query === undefined ? [] : await labelsOf(ask, query, signal);
  const le = labels.map((one) => one['le']).find((one) => isBound(family, one, boundMs));
  const boundsMs = boundsOf(
    family,
    labels.map((one) => ({ labels: one })),
  );
  return { boundsMs, bucket: le === undefined ? undefined : { le } };
}

/**
 * Which labels tell replicas of Prometheus apart here, and what to say where that is not certain: counted twice, a request has twice the
 * evidence. Throws UserError `metrics-unreachable`.
 */
export async function discoverReplicas(
  ask: Ask,
  namespace: string,
  stablePods: readonly string[],
  family: Family,
  signal: AbortSignal,
): Promise<{ readonly replicas: Replicas; readonly warnings: readonly string[] }> {
  const labels = await labelsOf(ask, replicasQuery(namespace, podsRegex(stablePods.slice(0, podsMax)) ?? '', family), signal);
  const replicas = replicaLabels.filter((name) => labels.some((one) => (one[name] ?? '') !== ''));
  const values = new Map<string, Set<string>>();
  for (const { pod = '', [ambiguousLabel]: value = '' } of labels)
    if (value !== '') values.set(pod, (values.get(pod) ?? new Set()).add(value));
  const several = [...values].find(([, found]) => found.size > 1);
  if (several === undefined) return { replicas, warnings: [] };
  const [pod, { size }] = several;
  const warning =
    `the counters of pod ${pod} come with ${size} values of the label ${ambiguousLabel}: if these are replicas of Prometheus, each request counts ${size} times ` +
    'and verdicts come too early. Let Thanos merge them (--query.replica-label), or call the label prometheus_replica';
  return { replicas, warnings: [warning.slice(0, foreignTextMax)] };
}

async function look(ask: Ask, namespace: string, regex: string, family: Family, signal: AbortSignal): Promise<readonly Sighting[]> {
  const outcomes = await labelsOf(ask, outcomesQuery(namespace, regex, family), signal);
  if (outcomes.length === 0) return [];
  const seen = outcomes.map((labels) => ({
    counter: family.counter,
    labels: Object.keys(labels).filter((name) => labels[name] !== ''),
    tells: isErrorSeries(family, labels) !== undefined,
  }));
  const named = await Promise.all(
    family.pathLabels.map(async (label) => {
      const found = await labelsOf(ask, labelQuery(namespace, regex, family, label), signal);
      return found.length === 0 ? [] : [{ counter: family.counter, labels: [label], tells: false }];
    }),
  );
  return [...seen, ...named.flat()];
}

async function labelsOf(ask: Ask, query: string, signal: AbortSignal) {
  const answer = await ask({ query }, signal).then(parseLabels, (error: unknown) => {
    if (error instanceof Fault) return messageOf(error).slice(0, foreignTextMax);
    throw error;
  });
  if (typeof answer !== 'string') return answer;
  throw unreachable(answer, query);
}

/** Prometheus answers nothing that could be used, before the start. */
export function unreachable(why: string, query: string): UserError {
  return new UserError(
    'metrics-unreachable',
    `Prometheus cannot be used: ${why}`,
    `Asked was: ${query}\nCheck \`prometheus\`, \`error-query\` and \`total-query\`; to judge by readiness alone, set \`metrics: none\`.`,
  );
}

import type { Queries } from '../config/config.ts';
import type { Choice } from '../rollout/metric-families/choose.ts';
import type { PodNames } from '../runner/ports.ts';

/** The label that tells the two halves of a custom query apart in one answer. */
export const sideLabel = 'gated_rollout_side';

/** How requests are counted: by the user's own queries, or by a family that is known. */
export type Counting =
  | { readonly kind: 'queries'; readonly queries: Queries }
  | { readonly kind: 'family'; readonly choice: Choice; readonly slow?: SlowBucket | undefined; readonly replicas?: Replicas };

/** Labels that tell the replicas of a highly available Prometheus apart, where nothing merges what they have scraped. */
export const replicaLabels = ['prometheus_replica', '__replica__'] as const;
/** Those of them that the series have. */
export type Replicas = readonly (typeof replicaLabels)[number][];
/** Another usual name of such a label, which an application may as well have chosen for something of its own. */
export const ambiguousLabel = 'replica';

/** The bucket whose requests were quick enough, by its label `le` as it is stored. */
export type SlowBucket = { readonly le: string };

/**
 * One PromQL instant query for all pods of both arms, so that errors and totals come from the same moment; undefined for no pods.
 * `$namespace` and `$pods` (or `${…}`) in custom queries stand for the namespace and a regular expression of the pods' names, to be put
 * into quotes by the user.
 */
export function buildQuery(namespace: string, pods: PodNames, counting: Counting): string | undefined {
  const regex = podsRegex([...pods.canary, ...pods.stable]);
  if (regex === undefined) return undefined;
  if (counting.kind === 'family')
    return [countersQuery(namespace, regex, counting.choice, counting.replicas), ...bucketQueries(namespace, regex, counting)].join(' or ');
  const { queries } = counting;
  const halves = [labelled(queries.error, 'error'), labelled(queries.total, 'total')];
  return fillIn(halves.join(' or '), { namespace: quotable(namespace), pods: regex });
}

/** A regular expression of these names, for a double-quoted PromQL string; undefined for none: an empty one matches what has no label. */
export function podsRegex(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : quotable(names.map(escapeRegex).join('|'));
}

/** `job` and `replicas` keep the counters apart that two jobs, or two replicas of Prometheus, have scraped of one pod; the labels of the outcome stay, whichever the next version has. */
export function countersQuery(namespace: string, regex: string, { family, pathLabels }: Choice, replicas: Replicas = []): string {
  const paths = pathLabels.map((label) => `${label}!~"${quotable(family.notRequests)}"`);
  return `sum by (${['pod', 'job', ...replicas, ...family.outcomeLabels].join(', ')}) (${selector(family.counter, namespace, regex, family.only, paths)})`;
}

/** All requests of the histogram, and the quick ones: told apart by a label of ours, as each query has its own place in the answer. */
function bucketQueries(
  namespace: string,
  regex: string,
  { choice, slow, replicas = [] }: Extract<Counting, { kind: 'family' }>,
): readonly string[] {
  const { buckets } = choice.family;
  if (slow === undefined || buckets === undefined) return [];
  const paths = choice.pathLabels.map((label) => `${label}!~"${quotable(choice.family.notRequests)}"`);
  return [
    [timesSides.all, '+Inf'],
    [timesSides.quick, slow.le],
  ].map(([side = '', le = '']) => {
    const bucket = selector(buckets.name, namespace, regex, choice.family.only, [`le="${quotable(le)}"`, ...paths]);
    return `label_replace(sum by (${['pod', 'job', ...replicas].join(', ')}) (${bucket}), "${sideLabel}", "${side}", "", "")`;
  });
}

/** Values of `sideLabel` in the answer of a family's query. */
export const timesSides = { all: 'all-times', quick: 'quick' } as const;

/** Which buckets a family's histogram has; one sample for each. */
export function bucketsQuery(namespace: string, regex: string, { buckets, only }: Choice['family']): string | undefined {
  return buckets === undefined ? undefined : `count by (le) (${selector(buckets.name, namespace, regex, only, [])})`;
}

/** Which outcomes a family's series have, for `only` the direction that counts; one sample for each combination. */
export function outcomesQuery(namespace: string, regex: string, { counter, outcomeLabels, only }: Choice['family']): string {
  return `count by (${outcomeLabels.join(', ')}) (${selector(counter, namespace, regex, only, [])})`;
}

/** Who has scraped these pods: one sample for each pod and replica. */
export function replicasQuery(namespace: string, regex: string, { counter, only }: Choice['family']): string {
  return `count by (${['pod', ...replicaLabels, ambiguousLabel].join(', ')}) (${selector(counter, namespace, regex, only, [])})`;
}

/** Whether a family's series have a label: one sample, or none. */
export function labelQuery(namespace: string, regex: string, { counter, only }: Choice['family'], label: string): string {
  return `count (${selector(counter, namespace, regex, only, [`${label}!=""`])})`;
}

function selector(
  counter: string,
  namespace: string,
  regex: string,
  only: Readonly<Record<string, string>>,
  more: readonly string[],
): string {
  const fixed = Object.entries(only).map(([label, value]) => `${label}="${quotable(value)}"`);
  return `${counter}{${[`namespace="${quotable(namespace)}"`, `pod=~"${regex}"`, ...fixed, ...more].join(',')}}`;
}

/** The line breaks keep a comment at the query's end from swallowing the rest; an empty regex matches the missing source label. */
function labelled(query: string, side: 'error' | 'total'): string {
  return `label_replace(sum by (pod) (\n${query}\n), "${sideLabel}", "${side}", "", "")`;
}

function fillIn(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\$(?:\{(namespace|pods)\}|(namespace|pods)\b)/g, (whole: string, braced?: string, bare?: string) => {
    return values[braced ?? bare ?? ''] ?? whole;
  });
}

/** Dots, the only special character of DNS names, become `[.]`: it needs no backslash, so it is the same in all of PromQL's quotes. */
function escapeRegex(text: string): string {
  return text.replaceAll('.', '[.]').replaceAll(/[\\^$*+?()|{}]|\[(?!\.\])|(?<!\[\.)\]/g, '\\$&');
}

/** For a double-quoted PromQL string, which follows Go's escapes. */
function quotable(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

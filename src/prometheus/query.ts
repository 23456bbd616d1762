import type { Queries } from '../config/config.ts';
import type { PodNames } from '../runner/ports.ts';

/** The label that tells the two halves of a custom query apart in one answer. */
export const sideLabel = 'gated_rollout_side';

/**
 * One PromQL instant query for all pods of both arms, so that errors and totals come from the same moment; undefined for no pods.
 * Without `queries`: `http_requests_total` by `code` and `status`. `$namespace` and `$pods` (or `${…}`) in custom queries stand for the
 * namespace and a regular expression of the pods' names, to be put into quotes by the user.
 */
export function buildQuery(namespace: string, pods: PodNames, queries: Queries | undefined): string | undefined {
  const names = [...pods.canary, ...pods.stable];
  if (names.length === 0) return undefined;
  const regex = quotable(names.map(escapeRegex).join('|'));
  if (queries === undefined) return `sum by (pod, code, status) (http_requests_total{namespace="${quotable(namespace)}",pod=~"${regex}"})`;
  const halves = [labelled(queries.error, 'error'), labelled(queries.total, 'total')];
  return fillIn(halves.join(' or '), { namespace: quotable(namespace), pods: regex });
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

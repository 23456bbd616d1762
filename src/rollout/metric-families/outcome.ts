import type { Family, OutcomeKind } from './families.ts';

export type Labels = Readonly<Record<string, string | undefined>>;

/** gRPC's codes that say that the server has failed: OpenTelemetry's semantic conventions for gRPC servers. The number is gRPC's own. */
const serverFaults: ReadonlyMap<string, number> = new Map([
  ['unknown', 2],
  ['deadlineexceeded', 4],
  ['unimplemented', 12],
  ['internal', 13],
  ['unavailable', 14],
  ['dataloss', 15],
]);
const serverFaultNumbers: ReadonlySet<string> = new Set([...serverFaults.values()].map(String));

const readers: Readonly<Record<OutcomeKind, { isKnown(value: string): boolean; isError(value: string): boolean }>> = {
  'http-status': { isKnown: (value) => /^[1-5](?:\d\d|xx)$/i.test(value), isError: (value) => value.startsWith('5') },
  'grpc-name': {
    isKnown: (value) => /^[a-z_]+$/i.test(value),
    isError: (value) => serverFaults.has(value.replaceAll('_', '').toLowerCase()),
  },
  'grpc-number': { isKnown: (value) => /^\d{1,2}$/.test(value), isError: (value) => serverFaultNumbers.has(value) },
  'linkerd-class': {
    isKnown: (value) => value === 'success' || value === 'failure',
    isError: (value) => value === 'failure',
  },
};

/** Whether a series counts errors; undefined where none of its labels tells an outcome. */
export function isErrorSeries(family: Pick<Family, 'outcome' | 'outcomeLabels'>, labels: Labels): boolean | undefined {
  const { isKnown, isError } = readers[family.outcome];
  const known = family.outcomeLabels.flatMap((name) => {
    const value = Object.hasOwn(labels, name) ? labels[name] : undefined;
    return typeof value === 'string' && isKnown(value) ? [value] : [];
  });
  return known.length === 0 ? undefined : known.some(isError);
}

/** Whether a series counts requests of clients to this pod: no probe, no scrape, not the other direction of a proxy. */
export function countsRequests(family: Pick<Family, 'only' | 'pathLabels' | 'notRequests'>, labels: Labels): boolean {
  if (Object.entries(family.only).some(([name, value]) => labels[name] !== value)) return false;
  if (family.notRequests === '') return true;
  const left = new RegExp(`^(?:${family.notRequests})$`, 'u');
  return !family.pathLabels.some((name) => left.test(labels[name] ?? ''));
}

export type SeriesValue = { readonly labels: Labels; readonly value: number };

/** Requests and errors of one pod from its series; undefined where no series counts, `no-outcome` where nothing tells what failed. */
export function countSeries(
  family: Family,
  series: readonly SeriesValue[],
): { readonly errors: number; readonly requests: number } | 'no-outcome' | undefined {
  const counting = series.filter(({ labels }) => countsRequests(family, labels));
  if (counting.length === 0) return undefined;
  let errors = 0;
  let requests = 0;
  let isTold = false;
  for (const { labels, value } of counting) {
    const isError = isErrorSeries(family, labels);
    isTold ||= isError !== undefined;
    requests += value;
    if (isError === true) errors += value;
  }
  return isTold ? { errors, requests } : 'no-outcome';
}

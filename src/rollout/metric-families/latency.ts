import type { Family } from './families.ts';
import { countsRequests, type Labels, type SeriesValue } from './outcome.ts';

/** A bucket's bound in milliseconds, from its label `le` in the family's own unit; undefined for +Inf and for what is no bound. */
function boundMsOf(family: Family, le: string | undefined): number | undefined {
  const bound = le === undefined || le.trim() === '' ? Number.NaN : Number(le);
  if (family.buckets === undefined || !Number.isFinite(bound) || bound < 0) return undefined;
  return Number((bound * family.buckets.unitSeconds * 1000).toPrecision(12));
}

/** The bounds that these series of buckets have, ascending, in milliseconds. */
export function boundsOf(family: Family, series: readonly { readonly labels: Labels }[]): readonly number[] {
  const bounds = series.flatMap(({ labels }) => boundMsOf(family, labels['le']) ?? []);
  return [...new Set(bounds)].sort((a, b) => a - b);
}

/** Whether `le` is the asked bound: programs print it with as many digits as they like. */
export function isBound(family: Family, le: string | undefined, boundMs: number): boolean {
  const bound = boundMsOf(family, le);
  return bound !== undefined && Math.abs(bound - boundMs) <= 1e-9 * boundMs;
}

/**
 * Requests of one pod that took longer than `boundMs`: all of its histogram − the bucket of that bound. Undefined where it has no such
 * bucket: between two bounds a histogram knows nothing.
 */
export function countSlow(family: Family, buckets: readonly SeriesValue[], boundMs: number): number | undefined {
  const counting = buckets.filter(({ labels }) => countsRequests(family, labels));
  const sumOf = (chosen: readonly SeriesValue[]): number => chosen.reduce((sum, { value }) => sum + value, 0);
  const all = counting.filter(({ labels }) => Number(labels['le']) === Infinity || labels['le'] === '+Inf');
  const within = counting.filter(({ labels }) => isBound(family, labels['le'], boundMs));
  return all.length === 0 || within.length === 0 ? undefined : Math.max(0, sumOf(all) - sumOf(within));
}

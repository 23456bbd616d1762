import type { MetricsReading, PodCounters } from '../observation.ts';
import type { SlowLimit } from '../spec.ts';
import { percent } from './amounts.ts';

/** A reading in which slow requests take the errors' place; pods whose response times are not counted are left out, as unknown is not zero. */
export function slowView(reading: MetricsReading): MetricsReading {
  return { canary: slowCounters(reading.canary), stable: slowCounters(reading.stable) };
}

function slowCounters(pods: PodCounters): PodCounters {
  return Object.fromEntries(
    Object.entries(pods).flatMap(([pod, { slow, requests }]) => (slow === undefined ? [] : [[pod, { errors: slow, requests }]])),
  );
}

/**
 * Why requests above the limit's time cannot be counted with these bounds of buckets (milliseconds, without +Inf), and what can; undefined:
 * they can. Between two bounds a histogram knows nothing, and interpolation would invent it.
 */
export function slowBoundProblem(limit: SlowLimit, boundsMs: readonly number[] | undefined): string | undefined {
  const asked = `max-slow: ${percent(limit.absolute)} over ${durationText(limit.boundMs)}`;
  if (boundsMs === undefined || boundsMs.length === 0) return `${asked}: the metrics have no histogram of response times`;
  const sorted = [...new Set(boundsMs)].sort((a, b) => a - b);
  // Bounds are printed in seconds, with as many digits as the program has chosen.
  if (sorted.some((bound) => Math.abs(bound - limit.boundMs) <= 1e-9 * limit.boundMs)) return undefined;
  const shown = sorted.slice(0, boundsShownMax).map(durationText).join(', ');
  return `${asked}: ${durationText(limit.boundMs)} is no bound of the histogram's buckets; valid: ${shown}${sorted.length > boundsShownMax ? ', …' : ''}`;
}

const boundsShownMax = 40;

/** `300ms`, `2.5s`, as the input would have it. */
export function durationText(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toPrecision(6))}s` : `${Number(ms.toPrecision(6))}ms`;
}

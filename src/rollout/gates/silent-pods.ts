import type { MetricsObservation, WorkloadFacts } from '../observation.ts';
import type { Verdict } from '../verdict.ts';

const namedMax = 3;

/**
 * The verdict, unless it is a pass while ready canary pods were asked for their metrics and did not answer: those may be the ones that fail.
 * A failure stands: what the others show is enough for it.
 */
export function unlessSilent(verdict: Verdict, metrics: MetricsObservation | undefined, canary: WorkloadFacts | undefined): Verdict {
  if (verdict.kind !== 'pass' || metrics?.kind !== 'reading') return verdict;
  const serving = new Set((canary?.pods ?? []).filter((pod) => pod.ready && !pod.terminating).map(({ name }) => name));
  const silent = (metrics.reading.silent ?? []).filter((name) => serving.has(name));
  if (silent.length === 0) return verdict;
  const named = `${silent.slice(0, namedMax).join(', ')}${silent.length > namedMax ? ', …' : ''}`;
  const because = `the others pass, but ${silent.length} of ${serving.size} canary pods do not answer with their metrics: ${named}`;
  return { kind: 'unknown', reason: 'metrics-unavailable', because };
}

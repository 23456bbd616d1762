import type { MetricsObservation, MetricsReading, WorkloadFacts } from '../observation.ts';
import type { Verdict } from '../verdict.ts';
import type { MetricsEvidence } from './metrics-evidence.ts';
import { judgedPods, type MetricsRules } from './metrics-rules.ts';

const namedMax = 3;

/** Which ready pods of the new version do not answer with their metrics, in words; undefined: none. One that is not ready is judged by readiness. */
export function explainSilent(
  rules: MetricsRules,
  evidence: MetricsEvidence | undefined,
  judged: WorkloadFacts | undefined,
): string | undefined {
  const serving = new Set((judged?.pods ?? []).filter((pod) => pod.ready && !pod.terminating).map(({ name }) => name));
  const silent = (evidence?.silent ?? []).filter((name) => serving.has(name));
  if (silent.length === 0) return undefined;
  const named = `${silent.slice(0, namedMax).join(', ')}${silent.length > namedMax ? ', …' : ''}`;
  return `${silent.length} of ${serving.size} ${judgedPods(rules)} do not answer with their metrics: ${named}`;
}

/**
 * The verdict, unless it is a pass while metrics of ready pods of the new version are missing: those may be the ones that fail. A failure
 * stands: what the others show is enough for it.
 */
export function unlessSilent(
  verdict: Verdict,
  rules: MetricsRules | undefined,
  evidence: MetricsEvidence | undefined,
  judged: WorkloadFacts | undefined,
): Verdict {
  if (verdict.kind !== 'pass' || rules === undefined) return verdict;
  const silent = explainSilent(rules, evidence, judged);
  return silent === undefined ? verdict : { kind: 'unknown', reason: 'metrics-unavailable', because: `the others pass, but ${silent}` };
}

/** Whose metrics are missing after a reading. A source that asks no pod cannot name any: there it is who has been counted and is not any more. */
export function silentAfter({ counters }: Pick<MetricsEvidence, 'counters'>, reading: MetricsReading): readonly string[] {
  return reading.silent ?? Object.keys(counters.canary).filter((pod) => !Object.hasOwn(reading.canary, pod));
}

/** The same where nothing was read: who was silent has not been heard since. */
export function stillSilent(
  { silent = [] }: Pick<MetricsEvidence, 'silent'>,
  more: Extract<MetricsObservation, { kind: 'unavailable' }>['silent'] = [],
): readonly string[] {
  return [...new Set([...silent, ...more])];
}

import type { Before } from '../state.ts';
import { upperBound } from './error-bounds.ts';
import type { MetricsRules } from './metrics-rules.ts';

/** With fewer requests than this nobody knows how stable did before. */
export const beforeRequestsMin = 100;

/**
 * The rules where stable does not serve at the same time (design, section 5): the absolute limits alone; without one, `ratio` × the upper bound of
 * stable's rate in this run's own samples + `absolute`. An outage that is nobody's fault then convicts: there is nothing to tell it from a bad image.
 */
export function beforeAfterRules(rules: MetricsRules, before: Before): MetricsRules {
  const given = rules.limits.filter((limit) => limit.ratio === 0);
  if (given.length > 0) return withLimits(rules, given);
  const bound = upperBound(before.errors, before.requests, rules.passNats);
  const limits = rules.limits.map(({ ratio, absolute }) => ({ ratio: 0, absolute: Math.min(1, ratio * bound + absolute) }));
  return withLimits(rules, limits);
}

/** `failNats` grows with the logarithm of the number of limits: fewer of them need less evidence. */
function withLimits(rules: MetricsRules, limits: MetricsRules['limits']): MetricsRules {
  const failNats = rules.failNats + Math.log(limits.length / rules.limits.length);
  return { ...rules, limits, failNats };
}

/** Whether the samples of before are enough for a limit, or none are needed because one is given. */
export function knowsBefore(rules: MetricsRules, before: Before): boolean {
  return rules.limits.some((limit) => limit.ratio === 0) || before.requests >= beforeRequestsMin;
}

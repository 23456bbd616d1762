import { count, percent } from './amounts.ts';
import { upperBound } from './error-bounds.ts';
import { allowedRate, type GateLimit, isSlowLimit, type MetricsRules, testCount } from './metrics-rules.ts';
import { durationText } from './slow-requests.ts';

/** What stable answered in this run's own samples while it still served. */
export type Before = { readonly errors: number; readonly requests: number };

/** With fewer requests than this nobody knows how stable did before. */
const beforeRequestsMin = 100;

/**
 * The rules where stable does not serve at the same time (design, section 5): `max-error-rate`, else what max-error-increase makes of the upper
 * bound (95 %, gates.md §3.6) of stable's rate before; `max-slow` is absolute anyway. An outage that is nobody's fault then convicts: there is
 * nothing to tell it from a bad image. Undefined where that would allow everything, as stable has answered too little.
 */
export function beforeAfterRules(rules: MetricsRules, before: Before): MetricsRules | undefined {
  const bound = boundOf(rules, before);
  const hasRate = rules.limits.some(isGivenRate);
  const limits = rules.limits.flatMap((limit) => {
    if (limit.ratio === 0) return [limit];
    return hasRate ? [] : [{ ratio: 0, absolute: allowedRate(limit, bound) }];
  });
  if (limits.some((limit) => limit.absolute >= 1)) return undefined;
  return {
    ...rules,
    // A canary is gone by then.
    judged: rules.judged ?? 'new version',
    limits,
    // Who has all of the traffic has no share of it.
    minTraffic: undefined,
    rateBefore: bound,
    // It grows with the logarithm of the number of tests: fewer of them need less evidence.
    failNats: rules.failNats + Math.log(limits.length / testCount(rules)),
  };
}

/** Whether a limit can be made of what stable has answered that is worth its traffic, or none need be made. */
export function knowsBefore(rules: MetricsRules, before: Before): boolean {
  return rules.limits.some(isGivenRate) || !rules.limits.some(isCompared) || before.requests >= beforeRequestsMin;
}

/** How the limits come about, for plan and report. */
export function explainBeforeAfter(rules: MetricsRules, before: Before): string {
  const after = beforeAfterRules(rules, before);
  if (after === undefined) return 'no absolute limit can be given: stable has not answered enough requests';
  const compared = rules.limits.find(isCompared);
  const limits = after.limits.map((limit) => {
    const allowed = `at most ${percent(limit.absolute)}`;
    if (limit.slowOverMs !== undefined) return `${allowed} slower than ${durationText(limit.slowOverMs)} (max-slow)`;
    if (compared === undefined || rules.limits.includes(limit)) return `${allowed} errors (max-error-rate)`;
    const seen = `stable's ${count(before.errors)} of ${count(before.requests)}`;
    return `${allowed} errors (${compared.ratio} x the upper bound ${percent(boundOf(rules, before))} of ${seen} + ${percent(compared.absolute)})`;
  });
  const budget = rules.errorBudget === undefined ? [] : [`an error budget of ${count(rules.errorBudget)} requests`];
  return [...limits, ...budget].join(' and ');
}

function boundOf(rules: MetricsRules, before: Before): number {
  return upperBound(before.errors, before.requests, rules.passNats);
}

function isGivenRate(limit: GateLimit): boolean {
  return limit.ratio === 0 && !isSlowLimit(limit);
}

function isCompared(limit: GateLimit): boolean {
  return limit.ratio > 0;
}

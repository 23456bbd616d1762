import { type MetricsEvidence, type MetricsRules, overdraws } from './metrics-gate.ts';

/** Evidence of a broken limit, in nats, above which the canary gets no more traffic until it is clear which it is: odds of about 3 to 1. */
const leaningNats = 1;

/**
 * Why a step should not give way to a larger one yet, although nothing is proved: nobody has seen the canary answer, or what was seen leans
 * against it. Undefined: nothing speaks against going on. A step that is shorter than a scrape would otherwise pass unseen.
 */
export function reasonToHold(evidence: MetricsEvidence | undefined, rules?: MetricsRules): string | undefined {
  if (evidence === undefined || evidence.totals.canaryRequests === 0) return 'no request of the canary has shown up in the metrics yet';
  if (evidence.limits.some((limit) => limit.worse.logE > leaningNats))
    return 'the errors so far lean against the canary: no more traffic until that is clear';
  if (rules !== undefined && overdraws(rules, evidence))
    return 'the error budget is overdrawn in the last scrape: no more traffic until that is clear';
  return undefined;
}

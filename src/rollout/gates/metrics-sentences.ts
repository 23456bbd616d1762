import { confidencePercent, count, percent, rateOf } from './amounts.ts';
import { explainSpent, fullBudget } from './error-budget.ts';
import type { MetricsEvidence } from './metrics-evidence.ts';
import { allowedRateSoFar, confidenceOf, countsOf, weakestLimit } from './metrics-numbers.ts';
import { type GateLimit, judgedName, judgedRequests, type MetricsRules, testCount, theJudged } from './metrics-rules.ts';
import type { Batch } from './sequential-test.ts';
import { durationText } from './slow-requests.ts';
import { explainVanished, startTraffic } from './traffic-share.ts';

/** Why the metrics gate failed. */
export function explainFailure(rules: MetricsRules, evidence: MetricsEvidence): string {
  const index = evidence.failure?.limit ?? 0;
  if (index === 'budget') return explainSpent(rules, evidence.budget ?? fullBudget, evidence.totals);
  if (index === 'traffic') return explainVanished(rules, evidence.traffic ?? startTraffic(rules));
  const limit = rules.limits[index];
  const one = evidence.limits[index];
  if (limit === undefined || one === undefined) return 'the error limit is broken';
  const confidence = confidencePercent(confidenceOf(one.worse.logE - Math.log(testCount(rules))));
  const { whole, excess } = one.tally;
  // A defect that came late may hide in the totals; then only the time since it began shows why.
  const isLate = whole.counts.canaryErrors <= whole.allowedErrors && excess !== undefined;
  const shown = isLate ? excess : whole;
  const when = isLate ? inTheLast((evidence.failure?.atMs ?? excess.sinceMs) - excess.sinceMs) : '';
  const allowed = shown.allowedErrors / shown.counts.canaryRequests;
  const worse = `worse than the allowed ${limitText(limit, allowed)} with ${confidence} confidence`;
  return `${armsOf(rules, limit, shown.counts)}${when}: ${worse}`;
}

/** Why the metrics gate passed: the limit with the least evidence, as the others are surer. */
export function explainPass(rules: MetricsRules, evidence: MetricsEvidence): string {
  const { limit, one } = weakestLimit(rules, evidence);
  if (limit === undefined || one === undefined) return 'no limit';
  const allowed = limitText(limit, allowedRateSoFar(limit, one, evidence));
  const confidence = confidencePercent(confidenceOf(one.within.logE));
  return `${armsOf(rules, limit, one.tally.whole.counts)}: within the allowed ${allowed} with ${confidence} confidence`;
}

/** There is no reading yet. */
export function explainNoReading(evidence: MetricsEvidence): string {
  return evidence.unavailable === undefined ? 'no metrics were read yet' : `metrics are unavailable: ${evidence.unavailable}`;
}

/** Counters that should move stand still. */
export function explainStale(rules: MetricsRules, evidence: MetricsEvidence, quietMs: number, canaryToo: boolean): string {
  const who = canaryToo ? 'no request was counted' : 'no request of stable was counted';
  const why =
    evidence.unavailable ??
    (canaryToo ? 'no traffic, or Prometheus does not scrape' : `there is nothing to compare ${theJudged(rules)} with`);
  return `${who} for ${seconds(quietMs)}: ${why}`;
}

/** Stable answers and the canary does not: it gets no traffic, is not scraped, or hangs. */
export function explainSilentCanary(rules: MetricsRules, quietMs: number): string {
  return `${theJudged(rules)} answered no request for ${seconds(quietMs)} while stable did: it gets no traffic, is not scraped, or hangs`;
}

/** Not enough canary requests for a verdict. */
export function explainTooLittle(rules: MetricsRules, evidence: MetricsEvidence, neededRequests: number): string {
  const { limit, one } = weakestLimit(rules, evidence);
  const allowed =
    limit === undefined || one === undefined ? '' : ` to show that it is within ${percent(allowedRateSoFar(limit, one, evidence))}`;
  const { canaryErrors, canaryRequests } = countsOf(limit, evidence);
  const failed = canaryErrors > 0 ? ` (${count(canaryErrors)} ${limit?.slowOverMs === undefined ? 'failed' : 'slow'})` : '';
  const seen = `${count(canaryRequests)} of about ${count(neededRequests)} ${judgedRequests(rules)}${failed}`;
  return `too little traffic: ${seen}; even without errors so many are needed${allowed}`;
}

/** Enough requests, and still undecided. */
export function explainTooClose(rules: MetricsRules, evidence: MetricsEvidence): string {
  const { limit, one } = weakestLimit(rules, evidence);
  if (limit === undefined || one === undefined) return 'no limit';
  const { worse, within } = one;
  const leaning =
    within.logE > worse.logE
      ? `good (evidence ${odds(within.logE)} to 1, ${count(Math.exp(rules.passNats))} to 1 needed)`
      : `bad (evidence ${odds(worse.logE)} to 1, ${count(Math.exp(rules.failNats))} to 1 needed)`;
  const allowed = limitText(limit, allowedRateSoFar(limit, one, evidence));
  return `${armsOf(rules, limit, countsOf(limit, evidence))}: too close to the allowed ${allowed} to call; leaning ${leaning}`;
}

function armsOf(rules: MetricsRules, limit: GateLimit, counts: Batch): string {
  const { canaryErrors, canaryRequests, stableErrors, stableRequests } = counts;
  const what = limit.slowOverMs === undefined ? 'errors' : `slower than ${durationText(limit.slowOverMs)}`;
  const canary = `${judgedName(rules)} ${rateOf(canaryErrors, canaryRequests)} ${what} (${count(canaryErrors)} of ${count(canaryRequests)})`;
  if (limit.ratio === 0) return canary;
  return `${canary} against stable ${rateOf(stableErrors, stableRequests)} (${count(stableErrors)} of ${count(stableRequests)})`;
}

function limitText(limit: GateLimit, allowed: number): string {
  if (limit.ratio === 0) return percent(limit.absolute);
  const absolute = limit.absolute > 0 ? ` + ${percent(limit.absolute)}` : '';
  return `${limit.ratio} x stable${absolute} = ${percent(allowed)}`;
}

const inTheLast = (ms: number): string => (ms > 0 ? ` in the last ${seconds(ms)}` : ' in the last reading');
const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
const odds = (logE: number): string => Math.exp(Math.max(logE, 0)).toPrecision(2);

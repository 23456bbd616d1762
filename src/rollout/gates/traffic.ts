import { allowedRate, type MetricsRules, withinTest } from './metrics-rules.ts';
import { type Batch, startTest, type TestState, updateTest } from './sequential-test.ts';

/** What a pass costs beyond its threshold, as the alternatives are a guess (fitted to simulations, gates.md §3.4), in nats. */
export const passOverheadNats = 0.7;
/** The same of a failure. */
const failOverheadNats = 2.3;

/** Requests that a canary without any error needs to show that its error rate is below `limit` (a fraction); Infinity at 0. */
export function requestsToPass(limit: number, rules: Pick<MetricsRules, 'passNats' | 'dispersion'>): number {
  if (limit <= 0) return Infinity;
  if (limit >= 1) return 1;
  return Math.ceil((rules.dispersion * (rules.passNats + passOverheadNats)) / -Math.log1p(-limit));
}

/** Requests until a canary with error rate `rate` is convicted of being above `limit` (fractions); Infinity if it is not above. */
export function requestsToConvict(rate: number, limit: number, rules: Pick<MetricsRules, 'failNats' | 'dispersion'>): number {
  if (rate <= limit || limit >= 1) return Infinity;
  if (limit <= 0) return 1;
  return Math.ceil((rules.dispersion * (rules.failNats + failOverheadNats)) / divergence(rate, limit));
}

/** Kullback-Leibler divergence of two Bernoulli distributions, in nats. */
function divergence(a: number, b: number): number {
  const term = (p: number, q: number): number => (p <= 0 ? 0 : p * Math.log(p / q));
  return term(a, b) + term(1 - a, 1 - b);
}

export type ForecastInput = {
  /** Of canary and stable together. */
  readonly requestsPerSecond: number;
  /** A fraction. */
  readonly stableErrorRate: number;
  /** What really reaches the canary; the last step lasts until the timeout, whatever its `holdMs`. */
  readonly steps: readonly { readonly sharePercent: number; readonly holdMs: number }[];
  readonly timeoutMs: number;
  readonly rules: MetricsRules;
};

export type Forecast = {
  /** Canary requests, without any error, after which every limit passes; Infinity if none suffice. */
  readonly neededRequests: number;
  /** Canary requests within the timeout. */
  readonly availableRequests: number;
  /** Undefined: not even a faultless canary can pass within the timeout. */
  readonly secondsToPass: number | undefined;
};

const tickMs = 5_000;
/** How far to look, beyond the timeout, for the number of requests that would have been enough. */
const ticksMin = 5_000;

/**
 * Whether a canary without any error could pass within the timeout: the tests themselves, fed with the traffic to expect. Time to scale
 * and to become ready is left out, so "no" can be relied on and "yes" cannot.
 */
export function forecast(input: ForecastInput): Forecast {
  const { rules, timeoutMs } = input;
  const availableRequests = Math.floor(requestsWithin(input));
  const tests = rules.limits.map((limit) => withinTest(rules, limit));
  let states: readonly TestState[] = tests.map(startTest);
  let requests = 0;
  for (let tick = 0; tick * tickMs < timeoutMs || tick < ticksMin; tick += 1) {
    const batch = expectedBatch(input, tick * tickMs);
    states = tests.map((test, index) => updateTest(test, states[index] ?? startTest(test), batch));
    requests += batch.canaryRequests;
    if (states.every((state) => state.logE >= rules.passNats)) {
      const endMs = (tick + 1) * tickMs;
      return { neededRequests: Math.ceil(requests), availableRequests, secondsToPass: endMs <= timeoutMs ? endMs / 1000 : undefined };
    }
  }
  const needed = rules.limits.map((limit) => requestsToPass(allowedRate(limit, input.stableErrorRate), rules));
  return { neededRequests: Math.max(...needed, availableRequests + 1), availableRequests, secondsToPass: undefined };
}

function expectedBatch(input: ForecastInput, atMs: number): Batch {
  const requests = (input.requestsPerSecond * tickMs) / 1000;
  const canaryRequests = (requests * shareAt(input.steps, atMs)) / 100;
  const stableRequests = requests - canaryRequests;
  return { canaryErrors: 0, canaryRequests, stableErrors: stableRequests * input.stableErrorRate, stableRequests };
}

function requestsWithin(input: ForecastInput): number {
  let sum = 0;
  for (let atMs = 0; atMs < input.timeoutMs; atMs += tickMs) {
    const lengthMs = Math.min(tickMs, input.timeoutMs - atMs);
    sum += (input.requestsPerSecond * (lengthMs / 1000) * shareAt(input.steps, atMs)) / 100;
  }
  return sum;
}

function shareAt(steps: ForecastInput['steps'], atMs: number): number {
  let endMs = 0;
  for (const step of steps.slice(0, -1)) {
    endMs += step.holdMs;
    if (atMs < endMs) return step.sharePercent;
  }
  return steps.at(-1)?.sharePercent ?? 0;
}

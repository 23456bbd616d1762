/** Requests and errors of both arms between two readings; counts need not be whole numbers. */
export type Batch = {
  readonly canaryErrors: number;
  readonly canaryRequests: number;
  readonly stableErrors: number;
  readonly stableRequests: number;
};

/**
 * One one-sided test of the canary's error rate against `ratio` × stable's + `absolute` (fractions).
 * `worse` gathers evidence that the rate is above that limit, `within` that it is below. With `ratio` 0 stable plays no part.
 */
export type SequentialTest = {
  readonly side: 'worse' | 'within';
  readonly ratio: number;
  readonly absolute: number;
  /** Divides all evidence: valid for clusters of up to so many requests that share their fate. */
  readonly dispersion: number;
  /** The most evidence that one batch may give, in nats. */
  readonly capNats: number | undefined;
  /**
   * In how many later batches a share of the capital is bet on "bad from here on"; 0: all on the first. `by-time`: in each later batch,
   * as large a share as its part of the time, so that no length of a batch must be guessed.
   */
  readonly restarts: number | 'by-time';
  /**
   * Of how many requests of stable, at least, its rate is guessed from: older ones count less and less. Undefined: of all. Only a guess to
   * bet by, so any choice is valid that uses earlier batches alone.
   */
  readonly memoryRequests?: number;
  /** What is known of stable before the first batch; only a guess to bet by, never evidence. */
  readonly prior?: { readonly errors: number; readonly requests: number };
};

/** What a test has seen, in finite numbers only: JSON would make null of an infinity. */
export type TestState = {
  /** Batches that were bet on. */
  readonly batches: number;
  /** Logarithm of each ladder step's wealth; empty before the first batch. */
  readonly logWealth: readonly number[];
  /** The capital that waits for a restart. */
  readonly reserve: number;
  readonly stableErrors: number;
  readonly stableRequests: number;
  /** Evidence against the hypothesis, in nats: the test may stop at ln(1/alpha), whenever that is. */
  readonly logE: number;
};

/** How far from the limit the alternatives lie, in log-odds; one batch decides nothing about which of them is true. */
const ladder: readonly number[] = [0.2, 0.4, 0.7, 1.1, 1.6, 2.3, 3.2, 4.5, 6.5];
const rateMin = 1e-7;
/** Rates this close to 0 or 1 cannot be told from certainty in doubles: a limit there is not tested, and none is projected to. */
const limitMargin = 1e-9;
const bisectionsMax = 200;
/** The least that is kept of what is known of stable, from one batch to the next. */
const keptMin = 0.5;

/** A test before its first batch: no evidence (log E = 0). */
export function startTest(test: SequentialTest): TestState {
  const prior = test.prior ?? { errors: 0.5, requests: 0.5 / Math.max(test.absolute, 0.005) };
  return { batches: 0, logWealth: [], reserve: 1, stableErrors: prior.errors, stableRequests: prior.requests, logE: 0 };
}

/**
 * The state after one more batch (gates.md §3.2 and §3.3). A batch without requests in an arm that the limit needs changes nothing,
 * so carry its counts over to the next one (see `closeBatch`). `timeShare` is the batch's part of the longest time that the test may take
 * (0 to 1), for restarts by time; it must not depend on the errors.
 */
export function updateTest(test: SequentialTest, state: TestState, batch: Batch, timeShare = 0): TestState {
  if (batch.canaryRequests <= 0 || (test.ratio > 0 && batch.stableRequests <= 0)) return state;
  const bet = placeBets(test, state, batch, timeShare);
  const kept = keptShare(test, state.stableRequests);
  // Stable's rate joins only after it was used: a bet that knows its own outcome proves nothing.
  return {
    ...bet,
    stableErrors: kept * state.stableErrors + batch.stableErrors,
    stableRequests: kept * state.stableRequests + batch.stableRequests,
  };
}

/** How much of what is known of stable still counts beside the next batch. */
function keptShare({ memoryRequests }: SequentialTest, knownRequests: number): number {
  if (memoryRequests === undefined || knownRequests <= memoryRequests) return 1;
  return Math.max(keptMin, memoryRequests / knownRequests);
}

function placeBets(test: SequentialTest, state: TestState, batch: Batch, timeShare: number): TestState {
  const stableRate = Math.min(Math.max(state.stableErrors / state.stableRequests, rateMin), 1 - rateMin);
  const limit = test.ratio * stableRate + test.absolute;
  if (limit < limitMargin || limit > 1 - limitMargin) return state;
  const batches = state.batches + 1;
  const stake = Math.min(stakeOf(test, batches, timeShare), state.reserve);
  const reserve = Math.max(0, state.reserve - stake);
  const sign = test.side === 'worse' ? 1 : -1;
  const logWealth = ladder.map((step, index) => {
    const canaryRate = expit(logit(limit) + sign * step);
    const nats = Math.min(logLikelihoodRatio(test, batch, canaryRate, stableRate) / test.dispersion, test.capNats ?? Infinity);
    return logAddExp(state.logWealth[index] ?? -Infinity, Math.log(stake)) + nats;
  });
  const invested = logWealth.reduce(logAddExp, -Infinity) - Math.log(ladder.length);
  return { ...state, batches, logWealth, reserve, logE: logAddExp(invested, Math.log(reserve)) };
}

/** The share of the starting capital that is bet from the given batch (1, 2, …) on. */
function stakeOf(test: SequentialTest, batch: number, timeShare: number): number {
  if (test.restarts === 0) return batch === 1 ? 1 : 0;
  if (batch === 1) return 0.5;
  if (test.restarts === 'by-time') return 0.5 * Math.max(0, timeShare);
  return batch <= test.restarts + 1 ? 0.5 / test.restarts : 0;
}

function logLikelihoodRatio(test: SequentialTest, batch: Batch, canaryRate: number, stableRate: number): number {
  const null_ = project(batch.canaryRequests, batch.stableRequests, canaryRate, stableRate, test.ratio, test.absolute);
  const canary = logRatio(batch.canaryErrors, batch.canaryRequests, canaryRate, null_.canaryRate);
  return test.ratio === 0 ? canary : canary + logRatio(batch.stableErrors, batch.stableRequests, stableRate, null_.stableRate);
}

function logRatio(errors: number, requests: number, rate: number, nullRate: number): number {
  return errors * Math.log(rate / nullRate) + (requests - errors) * (Math.log1p(-rate) - Math.log1p(-nullRate));
}

/**
 * The pair of rates on the limit's line that is hardest to tell from the given pair, by Kullback-Leibler divergence weighted with the
 * requests of each arm (reverse information projection, gates.md §3.2).
 */
export function project(
  canaryRequests: number,
  stableRequests: number,
  canaryRate: number,
  stableRate: number,
  ratio: number,
  absolute: number,
): { readonly canaryRate: number; readonly stableRate: number } {
  if (ratio === 0) return { canaryRate: absolute, stableRate };
  const above = canaryRate > ratio * stableRate + absolute;
  const crossing = (canaryRate - absolute) / ratio;
  let low = above ? stableRate : Math.max(crossing, 0);
  let high = above ? Math.min(crossing, 1 - limitMargin) : stableRate;
  for (let i = 0; i < bisectionsMax; i += 1) {
    const stable = (low + high) / 2;
    if (stable <= low || stable >= high) break;
    const canary = ratio * stable + absolute;
    const slope =
      (canaryRequests * ratio * (canary - canaryRate)) / (canary * (1 - canary)) +
      (stableRequests * (stable - stableRate)) / (stable * (1 - stable));
    if (slope < 0) low = stable;
    else high = stable;
  }
  const stable = (low + high) / 2;
  return { canaryRate: ratio * stable + absolute, stableRate: stable };
}

const logit = (p: number): number => Math.log(p) - Math.log1p(-p);
/** The inverse of `logit`. */
export const expit = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

function logAddExp(a: number, b: number): number {
  const max = Math.max(a, b);
  return max === -Infinity ? max : max + Math.log(Math.exp(a - max) + Math.exp(b - max));
}

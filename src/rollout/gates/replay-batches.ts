import type { ErrorLimit } from '../spec.ts';
import { closeBatch, noBatch } from './counters.ts';
import { type Batch, type SequentialTest, startTest, type TestState, updateTest } from './sequential-test.ts';

/** What a file of batches is judged by (gates.md §4): the method as it was published, without what the live gate adds to it. */
export type ReplayRules = {
  /** At least one. They share `alpha`; each must be kept. */
  readonly limits: readonly ErrorLimit[];
  /** Share of the releases exactly at the limit that may be convicted, all limits together. */
  readonly alpha: number;
  /** Share of the releases exactly at a limit that may pass. */
  readonly beta: number;
  readonly minErrors: number;
  readonly minSeconds: number;
  readonly deadlineSeconds: number;
  readonly dispersion: number;
  /** In how many later batches a share of the capital is bet on "bad from here on". */
  readonly restarts: number;
  /** The most evidence that one batch may give, in nats; undefined: no cap. The live gate caps both sides (docs/adr/0008). */
  readonly capNats: { readonly worse: number | undefined; readonly within: number | undefined };
};

export type TimedBatch = { readonly seconds: number; readonly counts: Batch };

export type ReplayVerdict = 'continue' | 'pass' | 'fail' | 'inconclusive';

/** What is printed for each batch. With several limits: the most evidence that one is broken, the least that one is kept. In nats. */
export type ReplayLine = { readonly logEvidenceBad: number; readonly logEvidenceOk: number; readonly verdict: ReplayVerdict };

/** How much of the evidence that convicts one batch may give: two batches can, one cannot (gates.md §1). */
const batchShareMax = 0.75;

/** The rules of a plain file: everything that depends on the numbers given. */
export function replayRules(
  given: Omit<ReplayRules, 'restarts' | 'capNats'> & { readonly firstBatchSeconds: number | undefined },
): ReplayRules {
  const { firstBatchSeconds, ...rules } = given;
  return {
    ...rules,
    restarts: firstBatchSeconds === undefined ? 0 : Math.ceil(rules.deadlineSeconds / firstBatchSeconds),
    capNats: { worse: batchShareMax * Math.log(rules.limits.length / rules.alpha), within: undefined },
  };
}

type LimitState = { readonly worse: TestState; readonly within: TestState; readonly pending: Batch };
type LimitTests = { readonly worse: SequentialTest; readonly within: SequentialTest };

/** What a batch without requests in an arm that the limit needs has counted waits for the next one. */
function stateAfter({ worse, within }: LimitTests, state: LimitState, counts: Batch): LimitState {
  const { batch, pending } = closeBatch(state.pending, counts, worse.ratio > 0);
  if (batch === undefined) return { ...state, pending };
  return { worse: updateTest(worse, state.worse, batch), within: updateTest(within, state.within, batch), pending };
}

/** One line for each batch; from the first verdict on, its line is repeated. */
export function replayBatches(rules: ReplayRules, batches: readonly TimedBatch[]): readonly ReplayLine[] {
  const tests = rules.limits.map((limit) => ({ worse: testOf(rules, limit, 'worse'), within: testOf(rules, limit, 'within') }));
  let states: readonly LimitState[] = tests.map(({ worse, within }) => ({
    worse: startTest(worse),
    within: startTest(within),
    pending: noBatch,
  }));
  const lines: ReplayLine[] = [];
  let errors = 0;
  let seconds = 0;
  for (const batch of batches) {
    const decided = lines.at(-1);
    if (decided !== undefined && decided.verdict !== 'continue') {
      lines.push(decided);
      continue;
    }
    errors += batch.counts.canaryErrors;
    seconds += batch.seconds;
    states = states.map((state, index) => {
      const test = tests[index];
      return test === undefined ? state : stateAfter(test, state, batch.counts);
    });
    const logEvidenceBad = Math.max(...states.map((state) => state.worse.logE));
    const logEvidenceOk = Math.min(...states.map((state) => state.within.logE));
    lines.push({ logEvidenceBad, logEvidenceOk, verdict: verdictOf(rules, logEvidenceBad, logEvidenceOk, errors, seconds) });
  }
  return lines;
}

/** Fail is asked first: a canary that is both has broken a limit. */
function verdictOf(rules: ReplayRules, bad: number, ok: number, errors: number, seconds: number): ReplayVerdict {
  if (bad >= Math.log(rules.limits.length / rules.alpha) && errors >= rules.minErrors) return 'fail';
  if (ok >= Math.log(1 / rules.beta) && seconds >= rules.minSeconds) return 'pass';
  return seconds >= rules.deadlineSeconds ? 'inconclusive' : 'continue';
}

function testOf(rules: ReplayRules, limit: ErrorLimit, side: SequentialTest['side']): SequentialTest {
  const { ratio, absolute } = limit;
  return {
    side,
    ratio,
    absolute,
    dispersion: rules.dispersion,
    capNats: rules.capNats[side],
    restarts: side === 'worse' ? rules.restarts : 0,
  };
}

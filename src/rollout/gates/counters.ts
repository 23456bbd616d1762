import type { MetricsReading, PodCounters } from '../observation.ts';
import type { Batch } from './sequential-test.ts';

/** What was last read of every pod seen so far. A pod that vanishes is remembered: its series may come back. */
export type CountersState = {
  readonly canary: PodCounters;
  readonly stable: PodCounters;
  /** Requests of stable counted since its baseline. */
  readonly stableRequests: number;
};

export const noCounters: CountersState = { canary: {}, stable: {}, stableRequests: 0 };
export const noBatch: Batch = { canaryErrors: 0, canaryRequests: 0, stableErrors: 0, stableRequests: 0 };

type Counter = { readonly errors: number; readonly requests: number };
type Arm = { readonly pods: Record<string, Counter>; errors: number; requests: number };

/**
 * What was counted since the reading before, from the raw counters of each pod:
 * - a canary pod counts from zero, as it was born in this rollout;
 * - the stable pods of the first reading that has any are the baseline and count nothing;
 * - a stable pod that appears later counts from zero, unless it claims more requests than all of stable has answered since the baseline:
 *   then it is an old pod whose series were missing, and joins the baseline;
 * - fewer requests than half of the last value is a restart, and the new values count in full; a smaller step back (another replica of
 *   Prometheus answers) counts nothing, and the higher value stays the one to compare with;
 * - a vanished pod counts nothing, and when it comes back is compared with what was last read of it, so that nothing counts twice;
 * - errors beyond the new requests wait for the next difference, so that errors never exceed requests.
 */
export function difference(previous: CountersState, reading: MetricsReading): { readonly state: CountersState; readonly delta: Batch } {
  const canary = countArm(previous.canary, reading.canary, () => true);
  const known: [string, Counter][] = [];
  const newborn: [string, Counter][] = [];
  for (const entry of Object.entries(reading.stable)) (Object.hasOwn(previous.stable, entry[0]) ? known : newborn).push(entry);
  const stable = countArm(previous.stable, Object.fromEntries(known), () => true);
  const answered = previous.stableRequests + stable.requests;
  const late = countArm({}, Object.fromEntries(newborn), (counter) => counter.requests <= answered);
  const stableRequests = stable.requests + late.requests;
  return {
    state: {
      canary: canary.pods,
      stable: { ...stable.pods, ...late.pods },
      stableRequests: previous.stableRequests + stableRequests,
    },
    delta: {
      canaryErrors: canary.errors,
      canaryRequests: canary.requests,
      stableErrors: stable.errors + late.errors,
      stableRequests,
    },
  };
}

function countArm(previous: PodCounters, now: PodCounters, countsFromZero: (counter: Counter) => boolean): Arm {
  const arm: Arm = { pods: { ...previous }, errors: 0, requests: 0 };
  for (const [pod, counter] of Object.entries(now)) {
    const before = Object.hasOwn(previous, pod) ? previous[pod] : countsFromZero(counter) ? { errors: 0, requests: 0 } : counter;
    const { base, errors, requests } = countPod(before ?? counter, counter);
    arm.pods[pod] = { errors: base.errors + errors, requests: base.requests + requests };
    arm.errors += errors;
    arm.requests += requests;
  }
  return arm;
}

function countPod(before: Counter, now: Counter): { readonly base: Counter; readonly errors: number; readonly requests: number } {
  // Only requests tell a restart: an error count is so small that a step back of one may halve it.
  const base = now.requests < before.requests / 2 ? { errors: 0, requests: 0 } : before;
  const requests = Math.max(0, now.requests - base.requests);
  return { base, errors: Math.min(Math.max(0, now.errors - base.errors), requests), requests };
}

/**
 * Adds a difference to what is pending, and closes the batch when it holds requests of every arm that the limit needs.
 * Without this a canary's whole scrape interval would be paired with the third of stable's that one poll sees.
 */
export function closeBatch(
  pending: Batch,
  delta: Batch,
  needsStable: boolean,
): { readonly batch: Batch | undefined; readonly pending: Batch } {
  const sum = addBatches(pending, delta);
  const complete = sum.canaryRequests > 0 && (!needsStable || sum.stableRequests > 0);
  return complete ? { batch: sum, pending: noBatch } : { batch: undefined, pending: sum };
}

/** Both batches as one. */
export function addBatches(a: Batch, b: Batch): Batch {
  return {
    canaryErrors: a.canaryErrors + b.canaryErrors,
    canaryRequests: a.canaryRequests + b.canaryRequests,
    stableErrors: a.stableErrors + b.stableErrors,
    stableRequests: a.stableRequests + b.stableRequests,
  };
}

import { UserError } from '../errors.ts';
import type { PodCounters } from '../rollout/observation.ts';
import type { StableTraffic } from '../runner/ports.ts';
import { unreachable } from './discover.ts';
import type { Answer } from './parse.ts';

/** Pods that were rolled out a moment ago have a short past: each one is counted over the longest window that it has lived through. */
const windowsSeconds = [60, 15, 5] as const;
/** What a pod younger than every window is counted over: too short rather than too long, so that "too little traffic" can be relied on. */
const newbornSeconds = 2;

/**
 * Reads the stable pods now and a while before (of Prometheus' own time), and compares. A pod that restarted counts from zero.
 * Throws UserError `metrics-unreachable` or `metrics-empty`.
 */
export async function preflight(
  stablePods: readonly string[],
  query: string,
  readAt: (atSeconds: number | undefined) => Promise<Answer>,
): Promise<StableTraffic> {
  const now = usable(await readAt(undefined), query);
  const podsWithSeries = stablePods.filter((pod) => Object.hasOwn(now.counters, pod));
  if (now.atSeconds === undefined || podsWithSeries.length === 0) {
    throw new UserError(
      'metrics-empty',
      `Prometheus has no series for any of the ${stablePods.length} stable pods`,
      `Asked was: ${query}\nIt came back empty. Does Prometheus scrape these pods, with the labels \`namespace\` and \`pod\`, and have they answered a request yet?\n` +
        'If the metric has another name, give `error-query` and `total-query`; to judge by readiness alone, set `metrics: none`.',
    );
  }
  const { atSeconds } = now;
  const pasts: Past[] = [];
  for (const seconds of windowsSeconds) pasts.push({ seconds, counters: usable(await readAt(atSeconds - seconds), query).counters });
  const traffic = trafficOf(now.counters, pasts);
  return {
    requestsPerSecond: traffic.requestsPerSecond,
    errorRate: traffic.requests > 0 ? traffic.errors / traffic.requests : 0,
    counted: { errors: traffic.errors, requests: traffic.requests },
    podsWithoutSeries: stablePods.filter((pod) => !Object.hasOwn(now.counters, pod)),
  };
}

function usable(answer: Answer, query: string): { readonly counters: PodCounters; readonly atSeconds: number | undefined } {
  if (answer.kind === 'reading') return { counters: answer.reading.stable, atSeconds: answer.atSeconds };
  throw unreachable(answer.why, query);
}

type Past = { readonly seconds: number; readonly counters: PodCounters };
type Traffic = { readonly errors: number; readonly requests: number; readonly requestsPerSecond: number };

function trafficOf(now: PodCounters, pasts: readonly Past[]): Traffic {
  let sum: Traffic = { errors: 0, requests: 0, requestsPerSecond: 0 };
  for (const [pod, counter] of Object.entries(now)) {
    const past = pasts.find(({ counters }) => Object.hasOwn(counters, pod));
    const old = past?.counters[pod];
    const base = old === undefined || counter.requests < old.requests ? { errors: 0, requests: 0 } : old;
    const requests = counter.requests - base.requests;
    sum = {
      errors: sum.errors + Math.max(0, counter.errors - base.errors),
      requests: sum.requests + requests,
      requestsPerSecond: sum.requestsPerSecond + requests / (past?.seconds ?? newbornSeconds),
    };
  }
  return sum;
}

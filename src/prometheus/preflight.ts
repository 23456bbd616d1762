import { UserError } from '../errors.ts';
import type { PodCounters } from '../rollout/observation.ts';
import type { Answer } from './parse.ts';

/** Stable's traffic in the last 60 s, as Prometheus knows it. */
export type StableTraffic = {
  readonly requestsPerSecond: number;
  /** A fraction; 0 without requests. */
  readonly errorRate: number;
  /** Whether any pod has ever counted an error; if not, an error query that can find nothing looks the same. */
  readonly hasErrors: boolean;
  readonly podsWithSeries: readonly string[];
  readonly podsWithoutSeries: readonly string[];
};

const windowSeconds = 60;

/**
 * Reads the stable pods now and 60 s before (of Prometheus' own time), and compares. A pod without series 60 s ago counts from zero, as
 * it started since; so does one that restarted. Throws UserError `metrics-unreachable` or `metrics-empty`.
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
  const before = usable(await readAt(now.atSeconds - windowSeconds), query);
  const { errors, requests } = countBetween(before.counters, now.counters);
  return {
    requestsPerSecond: requests / windowSeconds,
    errorRate: requests > 0 ? errors / requests : 0,
    hasErrors: Object.values(now.counters).some((counter) => counter.errors > 0),
    podsWithSeries,
    podsWithoutSeries: stablePods.filter((pod) => !Object.hasOwn(now.counters, pod)),
  };
}

function usable(answer: Answer, query: string): { readonly counters: PodCounters; readonly atSeconds: number | undefined } {
  if (answer.kind === 'reading') return { counters: answer.reading.stable, atSeconds: answer.atSeconds };
  throw new UserError(
    'metrics-unreachable',
    `Prometheus cannot be used: ${answer.why}`,
    `Asked was: ${query}\nCheck \`prometheus\`, \`error-query\` and \`total-query\`; to judge by readiness alone, set \`metrics: none\`.`,
  );
}

function countBetween(before: PodCounters, now: PodCounters): { readonly errors: number; readonly requests: number } {
  let errors = 0;
  let requests = 0;
  for (const [pod, counter] of Object.entries(now)) {
    const old = Object.hasOwn(before, pod) ? before[pod] : undefined;
    const base = old === undefined || counter.requests < old.requests ? { errors: 0, requests: 0 } : old;
    errors += Math.max(0, counter.errors - base.errors);
    requests += counter.requests - base.requests;
  }
  return { errors, requests };
}

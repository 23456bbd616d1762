import type { PrometheusAddress, Queries } from '../config/config.ts';
import { Fault, messageOf } from '../errors.ts';
import type { MetricsSource, PodNames } from '../runner/ports.ts';
import { type Answer, foreignTextMax, parseAnswer } from './parse.ts';
import { preflight } from './preflight.ts';
import { buildQuery } from './query.ts';
import { type Ask, connect, type FetchService } from './transport.ts';

/** Reads counters from Prometheus, at an address of its own or through the API server. Throws UserError for no fault of the world. */
export function createPrometheus(given: {
  readonly address: PrometheusAddress;
  /** Used for an address of kind `service` only. */
  readonly fetchService: FetchService;
  readonly namespace: string;
  /** Undefined: `http_requests_total`. */
  readonly queries: Queries | undefined;
}): MetricsSource {
  const ask = connect(given.address, given.fetchService);
  const { namespace, queries } = given;
  const readAt = (pods: PodNames, atSeconds: number | undefined, signal: AbortSignal): Promise<Answer> =>
    readOnce(ask, namespace, queries, pods, atSeconds, signal);
  return {
    async read(pods, signal) {
      const answer = await readAt(pods, undefined, signal);
      return answer.kind === 'reading' ? { kind: 'reading', reading: answer.reading } : answer;
    },
    preflight: (stablePods, signal) => {
      const pods = { canary: [], stable: stablePods };
      const query = buildQuery(namespace, pods, queries) ?? '';
      return preflight(stablePods, query, (atSeconds) => readAt(pods, atSeconds, signal));
    },
  };
}

async function readOnce(
  ask: Ask,
  namespace: string,
  queries: Queries | undefined,
  pods: PodNames,
  atSeconds: number | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const query = buildQuery(namespace, pods, queries);
  // Without a name the query would match every series that has no label `pod`.
  if (query === undefined) return { kind: 'reading', reading: { canary: {}, stable: {} }, atSeconds: undefined };
  try {
    const body = await ask({ query, ...(atSeconds === undefined ? {} : { time: atSeconds.toFixed(3) }) }, signal);
    return parseAnswer(body, pods, queries === undefined ? 'by-status' : 'by-side');
  } catch (error) {
    if (error instanceof Fault) return { kind: 'unavailable', why: messageOf(error).slice(0, foreignTextMax) };
    throw error;
  }
}

import type { PrometheusAddress, Queries } from '../config/config.ts';
import { Fault, messageOf } from '../errors.ts';
import { describeChoice } from '../rollout/metric-families/choose.ts';
import { familiesOf, type Preset } from '../rollout/metric-families/families.ts';
import type { MetricsSource, PodNames } from '../runner/ports.ts';
import type { Access } from './access.ts';
import { discover, discoverBuckets, discoverReplicas } from './discover.ts';
import { type Answer, foreignTextMax, parseAnswer } from './parse.ts';
import { preflight } from './preflight.ts';
import { buildQuery, type Counting, countersQuery } from './query.ts';
import { type Ask, connect, type FetchService } from './transport.ts';

/**
 * Reads counters from Prometheus, at an address of its own or through the API server. Its preflight looks for the metric, unless queries
 * are given; without a preflight it is the first known one. Throws UserError for no fault of the world.
 */
export function createPrometheus(given: {
  readonly address: PrometheusAddress;
  /** Used for an address of kind `service` only. */
  readonly fetchService: FetchService;
  /** Used for an address of kind `url` only. */
  readonly access?: Access;
  readonly namespace: string;
  readonly queries: Queries | undefined;
  /** Undefined: any known metric. */
  readonly preset?: Preset | undefined;
  /** Requests that take longer are counted too, where the histogram of a known metric has this bound. */
  readonly slowBoundMs?: number | undefined;
}): MetricsSource {
  const ask = connect(given.address, given.fetchService, given.access);
  const { namespace, queries, preset, slowBoundMs } = given;
  let counting = queries === undefined ? firstOf(preset) : ({ kind: 'queries', queries } as const);
  const readAt = (pods: PodNames, atSeconds: number | undefined, signal: AbortSignal): Promise<Answer> =>
    readOnce(ask, namespace, counting, pods, atSeconds, signal);
  return {
    async read(pods, signal) {
      const answer = await readAt(pods, undefined, signal);
      return answer.kind === 'reading' ? { kind: 'reading', reading: answer.reading } : answer;
    },
    async preflight(stablePods, signal) {
      let bucketBoundsMs: readonly number[] | undefined;
      let warnings: readonly string[] = [];
      if (counting.kind === 'family') {
        const choice = await discover(ask, namespace, stablePods, preset, signal);
        const found =
          slowBoundMs === undefined ? undefined : await discoverBuckets(ask, namespace, stablePods, choice.family, slowBoundMs, signal);
        bucketBoundsMs = found?.boundsMs;
        const copies = await discoverReplicas(ask, namespace, stablePods, choice.family, signal);
        warnings = copies.warnings;
        counting = { kind: 'family', choice, slow: found?.bucket, replicas: copies.replicas };
      }
      const pods = { canary: [], stable: stablePods };
      const query = buildQuery(namespace, pods, counting) ?? '';
      const traffic = await preflight(stablePods, query, (atSeconds) => readAt(pods, atSeconds, signal));
      return { ...traffic, bucketBoundsMs, source: [describeSource(namespace, counting)], warnings };
    },
  };
}

function firstOf(preset: Preset | undefined): Counting {
  const [family] = familiesOf(preset);
  if (family === undefined) throw new Error('no family is known');
  return { kind: 'family', choice: { family, outcomeLabels: family.outcomeLabels, pathLabels: [] } };
}

function describeSource(namespace: string, counting: Counting): string {
  if (counting.kind === 'queries') return 'metrics: read from Prometheus by error-query and total-query';
  const { choice, replicas = [] } = counting;
  const once = replicas.length === 0 ? '' : `, once for all replicas of Prometheus (${replicas.join(', ')})`;
  return `metrics: read from Prometheus, ${describeChoice(choice)}${once}: ${countersQuery(namespace, '$pods', choice, replicas)}`;
}

async function readOnce(
  ask: Ask,
  namespace: string,
  counting: Counting,
  pods: PodNames,
  atSeconds: number | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const query = buildQuery(namespace, pods, counting);
  // Without a name the query would match every series that has no label `pod`.
  if (query === undefined) return { kind: 'reading', reading: { canary: {}, stable: {} }, atSeconds: undefined };
  try {
    const body = await ask({ query, ...(atSeconds === undefined ? {} : { time: atSeconds.toFixed(3) }) }, signal);
    return parseAnswer(body, pods, counting.kind === 'family' ? counting.choice.family : 'by-side');
  } catch (error) {
    if (error instanceof Fault) return { kind: 'unavailable', why: messageOf(error).slice(0, foreignTextMax) };
    throw error;
  }
}

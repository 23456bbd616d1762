import { familiesOf, type Preset } from '../rollout/metric-families/families.ts';
import type { Clock, MetricsEndpoints, MetricsSource } from '../runner/ports.ts';
import { ChosenPods } from './chosen-pods.ts';
import { type Counting, countersOf, type FetchPage, readPages, silentPods, whyUnknown } from './page.ts';
import { preflight } from './preflight.ts';

/** Reads the counters of the pods themselves: no Prometheus, and no scrape interval. Its preflight chooses the metric and the stable pods. */
export function createPodMetrics(given: {
  readonly fetchPage: FetchPage;
  /** Undefined: every known family is looked for. */
  readonly preset: Preset | undefined;
  /** Requests that take longer are counted too, where the pods' histogram has this bound. */
  readonly slowBoundMs?: number | undefined;
  readonly clock: Clock;
}): MetricsSource {
  const { fetchPage, preset, slowBoundMs, clock } = given;
  const chosen = new ChosenPods();
  const readable = (endpoints: MetricsEndpoints) => (pod: string) => Object.hasOwn(endpoints, pod);
  let counting: Counting | undefined;
  return {
    async read(pods, signal) {
      if (counting === undefined) return { kind: 'unavailable', why: 'no metric was chosen before the start' };
      const endpoints = pods.endpoints ?? {};
      const { family } = counting;
      const names = new Set([family.counter, ...(slowBoundMs === undefined || family.buckets === undefined ? [] : [family.buckets.name])]);
      const by = counting;
      const stablePods = chosen.update(pods.stable, readable(endpoints));
      const [canary, stable] = await Promise.all(
        [pods.canary, stablePods].map((arm) => readPages(fetchPage, arm, endpoints, names, signal)),
      );
      // A pod that does not answer is left out, and its next answer covers the gap; without any answer of an arm nothing is known.
      const why = whyUnknown(by, canary ?? []) ?? whyUnknown(by, stable ?? []);
      const silent = silentPods(by, pods.canary, canary ?? []);
      if (why !== undefined) return { kind: 'unavailable', why, silent };
      return { kind: 'reading', reading: { canary: countersOf(by, canary ?? []), stable: countersOf(by, stable ?? []), silent } };
    },
    async preflight(stablePods, signal, endpoints = {}) {
      const names = new Set(
        familiesOf(preset).flatMap(({ counter, buckets }) => (buckets === undefined ? [counter] : [counter, buckets.name])),
      );
      const pods = chosen.update(stablePods, readable(endpoints));
      const readAll = () => readPages(fetchPage, pods, endpoints, names, signal);
      const found = await preflight({ pods, stablePods, endpoints, preset, clock, signal, readAll });
      counting = { family: found.choice.family, slowBoundMs };
      return found.traffic;
    },
  };
}

import type { Choice } from '../rollout/metric-families/choose.ts';
import { familiesOf, type Preset } from '../rollout/metric-families/families.ts';
import type { Clock, MetricsEndpoints, MetricsSource } from '../runner/ports.ts';
import { ChosenPods } from './chosen-pods.ts';
import { countersOf, type FetchPage, readPages, whyUnknown } from './page.ts';
import { preflight } from './preflight.ts';

/** Reads the counters of the pods themselves: no Prometheus, and no scrape interval. Its preflight chooses the metric and the stable pods. */
export function createPodMetrics(given: {
  readonly fetchPage: FetchPage;
  /** Undefined: every known family is looked for. */
  readonly preset: Preset | undefined;
  readonly clock: Clock;
}): MetricsSource {
  const { fetchPage, preset, clock } = given;
  const chosen = new ChosenPods();
  const readable = (endpoints: MetricsEndpoints) => (pod: string) => Object.hasOwn(endpoints, pod);
  let choice: Choice | undefined;
  return {
    async read(pods, signal) {
      if (choice === undefined) return { kind: 'unavailable', why: 'no metric was chosen before the start' };
      const { family } = choice;
      const endpoints = pods.endpoints ?? {};
      const names = new Set([family.counter]);
      const stablePods = chosen.update(pods.stable, readable(endpoints));
      const [canary, stable] = await Promise.all(
        [pods.canary, stablePods].map((arm) => readPages(fetchPage, arm, endpoints, names, signal)),
      );
      // A pod that does not answer is left out, and its next answer covers the gap; without any answer of an arm nothing is known.
      const why = whyUnknown(family, canary ?? []) ?? whyUnknown(family, stable ?? []);
      if (why !== undefined) return { kind: 'unavailable', why };
      return { kind: 'reading', reading: { canary: countersOf(family, canary ?? []), stable: countersOf(family, stable ?? []) } };
    },
    async preflight(stablePods, signal, endpoints = {}) {
      const names = new Set(familiesOf(preset).map(({ counter }) => counter));
      const pods = chosen.update(stablePods, readable(endpoints));
      const readAll = () => readPages(fetchPage, pods, endpoints, names, signal);
      const found = await preflight({ pods, stablePods, endpoints, preset, clock, signal, readAll });
      choice = found.choice;
      return found.traffic;
    },
  };
}

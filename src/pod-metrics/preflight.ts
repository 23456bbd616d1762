import { UserError } from '../errors.ts';
import { type Choice, chooseFamily, describeChoice, explainNoFamily, sightingOf } from '../rollout/metric-families/choose.ts';
import type { Preset } from '../rollout/metric-families/families.ts';
import { boundsOf } from '../rollout/metric-families/latency.ts';
import type { PodCounters } from '../rollout/observation.ts';
import type { Clock, MetricsEndpoints, StableTraffic } from '../runner/ports.ts';
import { countersOf, type Page } from './page.ts';

export type PreflightLook = {
  /** The pods that were chosen; empty where none says where it serves metrics. */
  readonly pods: readonly string[];
  readonly stablePods: readonly string[];
  readonly endpoints: MetricsEndpoints;
  readonly preset: Preset | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readAll(): Promise<Pages>;
};

type Pages = readonly (readonly [string, Page])[];

/** Enough requests to tell the rate by, or so long that there are hardly any. */
const requestsEnough = 50;
const windowMsMax = 10_000;
const pauseMs = 1_000;
const otherwise = 'Or give prometheus, or judge by readiness alone: metrics: none';

/** Finds the metric and measures stable's traffic; throws UserError `metrics-unreachable` or `metrics-empty`. */
export async function preflight(look: PreflightLook): Promise<{ readonly choice: Choice; readonly traffic: StableTraffic }> {
  const { pods, stablePods, preset } = look;
  if (pods.length === 0) {
    throw new UserError(
      'metrics-unreachable',
      `None of the ${stablePods.length} stable pods says where it serves its metrics`,
      `Set the annotation prometheus.io/port on the pods (prometheus.io/path where it is not /metrics), or name a container's port metrics. ${otherwise}`,
    );
  }
  const pages = await look.readAll();
  const whys = pages.flatMap(([, page]) => (page.kind === 'gap' ? [page.why] : []));
  if (whys.length === pages.length) {
    throw new UserError(
      'metrics-unreachable',
      `The metrics of the stable pods cannot be read: ${whys[0] ?? ''}`,
      `They are read through the API server's pod proxy (get on pods/proxy), at the port that the pods announce. ${otherwise}`,
    );
  }
  const sightings = pages.flatMap(([, page]) =>
    page.kind === 'gap' ? [] : page.samples.flatMap(({ name, labels }) => sightingOf(name, labels) ?? []),
  );
  const choice = chooseFamily(sightings, preset);
  if (choice === undefined) {
    throw new UserError(
      'metrics-empty',
      `The stable pods serve no metric that tells requests and errors, or have not answered a request yet`,
      `${explainNoFamily(sightings, preset)}\n${otherwise}`,
    );
  }
  return { choice, traffic: await measure(look, choice, pages, whys.length) };
}

async function measure(look: PreflightLook, choice: Choice, pages: Pages, gaps: number): Promise<StableTraffic> {
  const { clock, signal, pods, stablePods } = look;
  const by = { family: choice.family, slowBoundMs: undefined };
  const before = countersOf(by, pages);
  const beganMs = clock.nowMs();
  let window = { requests: 0, errors: 0, ms: 0, pods: 0 };
  while (window.requests < requestsEnough && window.ms < windowMsMax && !signal.aborted) {
    await clock.sleep(pauseMs, signal);
    const now = countersOf(by, await look.readAll());
    window = { ...grown(before, now), ms: clock.nowMs() - beganMs };
  }
  const podsWithoutSeries = pods.filter((pod) => !Object.hasOwn(before, pod));
  const perPod = window.pods === 0 || window.ms === 0 ? 0 : window.requests / window.pods / (window.ms / 1000);
  return {
    // Balanced by the number of pods: the ones that were not read answer as many.
    requestsPerSecond: perPod * stablePods.length,
    errorRate: window.requests > 0 ? window.errors / window.requests : 0,
    podsWithoutSeries,
    bucketBoundsMs: bucketBounds(choice, pages),
    source: [describeSource(look, choice, gaps)],
  };
}

function bucketBounds({ family }: Choice, pages: Pages): readonly number[] {
  const buckets = pages.flatMap(([, page]) =>
    page.kind === 'gap' ? [] : page.samples.filter(({ name }) => name === family.buckets?.name),
  );
  return boundsOf(family, buckets);
}

function grown(before: PodCounters, now: PodCounters): { readonly requests: number; readonly errors: number; readonly pods: number } {
  let sum = { requests: 0, errors: 0, pods: 0 };
  for (const [pod, counter] of Object.entries(now)) {
    const old = before[pod];
    const base = old === undefined || counter.requests < old.requests ? { requests: 0, errors: 0 } : old;
    // A pod that was not seen before may bring its whole past along: it counts from the next look on.
    if (old === undefined) continue;
    sum = {
      requests: sum.requests + counter.requests - base.requests,
      errors: sum.errors + Math.max(0, counter.errors - base.errors),
      pods: sum.pods + 1,
    };
  }
  return sum;
}

function describeSource(look: PreflightLook, choice: Choice, gaps: number): string {
  const endpoints = look.pods.flatMap((pod) => look.endpoints[pod] ?? []);
  const [first] = endpoints;
  const where = first === undefined ? '' : `${first.scheme === 'https' ? 'https, ' : ''}port ${first.port}${first.path}`;
  const silent = gaps === 0 ? '' : `, ${gaps} of which did not answer just now`;
  return `metrics: read from the pods themselves through the API server, about once a second, no Prometheus: every canary pod and ${look.pods.length} of ${look.stablePods.length} stable pods${silent} (${where}); ${describeChoice(choice)}`;
}

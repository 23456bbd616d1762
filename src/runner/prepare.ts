import { UserError } from '../errors.ts';
import { describePlan } from '../rollout/describe-plan.ts';
import { rulesFor } from '../rollout/gates/metrics-rules.ts';
import { slowBoundProblem } from '../rollout/gates/slow-requests.ts';
import { type Forecast, forecast } from '../rollout/gates/traffic.ts';
import { namesFor } from '../rollout/names.ts';
import { type PermissionNeeds, permissionsFor } from '../rollout/permissions.ts';
import { type Plan, planRelease } from '../rollout/plan.ts';
import { planImages } from '../rollout/plan-images.ts';
import { refusalsFor } from '../rollout/refusals.ts';
import type { ImageChange, ImageRequest, ReleaseSpec } from '../rollout/spec.ts';
import type { Holder } from '../rollout/state.ts';
import type { Clock, Cluster, Inspected, MetricsSource, Reporter, SampleSink, StableTraffic } from './ports.ts';

export type ReleaseRequest = {
  readonly command: 'deploy' | 'plan';
  readonly namespace: string;
  readonly deployment: string;
  readonly images: ImageRequest;
  readonly spec: ReleaseSpec;
  readonly readinessOnPurpose: boolean;
  readonly logs: boolean;
  readonly proxied: PermissionNeeds['proxied'];
  readonly holder: Holder;
};

export type ReleasePorts = {
  readonly cluster: Cluster;
  readonly metrics: MetricsSource | undefined;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly samples?: SampleSink | undefined;
  /** Called before the first write, and again once the Job's uid is known: what a later step needs in order to clean up. */
  readonly remember: (plan: Plan, jobUid: string) => void;
};

export type Prepared =
  | { readonly kind: 'unchanged'; readonly images: readonly ImageChange[] }
  | { readonly kind: 'plan'; readonly plan: Plan; readonly lines: readonly string[] };

/** Everything that is looked at before the first write; throws UserError with what forbids the release. */
export async function prepare(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<Prepared> {
  const { cluster, reporter } = ports;
  const names = namesFor(request.deployment);
  const permissions = permissionsFor({ ...request, names, claims: [] });
  const accessWarning = await cluster.checkAccess(permissions);
  if (accessWarning === undefined) reporter.info(`${permissions.length} permissions: all there`);
  else reporter.warning(accessWarning);

  const inspected = await cluster.inspect();
  const planned = planImages(inspected.containers, request.images);
  if (planned.kind === 'problem') throw new UserError('container-missing', planned.message, planned.hint);
  if (planned.images.length === 0) return { kind: 'unchanged', images: unchangedImages(inspected.containers) };

  const facts = inspected.facts(planned.images.map((image) => image.container));
  const [refusal, ...others] = refusalsFor(facts, request.spec);
  if (refusal !== undefined) {
    const all = [refusal, ...others];
    throw new UserError(refusal.code, all.map((one) => one.message).join('\n'), [...new Set(all.map((one) => one.hint))].join('\n'));
  }
  const judge = await prepareJudge(request, ports, facts.unhealthy !== undefined, inspected, cancel);
  const plan = planRelease(facts, planned.images, request.spec, judge.rules, judge.warnings);
  const traffic =
    judge.traffic === undefined || plan.rules === undefined
      ? undefined
      : { ...judge.traffic, forecast: forecastFor(plan, plan.rules, judge.traffic) };
  if (traffic !== undefined) refuseHopeless(plan, traffic.forecast, traffic);
  await cluster.dryRun(plan);
  reporter.info('the API server would take every write, the rollback included');
  return {
    kind: 'plan',
    plan,
    lines: describePlan(plan, { services: facts.services, budgetsKnown: facts.budgets !== undefined, traffic }),
  };
}

/** Prometheus finds a new pod and scrapes it within this time, or not at all. */
const youngMs = 45_000;
const unseenPauseMs = 2_000;

type Judge = { readonly rules: Plan['rules']; readonly traffic: StableTraffic | undefined; readonly warnings: readonly string[] };

async function prepareJudge(
  request: ReleaseRequest,
  ports: ReleasePorts,
  unhealthy: boolean,
  inspected: Inspected,
  cancel: AbortSignal,
): Promise<Judge> {
  const { spec } = request;
  if (spec.judgedBy === 'readiness' || ports.metrics === undefined) {
    const warning =
      'no Prometheus is given: the release is judged by readiness alone. A pod that is ready and answers with errors is promoted. Set prometheus, or metrics: none to silence this';
    return { rules: undefined, traffic: undefined, warnings: request.readinessOnPurpose ? [] : [warning] };
  }
  const rules = rulesFor({ compare: !unhealthy, spec });
  if (rules === undefined) {
    const warning =
      'force over an unhealthy Deployment: there is nothing to compare with and no max-error-rate is given, so the release is judged by readiness alone';
    return { rules, traffic: undefined, warnings: [warning] };
  }
  const traffic = await readTraffic(ports.metrics, ports, inspected, cancel);
  refuseUnknownBound(spec, traffic);
  const { stablePods } = inspected;
  const { podsWithoutSeries } = traffic;
  const unseen = `Prometheus has no series for ${podsWithoutSeries.length} of ${stablePods.length} stable pods: ${podsWithoutSeries.join(', ')}`;
  const warnings = [
    ...(podsWithoutSeries.length > 0 ? [unseen] : []),
    ...(unhealthy ? ['force over an unhealthy Deployment: judged by the absolute limits alone'] : []),
  ];
  return { rules, traffic, warnings };
}

/** A time between two buckets cannot be counted. */
function refuseUnknownBound({ maxSlow }: ReleaseSpec, traffic: StableTraffic): void {
  const problem = maxSlow === undefined ? undefined : slowBoundProblem(maxSlow, traffic.bucketBoundsMs);
  if (problem === undefined) return;
  throw new UserError('metrics-empty', problem, 'Give one of the bounds as the time, or leave `max-slow` out');
}

/** Pods of a release that has just ended are not scraped yet: that is no wrong query, for a while. */
async function readTraffic(
  metrics: MetricsSource,
  { clock, reporter }: ReleasePorts,
  inspected: Inspected,
  cancel: AbortSignal,
): Promise<StableTraffic> {
  const startedAtMs = clock.nowMs();
  while (true) {
    try {
      return await metrics.preflight(inspected.stablePods, cancel);
    } catch (error) {
      const waitedMs = clock.nowMs() - startedAtMs;
      const isYoung = inspected.stableAgeMs + waitedMs < youngMs;
      if (!(error instanceof UserError) || error.code !== 'metrics-empty' || !isYoung || cancel.aborted) throw error;
      if (waitedMs < unseenPauseMs)
        reporter.info(`${error.message}, which are ${Math.round(inspected.stableAgeMs / 1000)} s old: waiting for the first scrape`);
      await clock.sleep(unseenPauseMs, cancel);
    }
  }
}

function forecastFor(plan: Plan, rules: NonNullable<Plan['rules']>, traffic: StableTraffic): Forecast {
  return forecast({
    requestsPerSecond: traffic.requestsPerSecond,
    stableErrorRate: traffic.errorRate,
    steps: plan.steps,
    timeoutMs: plan.spec.timeoutMs,
    rules,
  });
}

/** Better now than after ten minutes. */
function refuseHopeless(plan: Plan, expected: Forecast, traffic: StableTraffic): void {
  if (expected.secondsToPass !== undefined || plan.spec.onInconclusive === 'promote') return;
  const rate = Number(traffic.requestsPerSecond.toFixed(2));
  throw new UserError(
    'traffic-too-little',
    `Too little traffic for a verdict: about ${expected.neededRequests} canary requests are needed, and ${rate} requests/s give the canary about ${expected.availableRequests} within ${Math.round(plan.spec.timeoutMs / 1000)} s`,
    'Any of these helps: a longer timeout, a larger last step, a wider max-error-increase, on-inconclusive: promote, or metrics: none (readiness alone)',
  );
}

function unchangedImages(containers: readonly { readonly name: string; readonly image: string }[]): readonly ImageChange[] {
  return containers.map(({ name, image }, index) => ({ container: name, index, from: image, to: image }));
}

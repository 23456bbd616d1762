import { UserError } from '../../errors.ts';
import { rulesFor } from '../../rollout/gates/metrics-rules.ts';
import { slowBoundProblem } from '../../rollout/gates/slow-requests.ts';
import { type Plan, planRelease } from '../../rollout/plan/plan.ts';
import type { ReleaseSpec } from '../../rollout/spec.ts';
import type { Inspected, MetricsSource, StableTraffic } from '../ports.ts';
import type { ReleasePorts, ReleaseRequest } from '../release-request.ts';
import { forecastFor, refuseHopeless } from './forecast.ts';

/** Prometheus finds a new pod and scrapes it within this time, or not at all. */
const youngMs = 45_000;
const unseenPauseMs = 2_000;

type Judge = { readonly rules: Plan['rules']; readonly traffic: StableTraffic | undefined; readonly warnings: readonly string[] };

/** Who judges this release, and what stable answers at present. Throws UserError where metrics that were asked for cannot judge. */
export async function prepareJudge(
  request: ReleaseRequest,
  ports: ReleasePorts,
  unhealthy: boolean,
  inspected: Inspected,
  cancel: AbortSignal,
): Promise<Judge> {
  const { spec } = request;
  if (request.metricsIfPossible) return tryMetrics(request, ports, unhealthy, inspected, cancel);
  if (spec.judgedBy === 'readiness' || ports.metrics === undefined) {
    return {
      rules: undefined,
      traffic: undefined,
      warnings: request.readinessOnPurpose ? [] : [readinessWarning('no Prometheus is given')],
    };
  }
  const rules = rulesFor({ compare: !unhealthy, spec });
  if (rules === undefined) {
    const warning = `${over(request)} an unhealthy Deployment: there is nothing to compare with and no max-error-rate is given, so the release is judged by readiness alone`;
    return { rules, traffic: undefined, warnings: [warning] };
  }
  const traffic = await readTraffic(ports.metrics, ports, inspected, cancel).catch((error: unknown) => {
    // What does not answer is often why it is rolled back: its silence must not forbid that.
    if (!isRescue(request, unhealthy) || !(error instanceof UserError)) throw error;
    return error;
  });
  if (traffic instanceof UserError) {
    const warning = `${traffic.message}; and the Deployment is not healthy: this rollback is judged by readiness alone`;
    return { rules: undefined, traffic: undefined, warnings: [warning] };
  }
  refuseUnknownBound(spec, traffic);
  const { stablePods } = inspected;
  const { podsWithoutSeries } = traffic;
  const unseen = `there are no metrics of ${podsWithoutSeries.length} of ${stablePods.length} stable pods: ${podsWithoutSeries.join(', ')}`;
  const warnings = [
    ...(podsWithoutSeries.length > 0 ? [unseen] : []),
    ...(traffic.warnings ?? []),
    ...(unhealthy ? [`${over(request)} an unhealthy Deployment: judged by the absolute limits alone`] : []),
  ];
  return { rules, traffic, warnings };
}

/** A rollback of a Deployment that is not healthy: what would forbid a release must not forbid this. */
export function isRescue(request: ReleaseRequest, unhealthy: boolean): boolean {
  return request.command === 'rollback' && unhealthy;
}

function over({ command }: ReleaseRequest): string {
  return command === 'rollback' ? 'rollback of' : 'force over';
}
const readinessWarning = (why: string): string =>
  `${why}: the release is judged by readiness alone. A pod that is ready and answers with errors is promoted. Set prometheus, or metrics: none to silence this`;

/** What nobody asked for refuses no release: without metrics that can judge, readiness does, and one warning says why. */
async function tryMetrics(
  request: ReleaseRequest,
  ports: ReleasePorts,
  unhealthy: boolean,
  inspected: Inspected,
  cancel: AbortSignal,
): Promise<Judge> {
  const byReadiness = (why: string): Judge => {
    const warnings = [readinessWarning(`no Prometheus is given, and the pods' own metrics cannot judge (${why})`)];
    return { rules: undefined, traffic: undefined, warnings };
  };
  // Only what announces itself is tried: other pods are nobody's business.
  if (Object.keys(inspected.metricsEndpoints ?? {}).length === 0) return byReadiness('no pod announces a port for them');
  try {
    const asked = { ...request, metricsIfPossible: false, spec: { ...request.spec, judgedBy: 'metrics' as const } };
    const judge = await prepareJudge(asked, ports, unhealthy, inspected, cancel);
    if (judge.rules === undefined || judge.traffic === undefined) return judge;
    const plan = { ...planRelease(inspected.facts([]), [], asked.spec, judge.rules, []), stableSample: judge.traffic.counted };
    refuseHopeless(plan, forecastFor(plan, judge.rules, judge.traffic), judge.traffic);
    ports.reporter.info('no Prometheus is given: the metrics of the pods themselves judge');
    return judge;
  } catch (error) {
    if (error instanceof UserError) return byReadiness(lowerFirst(error.message));
    throw error;
  }
}

const lowerFirst = (text: string): string => `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;

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
      return await metrics.preflight(inspected.stablePods, cancel, inspected.metricsEndpoints);
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

import { explainBeforeAfter } from '../gates/before-after.ts';
import type { BlueGreenPlan } from '../plan/blue-green-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlanContext } from './describe-plan.ts';

/** The plan of blue-green for people, line by line. */
export function describeBlueGreen(plan: Plan, { traffic }: PlanContext): readonly string[] {
  const { spec, target, stableReplicas, names, blueGreen } = plan;
  if (blueGreen === undefined) return [];
  return [
    `Deployment ${target.namespace}/${target.deployment}, ${stableReplicas} replicas, strategy ${spec.strategy}`,
    ...plan.images.map((image) => `container ${image.container}: ${image.from} → ${image.to}`),
    `1. ${names.green}: ${stableReplicas} pods of the new image, without traffic; ${names.preview} leads to them alone`,
    describePreviewGate(plan),
    describeFlip(blueGreen),
    `4. all of the traffic on green for at least ${seconds(Math.max(spec.minDurationMs, spec.bakeMs))}, ${target.deployment} at full size beside it`,
    `5. ${target.deployment} gets the new image without traffic, the Services go back to it, and green goes`,
    `pods at the peak: ${2 * stableReplicas + plan.maxSurge}`,
    describeJudge(plan, traffic),
    `duration: at least ${seconds(minimumMs(plan))} and the pods' start, at most ${seconds(spec.timeoutMs)} until the flip and as long again after it`,
    `if the runner dies before the flip, green is gone within ${seconds(spec.deadManMs)} of its last heartbeat; after it, green serves and the Job ${names.job} records what must be finished or undone`,
  ];
}

export function describePreviewGate({ spec }: Plan): string {
  if (spec.smokeTest !== undefined) return '2. the smoke test must pass';
  return `2. all of them ready for ${seconds(spec.minDurationMs)} without a break (there is no smoke-test)`;
}

function describeFlip({ services, key, blue, green }: BlueGreenPlan): string {
  const names = services.map((name) => `Service ${name}`).join(', ');
  const all = services.length === 1 ? '' : ', all of them or none';
  return `3. ${names}: selector ${key}: ${blue} → ${green}${all}`;
}

export function describeJudge(plan: Plan, traffic: PlanContext['traffic']): string {
  if (plan.rules === undefined || traffic === undefined) return 'judged by readiness alone, before and after the flip';
  const rate = `${trim(traffic.requestsPerSecond)} requests/s with ${trim(100 * traffic.errorRate)} % errors now`;
  const limit = explainBeforeAfter(plan.rules, plan.stableSample ?? { errors: 0, requests: 0 });
  return `judged by readiness and metrics: ${rate}; under real traffic ${limit}, before/after: an outage convicts`;
}

export function minimumMs({ spec }: Plan): number {
  const previewMs = spec.smokeTest === undefined ? spec.minDurationMs : 0;
  return previewMs + Math.max(spec.minDurationMs, spec.bakeMs);
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${trim(ms / 60_000)} min`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)));
}

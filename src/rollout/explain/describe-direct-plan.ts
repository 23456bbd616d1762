import { percent } from '../gates/amounts.ts';
import { beforeAfterRules, explainBeforeAfter } from '../gates/before-after.ts';
import { requestsToPass } from '../gates/traffic.ts';
import type { Plan } from '../plan/plan.ts';
import { trialHoldMs } from '../plan/trial.ts';
import { describeChanges } from './describe-changes.ts';
import type { PlanContext } from './describe-plan.ts';

/** Whether Kubernetes itself replaces the pods, with nothing between the new version and the users. */
export function isDirect(plan: Plan): boolean {
  return plan.spec.strategy === 'rolling' || plan.spec.strategy === 'recreate';
}

/** The plan of rolling and recreate for people: what Kubernetes will do, who judges, and what it costs. */
export function describeDirectPlan(plan: Plan, context: PlanContext): readonly string[] {
  const { spec, target, stableReplicas } = plan;
  return [
    `Deployment ${target.namespace}/${target.deployment}, ${stableReplicas} replicas, strategy ${spec.strategy}`,
    ...describeChanges(plan),
    context.services.length === 0
      ? 'no Service selects its pods: the new version gets traffic only if something else sends it'
      : `traffic by ${context.services.map((name) => `Service ${name}`).join(', ')}`,
    ...(spec.strategy === 'recreate' ? describeRecreation(plan) : describeRolling(plan)),
    describeJudge(plan, context),
    `duration: at least ${seconds(Math.max(spec.bakeMs, spec.minDurationMs))} after the last new pod is available, at most ${seconds(spec.timeoutMs)} until the verdict`,
    `if the runner dies, the image that was sent last stands, and the Job ${plan.names.job} records it: the post step or the next run finishes it by readiness, or undoes it`,
  ];
}

function describeRolling({ stableReplicas, maxSurge, minAvailable }: Plan): readonly string[] {
  const least = minAvailable ?? stableReplicas;
  return [
    `one patch, then Kubernetes replaces the pods: at most ${maxSurge} more than ${stableReplicas}, at least ${least} available (the Deployment's own maxSurge and maxUnavailable)`,
    `pods at the peak: ${stableReplicas + maxSurge}`,
  ];
}

function describeRecreation(plan: Plan): readonly string[] {
  const { trial, stableReplicas } = plan;
  const labels = Object.entries(trial?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const outside =
    labels.length === 0
      ? 'no Service selects it anyway'
      : `outside of every Service by ${labels.join(', ')}; whatever else selects by ${Object.keys(trial?.labels ?? {}).join(', ')} (a NetworkPolicy, a PodMonitor) does not see it either`;
  const first =
    trial?.mode === 'pull'
      ? `first a trial pod that only pulls the image: ${trial.because}, so that a second one cannot run`
      : `first a trial pod, ready for ${seconds(trialHoldMs(plan.spec))} without a break, ${outside}`;
  return [
    first,
    'downtime is inherent: all old pods end before a new one starts; it is measured and reported',
    `pods at the peak: ${stableReplicas + 1}`,
  ];
}

function describeJudge(plan: Plan, { traffic }: PlanContext): string {
  const after = 'before/after: an outage convicts';
  if (plan.rules === undefined || traffic === undefined) return 'judged by readiness alone';
  const { ratio, absolute } = plan.spec.maxErrorIncrease;
  const sample = plan.stableSample ?? { errors: 0, requests: 0 };
  const rules = beforeAfterRules(plan.rules, sample);
  const rate = `${trim(traffic.requestsPerSecond)} requests/s with ${trim(100 * traffic.errorRate)} % errors now`;
  const needed =
    rules === undefined
      ? ''
      : `; a verdict on a good version needs about ${Math.max(...rules.limits.map(({ absolute: limit }) => requestsToPass(limit, rules)))} requests`;
  const beside =
    plan.spec.strategy === 'recreate'
      ? ''
      : `while old and new pods serve together, ${trim(ratio)} x the old ones' error rate + ${percent(absolute)}; then `;
  return `judged by readiness and metrics: ${rate}; ${beside}${explainBeforeAfter(plan.rules, sample)}, ${after}${needed}`;
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${trim(ms / 60_000)} min`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)));
}

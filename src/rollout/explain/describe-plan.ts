import { explainBeforeAfter } from '../gates/before-after.ts';
import { allowedRate } from '../gates/metrics-rules.ts';
import { durationText } from '../gates/slow-requests.ts';
import { type Forecast, requestsToPass } from '../gates/traffic.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedStep } from '../plan/replica-share.ts';
import { describeChanges } from './describe-changes.ts';
import { describeDirectPlan, isDirect } from './describe-direct-plan.ts';
import { describePairDeath, describePairHead } from './describe-pair-plan.ts';

export type PlanContext = {
  readonly services: readonly string[];
  /** False where we may not list PodDisruptionBudgets. */
  readonly budgetsKnown: boolean;
  /** Undefined where no metrics judge. */
  readonly traffic:
    | {
        readonly requestsPerSecond: number;
        readonly errorRate: number;
        readonly forecast: Forecast;
        /** What is read from where. */
        readonly source?: readonly string[];
      }
    | undefined;
};

/** The plan for people, line by line: what will run, what it will cost, and how long it takes at least and at most. */
export function describePlan(plan: Plan, context: PlanContext): readonly string[] {
  if (isDirect(plan)) return describeDirectPlan(plan, context);
  const { spec, target, stableReplicas, pair } = plan;
  if (pair !== undefined) {
    return [
      ...describePairHead(plan, pair, context.services),
      describeJudge(plan, context),
      `duration: ${describeDuration(plan, context)}`,
      describePairDeath(plan, pair),
    ];
  }
  return [
    `Deployment ${target.namespace}/${target.deployment}, ${stableReplicas} replicas, strategy ${spec.strategy}`,
    ...describeChanges(plan),
    context.services.length === 0
      ? 'no Service selects its pods: the canary gets traffic only if something else sends it'
      : `traffic by ${context.services.map((name) => `Service ${name}`).join(', ')}, shared out by the number of pods`,
    ...plan.steps.map((step, index) => describeStep(step, index, stableReplicas)),
    ...(context.budgetsKnown ? [] : ['PodDisruptionBudgets cannot be listed with these permissions: the plan assumes that there is none']),
    ...(plan.halfAtMost ? ['a PodDisruptionBudget covers the pods: the canary stays at half of the replicas at most'] : []),
    `pods at the peak: ${peakPods(plan)}`,
    describeJudge(plan, context),
    ...(context.traffic?.source ?? []),
    `duration: ${describeDuration(plan, context)}`,
    ...(spec.bakeMs > 0 ? [describeBake(plan)] : []),
    `if the runner dies, the canary is gone within ${seconds(spec.deadManMs)} of its last heartbeat`,
  ];
}

function describeStep(step: PlannedStep, index: number, stableReplicas: number): string {
  const share = `${trim(step.weightPercent)} % of ${stableReplicas} replicas is really ${trim(step.sharePercent)} %: ${pods(step.canaryReplicas)} of ${stableReplicas + step.canaryReplicas}`;
  const hold = step.holdMs > 0 ? `, for at least ${seconds(step.holdMs)}` : '';
  const merged =
    step.mergedPercents.length === 0
      ? ''
      : ` (${step.mergedPercents.map((percent) => `${trim(percent)} %`).join(', ')} would be the same number of pods: one step)`;
  return `step ${index + 1}: ${share}${hold}${merged}`;
}

/** Canary and stable pods, and what the promotion may add above them while both are there. */
function peakPods(plan: Plan): number {
  const canary = Math.max(0, ...plan.steps.map((step) => step.canaryReplicas));
  return plan.stableReplicas + canary + plan.maxSurge;
}

function describeJudge(plan: Plan, { traffic }: PlanContext): string {
  if (plan.rules === undefined || traffic === undefined) return 'judged by readiness alone';
  const { ratio, absolute } = plan.spec.maxErrorIncrease;
  const rate = `${trim(traffic.requestsPerSecond)} requests/s with ${trim(100 * traffic.errorRate)} % errors now`;
  const { rules } = plan;
  const needed = Math.max(...rules.limits.map((limit) => requestsToPass(allowedRate(limit, traffic.errorRate), rules)));
  const absoluteLimit = plan.spec.maxErrorRate === undefined ? '' : ` and at most ${trim(100 * plan.spec.maxErrorRate)} % errors`;
  const others = describeOthers(plan);
  return `judged by readiness and metrics: ${rate}; allowed ${trim(ratio)} x stable + ${trim(100 * absolute)} %${absoluteLimit}${others}; a verdict on a good canary needs about ${needed} canary requests`;
}

function describeOthers({ spec, rules }: Plan): string {
  const { maxSlow } = spec;
  return [
    maxSlow === undefined ? '' : `, at most ${trim(100 * maxSlow.absolute)} % slower than ${durationText(maxSlow.boundMs)}`,
    rules?.minTraffic === undefined ? '' : `, at least ${trim(100 * rules.minTraffic)} % of its share of the requests`,
    rules?.errorBudget === undefined ? '' : `, an error budget of ${rules.errorBudget} requests`,
    rules === undefined || rules.dispersion === 1 ? '' : `, dispersion ${rules.dispersion}`,
  ].join('');
}

function describeDuration(plan: Plan, { traffic }: PlanContext): string {
  const holdsMs = plan.steps.reduce((sum, step) => sum + step.holdMs, 0);
  const shortestMs = Math.max(plan.spec.minDurationMs, holdsMs);
  const { secondsToPass } = traffic?.forecast ?? {};
  const expected = secondsToPass === undefined ? '' : `, with this traffic about ${secondsToPass} s`;
  return `at least ${seconds(shortestMs)} and the pods' start${expected}, at most ${seconds(plan.spec.timeoutMs)} until the verdict, then the promotion`;
}

function describeBake(plan: Plan): string {
  const limit =
    plan.rules === undefined ? 'readiness alone' : explainBeforeAfter(plan.rules, plan.stableSample ?? { errors: 0, requests: 0 });
  return `then a bake of ${seconds(plan.spec.bakeMs)} with all the traffic, by ${limit}; before/after: an outage convicts`;
}

function pods(count: number): string {
  return count === 1 ? '1 pod' : `${count} pods`;
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${trim(ms / 60_000)} min`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)));
}

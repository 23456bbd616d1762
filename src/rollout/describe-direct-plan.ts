import type { DeploymentFacts } from './deployment-facts.ts';
import { describeChanges } from './describe-changes.ts';
import type { PlanContext } from './describe-plan.ts';
import { percent } from './gates/amounts.ts';
import { beforeAfterRules, explainBeforeAfter } from './gates/before-after.ts';
import { requestsToPass } from './gates/traffic.ts';
import type { Plan } from './plan.ts';
import { trialHoldMs } from './trial.ts';

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

/** What the cluster may have no room for, in sentences; nothing where it looks roomy. */
export function roomWarnings(facts: DeploymentFacts, plan: Plan): readonly string[] {
  if (!isDirect(plan)) return [];
  const more = plan.spec.strategy === 'recreate' ? 1 : facts.maxSurge;
  const warnings: string[] = [];
  const stuck = 'the release would wait for them until ready-timeout and then go back';
  const slower = 'Kubernetes replaces fewer pods at a time';
  if (facts.podsLeft !== undefined && facts.podsLeft < more) {
    const without = facts.minAvailable < facts.replicas && plan.spec.strategy === 'rolling' ? slower : stuck;
    warnings.push(`a quota leaves room for ${Math.max(0, facts.podsLeft)} of the ${more} additional pods: ${without}`);
  }
  if (plan.spec.strategy === 'rolling' && facts.maxSurge > 0) {
    const reasons = [
      ...(facts.hostPorts.length > 0 ? [`host ports (${facts.hostPorts.join(', ')})`] : []),
      ...(facts.exclusiveVolumes.length > 0 ? [`volumes that only one node may mount (${facts.exclusiveVolumes.join(', ')})`] : []),
      ...(facts.repelsItself ? ['a required anti-affinity that matches its own pods'] : []),
      ...(facts.mustSpread === true ? ['topology spread constraints that must be kept'] : []),
    ];
    if (reasons.length > 0) {
      warnings.push(
        `its pods have ${reasons.join(' and ')}: an additional pod may find no node; ${facts.minAvailable < facts.replicas ? slower : stuck}`,
      );
    }
  }
  return warnings;
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${trim(ms / 60_000)} min`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)));
}

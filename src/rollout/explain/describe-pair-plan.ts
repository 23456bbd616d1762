import type { PairPlan } from '../plan/pair-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedStep } from '../plan/replica-share.ts';

/** What is said before the start of a release between two Deployments, instead of what is said of a canary. */
export function describePairHead(plan: Plan, pair: PairPlan, services: readonly string[]): readonly string[] {
  const { deployment, namespace } = plan.target;
  const { found, name, total } = pair;
  return [
    `Deployment ${namespace}/${deployment} with ${found.old} and ${namespace}/${name} with ${found.new} replicas, a pair that you keep: strategy ${plan.spec.strategy}, shared out by replicas`,
    ...pair.images.map((image) => `container ${image.container} of ${name}: ${image.from} → ${image.to}`),
    ...(pair.images.length === 0 ? [`${name} has the new image already`] : []),
    `traffic by ${services.map((service) => `Service ${service}`).join(', ')}, which selects the pods of both`,
    ...plan.steps.map((step, index) => describeStep(plan, pair, step, index)),
    `at the end: ${total} of ${name} with the new image, 0 of ${deployment}, which stays with the old one; the next release goes the other way`,
    ...(pair.images.length > 0 && found.new > 0 ? [`the ${found.new} pods of ${name} get the new image under its own strategy`] : []),
    `pods at the peak: ${pair.maxTotal} on the way forward, ${found.old + total} on the way back; never fewer than ${pair.minAvailable} available because of us`,
  ];
}

/** The other exception: here the cluster does not heal alone, and the user must know that before the start. */
export function describePairDeath(plan: Plan, { found, name }: PairPlan): string {
  const { deployment } = plan.target;
  return `NOT healed by the dead-man: replicas are written, and stay as they are if the runner dies. The post step, the next run or reconcile puts the ${found.old} of ${deployment} and the ${found.new} of ${name} back; the Job ${plan.names.job} records them for one hour after the last heartbeat`;
}

function describeStep(plan: Plan, pair: PairPlan, step: PlannedStep, index: number): string {
  const { deployment } = plan.target;
  const old = pair.total === 1 ? 1 : pair.total - step.canaryReplicas;
  const share = `${trim(step.weightPercent)} % of ${pair.total} replicas is really ${trim(step.sharePercent)} %: ${step.canaryReplicas} of ${pair.name} beside ${old} of ${deployment}`;
  const hold = step.holdMs > 0 ? `, for at least ${Math.round(step.holdMs / 1000)} s` : '';
  const merged =
    step.mergedPercents.length === 0
      ? ''
      : ` (${step.mergedPercents.map((percent) => `${trim(percent)} %`).join(', ')} would be the same number of pods: one step)`;
  return `step ${index + 1}: ${share}${hold}${merged}`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)));
}

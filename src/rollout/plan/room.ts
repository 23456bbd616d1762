import type { DeploymentFacts } from './deployment-facts.ts';
import { greenSize, keepsGreen } from './kept-green-plan.ts';
import type { Plan } from './plan.ts';

/** What a quota of the namespace has left of one resource, and what one more pod of this Deployment takes of it; both in the resource's own unit. */
export type QuotaRoom = { readonly quota: string; readonly resource: string; readonly left: number; readonly eachPod: number };

/** What the cluster may have no room for, in sentences; nothing where it looks roomy. */
export function roomWarnings(facts: DeploymentFacts, plan: Plan): readonly string[] {
  const more = additionalPods(facts, plan);
  if (more === 0) return [];
  const slower = plan.spec.strategy === 'rolling' && facts.minAvailable < facts.replicas;
  const then = slower
    ? 'Kubernetes replaces fewer pods at a time'
    : 'the release would wait for them until ready-timeout and then end as inconclusive';
  return [...warnOfQuotas(facts, plan, more, then), ...warnOfNodes(facts, plan, then)];
}

/** How many pods there are at the peak beyond those of today. */
function additionalPods(facts: DeploymentFacts, plan: Plan): number {
  if (plan.pair !== undefined) return keepsGreen(plan) ? greenSize(plan.pair) - plan.pair.found.new : plan.pair.maxTotal - plan.pair.total;
  switch (plan.spec.strategy) {
    case 'canary':
      return Math.max(0, ...plan.steps.map((step) => step.canaryReplicas));
    case 'rolling':
      return facts.maxSurge;
    case 'recreate':
      return 1;
    case 'blue-green':
      return facts.replicas;
  }
}

function warnOfQuotas({ room }: DeploymentFacts, plan: Plan, more: number, then: string): readonly string[] {
  if (room === undefined) {
    const why = 'ResourceQuotas cannot be listed with these permissions: nobody knows whether there is room for both colours';
    return plan.spec.strategy === 'blue-green' ? [why] : [];
  }
  return room.flatMap(({ quota, resource, left, eachPod }) => {
    if (eachPod === 0 || eachPod * more <= left) return [];
    const fitting = Math.max(0, Math.floor(left / eachPod));
    const amounts = `${amount(left)} of ${resource} left, ${amount(eachPod * more)} needed`;
    return [`ResourceQuota ${quota} leaves room for ${fitting} of the ${more} additional pods (${amounts}): ${then}`];
  });
}

function warnOfNodes(facts: DeploymentFacts, { spec }: Plan, then: string): readonly string[] {
  // The trial pod of a recreation only pulls where it cannot run.
  if (spec.strategy === 'recreate') return [];
  const reasons = [
    ...(facts.hostPorts.length > 0 ? [`host ports (${facts.hostPorts.join(', ')})`] : []),
    ...(facts.exclusiveVolumes.length > 0 ? [`volumes that only one node may mount (${facts.exclusiveVolumes.join(', ')})`] : []),
    ...(facts.repelsItself ? ['a required anti-affinity that matches its own pods'] : []),
    ...(facts.mustSpread === true ? ['topology spread constraints that must be kept'] : []),
  ];
  return reasons.length === 0 ? [] : [`its pods have ${reasons.join(' and ')}: an additional pod may find no node; ${then}`];
}

function amount(value: number): string {
  return String(Number(value.toFixed(3)));
}

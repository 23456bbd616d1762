import type { ReleaseSpec } from '../spec.ts';
import type { DeploymentFacts } from './deployment-facts.ts';
import type { PairFacts } from './pair-plan.ts';
import type { Refusal } from './refusals.ts';

/** Everything that forbids a release between two Deployments that the user keeps, all at once. */
export function pairRefusals(facts: DeploymentFacts, spec: ReleaseSpec, releasedContainers: readonly string[]): readonly Refusal[] {
  const { pair } = facts;
  if (pair === undefined) return [];
  if (pair.found === undefined) {
    const message = `There is no Deployment ${pair.name} in namespace ${facts.namespace}`;
    return [refused(message, 'Check the input canary-deployment: it names a second Deployment that exists, behind the same Service')];
  }
  if (pair.heldBy !== undefined) {
    const message = `The Deployment ${pair.name} is being released already: ${pair.heldBy}`;
    return [{ code: 'rollout-busy', message, hint: 'Wait until that run has ended' }];
  }
  return reasonsOf(facts, pair, pair.found, spec, releasedContainers)
    .filter(([applies]) => applies)
    .map(([, message, hint]) => refused(`The pair ${facts.name} and ${pair.name} cannot be released: ${message}`, hint));
}

type Reason = readonly [applies: boolean, message: string, hint: string];

function reasonsOf(
  facts: DeploymentFacts,
  pair: PairFacts,
  found: NonNullable<PairFacts['found']>,
  spec: ReleaseSpec,
  releasedContainers: readonly string[],
): readonly Reason[] {
  const missing = releasedContainers.filter((name) => !found.containers.some((container) => container.name === name));
  const { name } = pair;
  return [
    [
      facts.replicas === 0 && found.replicas > 0,
      `${name} has all ${found.replicas} replicas and ${facts.name} has none: the release before went there`,
      `Exchange the two: deployment: ${name}, canary-deployment: ${facts.name}`,
    ],
    [facts.replicas === 0 && found.replicas === 0, 'both have 0 replicas: nothing can be compared or judged', 'Scale the first one up'],
    [found.paused, `${name} is paused: its pods would not get the new image`, `Resume it: kubectl rollout resume deployment ${name}`],
    [
      found.unhealthy !== undefined && !spec.force,
      `${name} is not healthy: ${found.unhealthy ?? ''}`,
      'Mend it first, or set force: true to release over it',
    ],
    [
      missing.length > 0,
      `${name} has no container ${missing.join(', ')}; it has ${found.containers.map((container) => container.name).join(', ')}`,
      'Both Deployments need the containers that get the image, by the same names',
    ],
    [pair.overlaps, 'the selector of one matches the pods of the other', 'Give each a label of its own in selector and template'],
    [
      pair.commonServices.length === 0,
      'no Service selects the pods of both, so replicas share out no traffic',
      'Give both templates the labels that the Service selects by',
    ],
    [
      (pair.autoscalers ?? []).length > 0,
      `an autoscaler would fight for the replicas: ${(pair.autoscalers ?? []).join(', ')}`,
      'Remove the HorizontalPodAutoscaler, or release as a canary without canary-deployment, which never writes replicas',
    ],
  ];
}

function refused(message: string, hint: string): Refusal {
  return { code: 'deployment-refused', message, hint };
}

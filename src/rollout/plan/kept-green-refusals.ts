import type { ReleaseSpec } from '../spec.ts';
import type { DeploymentFacts } from './deployment-facts.ts';
import { isScaled } from './kept-green-plan.ts';
import type { PairFacts } from './pair-plan.ts';
import type { Refusal } from './refusals.ts';

/** Everything that forbids a flip between two Deployments that the user keeps, beside what its Services say. */
export function keptGreenRefusals(facts: DeploymentFacts, spec: ReleaseSpec, releasedContainers: readonly string[]): readonly Refusal[] {
  const { pair } = facts;
  if (pair === undefined) return [];
  if (pair.found === undefined) {
    const message = `There is no Deployment ${pair.name} in namespace ${facts.namespace}`;
    return [
      refused(message, 'Check the input green-deployment: it names a second Deployment that exists; without it green is one of our own'),
    ];
  }
  if (pair.heldBy !== undefined) {
    const message = `The Deployment ${pair.name} is being released already: ${pair.heldBy}`;
    const hint = `Wait until that run has ended. If its runner is dead: command: reconcile with deployment: ${pair.name}`;
    return [{ code: 'rollout-busy', message, hint }];
  }
  return reasonsOf(facts, pair, pair.found, spec, releasedContainers)
    .filter(([applies]) => applies)
    .map(([, message, hint]) => refused(`${facts.name} and ${pair.name} cannot be released as blue-green: ${message}`, hint));
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
  const scales = isScaled({ found: { old: facts.replicas, new: found.replicas } });
  return [
    [
      facts.replicas === 0 && facts.blueGreen?.kind === 'colours',
      `${facts.name} has 0 replicas: nothing can be compared or judged`,
      'Scale it up first',
    ],
    [found.paused, `${name} is paused: its pods would not get the new image`, `Resume it: kubectl rollout resume deployment ${name}`],
    [
      found.unhealthy !== undefined && !spec.force,
      `${name} is not healthy: ${found.unhealthy ?? ''}`,
      'Mend it first, scale it to 0, or set force: true to release over it',
    ],
    [
      missing.length > 0,
      `${name} has no container ${missing.join(', ')}; it has ${found.containers.map((container) => container.name).join(', ')}`,
      'Both Deployments need the containers that get the image, by the same names',
    ],
    [pair.overlaps, 'the selector of one matches the pods of the other', 'Give each a label of its own in selector and template'],
    [
      scales && (pair.autoscalers ?? []).length > 0,
      `${name} has ${found.replicas} replicas and needs ${facts.replicas}, and an autoscaler would fight for them: ${(pair.autoscalers ?? []).join(', ')}`,
      `Scale ${name} to ${facts.replicas} first (minReplicas): then no replicas are written. Or remove the HorizontalPodAutoscaler`,
    ],
  ];
}

function refused(message: string, hint: string): Refusal {
  return { code: 'deployment-refused', message, hint };
}

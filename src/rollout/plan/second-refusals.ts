import type { ReleaseSpec } from '../spec.ts';
import type { DeploymentFacts } from './deployment-facts.ts';
import type { PairFacts } from './pair-plan.ts';
import type { Refusal } from './refusals.ts';

export type Reason = readonly [applies: boolean, message: string, hint: string];

/** What one way to release to a second Deployment of the user has of its own. */
export type SecondWay = {
  readonly hints: { readonly absent: string; readonly busy: string; readonly unhealthy: string };
  /** How the sentence of each reason begins. */
  readonly cannot: string;
  /** What is looked at before, and after, what every way needs. */
  readonly first: (pair: PairFacts, found: FoundSecond) => readonly Reason[];
  readonly last: (pair: PairFacts, found: FoundSecond) => readonly Reason[];
};

type FoundSecond = NonNullable<PairFacts['found']>;

/** Everything that forbids a release to the second of two Deployments that the user keeps, all at once. */
export function secondRefusals(
  { pair, namespace }: DeploymentFacts,
  way: SecondWay,
  spec: ReleaseSpec,
  releasedContainers: readonly string[],
): readonly Refusal[] {
  if (pair === undefined) return [];
  if (pair.found === undefined) return [refused(`There is no Deployment ${pair.name} in namespace ${namespace}`, way.hints.absent)];
  if (pair.heldBy !== undefined) {
    return [
      { code: 'rollout-busy', message: `The Deployment ${pair.name} is being released already: ${pair.heldBy}`, hint: way.hints.busy },
    ];
  }
  const shared = reasonsAlways(pair, pair.found, way.hints.unhealthy, spec, releasedContainers);
  return [...way.first(pair, pair.found), ...shared, ...way.last(pair, pair.found)]
    .filter(([applies]) => applies)
    .map(([, message, hint]) => refused(`${way.cannot}: ${message}`, hint));
}

function reasonsAlways(
  pair: PairFacts,
  found: FoundSecond,
  unhealthyHint: string,
  { force }: ReleaseSpec,
  releasedContainers: readonly string[],
): readonly Reason[] {
  const { name } = pair;
  const missing = releasedContainers.filter((one) => !found.containers.some((container) => container.name === one));
  return [
    [found.paused, `${name} is paused: its pods would not get the new image`, `Resume it: kubectl rollout resume deployment ${name}`],
    [found.unhealthy !== undefined && !force, `${name} is not healthy: ${found.unhealthy ?? ''}`, unhealthyHint],
    [
      missing.length > 0,
      `${name} has no container ${missing.join(', ')}; it has ${found.containers.map((container) => container.name).join(', ')}`,
      'Both Deployments need the containers that get the image, by the same names',
    ],
    [pair.overlaps, 'the selector of one matches the pods of the other', 'Give each a label of its own in selector and template'],
  ];
}

function refused(message: string, hint: string): Refusal {
  return { code: 'deployment-refused', message, hint };
}

import type { ReleaseSpec, Strategy } from '../spec.ts';
import type { DeploymentFacts } from './deployment-facts.ts';

/** Why a release cannot start; the code is one of UserError's. */
export type Refusal = {
  readonly code: 'deployment-refused' | 'foreign-object' | 'rollout-busy';
  readonly message: string;
  readonly hint: string;
};

/** Everything that forbids a canary of this Deployment, all at once. Pure: nothing has been written when this answers. */
export function refusalsFor(facts: DeploymentFacts, spec: ReleaseSpec): readonly Refusal[] {
  return [...refusedNamesakes(facts), ...refusedSecond(facts), ...refusedDeployment(facts, spec)];
}

/** Its fence would be taken from a rollout that lives. */
function refusedSecond({ name, secondOf }: DeploymentFacts): readonly Refusal[] {
  if (secondOf === undefined) return [];
  const message = `The Deployment ${name} is being released already: as the second one in a rollout of ${secondOf}`;
  return [{ code: 'rollout-busy', message, hint: `Wait until that run has ended, or end it: command: abort with deployment: ${secondOf}` }];
}

function refusedNamesakes(facts: DeploymentFacts): readonly Refusal[] {
  const refusals: Refusal[] = [];
  for (const namesake of facts.namesakes) {
    if (!namesake.ours) {
      refusals.push({
        code: 'foreign-object',
        message: `The ${namesake.kind} ${namesake.name} is not ours, but bears the name that this rollout needs`,
        hint: `Rename or remove it: we neither change nor delete what is not ours`,
      });
    } else if (namesake.kind === 'Job' && !namesake.terminating) {
      refusals.push({
        code: 'rollout-busy',
        message: `The Deployment ${facts.name} is being released already: ${namesake.heldBy ?? 'by an unknown run'}`,
        hint: `Wait until that run has ended. If its runner is dead, its Job ${namesake.name} removes itself and the canary at its deadline. command: abort ends it from anywhere`,
      });
    }
  }
  return refusals;
}

function refusedDeployment(facts: DeploymentFacts, spec: ReleaseSpec): readonly Refusal[] {
  const reasons = [
    ...reasonsAlways(facts, spec),
    ...reasonsOfOwnStrategy(facts, spec),
    ...((spec.strategy === 'canary' || spec.strategy === 'blue-green') && facts.pair === undefined ? reasonsOfTwoVersions(facts) : []),
    ...reasonsOfColours(facts),
  ];
  return reasons
    .filter(([applies]) => applies)
    .map(([, message, hint]) => ({
      code: 'deployment-refused',
      message: `The Deployment ${facts.name} cannot be released ${asStrategy[spec.strategy]}: ${message}`,
      hint,
    }));
}

const asStrategy: Readonly<Record<Strategy, string>> = {
  canary: 'as a canary',
  rolling: 'by a rolling update',
  recreate: 'by recreation',
  'blue-green': 'as blue-green',
};

type Reason = readonly [applies: boolean, message: string, hint: string];

/** What forbids any release. */
function reasonsAlways(facts: DeploymentFacts, spec: ReleaseSpec): readonly Reason[] {
  return [
    [facts.paused, 'it is paused: the new pods would never start', 'Resume it: kubectl rollout resume'],
    [facts.replicas === 0 && facts.pair === undefined, 'it has 0 replicas: nothing can be compared or judged', 'Scale it up first'],
    [
      facts.unhealthy !== undefined && !spec.force,
      `it is not healthy: ${facts.unhealthy ?? ''}`,
      'Mend it first, or set force: true to release over it',
    ],
  ];
}

/** What forbids a second Deployment beside it. */
function reasonsOfTwoVersions(facts: DeploymentFacts): readonly Reason[] {
  return [
    [
      facts.strategyType !== 'RollingUpdate',
      `its strategy is ${facts.strategyType}: two versions must not run at once`,
      'A canary needs strategy RollingUpdate',
    ],
    [
      facts.carriesTrackLabel,
      'its pod template carries our own label gated-rollout.github.io/track',
      'Remove that label from the template',
    ],
    [
      facts.hostPorts.length > 0,
      `its pods take host ports (${facts.hostPorts.join(', ')}): canary and stable would fight for them`,
      'Use a Service instead of host ports',
    ],
    [
      facts.exclusiveVolumes.length > 0,
      `its pods mount volumes that only one node may mount: ${facts.exclusiveVolumes.join(', ')}`,
      'A canary needs volumes that several pods may share (ReadWriteMany, ReadOnlyMany)',
    ],
    [
      facts.repelsItself,
      "its required pod anti-affinity matches its own pods: a canary pod would take a stable pod's place",
      'Make that anti-affinity preferred instead of required',
    ],
  ];
}

/** A release that leaves the replacing to Kubernetes must want what the Deployment itself says. */
function reasonsOfOwnStrategy({ strategyType, carriesTrackLabel }: DeploymentFacts, { strategy }: ReleaseSpec): readonly Reason[] {
  if (strategy === 'rolling') {
    return [
      [
        strategyType !== 'RollingUpdate',
        `its own strategy is ${strategyType}: all its pods would end before a new one starts`,
        'Use strategy: recreate, which says what that costs, or give the Deployment spec.strategy.type RollingUpdate',
      ],
    ];
  }
  if (strategy === 'recreate') {
    return [
      [
        strategyType !== 'Recreate',
        `its own strategy is ${strategyType}, and we do not change that`,
        'Use strategy: rolling, or give the Deployment spec.strategy.type Recreate',
      ],
      [carriesTrackLabel, 'its pod template carries our own label gated-rollout.github.io/track', 'Remove that label from the template'],
    ];
  }
  return [];
}

/** What keeps its Services from telling two colours apart. */
function reasonsOfColours({ blueGreen }: DeploymentFacts): readonly Reason[] {
  return blueGreen?.kind === 'refused' ? [[true, blueGreen.message, blueGreen.hint]] : [];
}

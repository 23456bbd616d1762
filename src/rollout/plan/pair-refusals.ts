import type { ReleaseSpec } from '../spec.ts';
import type { DeploymentFacts } from './deployment-facts.ts';
import type { Refusal } from './refusals.ts';
import { type SecondWay, secondRefusals } from './second-refusals.ts';

/** Everything that forbids a release between two Deployments that share their traffic by replicas, all at once. */
export function pairRefusals(facts: DeploymentFacts, spec: ReleaseSpec, releasedContainers: readonly string[]): readonly Refusal[] {
  const way: SecondWay = {
    hints: {
      absent: 'Check the input canary-deployment: it names a second Deployment that exists, behind the same Service',
      busy: 'Wait until that run has ended',
      unhealthy: 'Mend it first, or set force: true to release over it',
    },
    cannot: `The pair ${facts.name} and ${facts.pair?.name ?? ''} cannot be released`,
    first: ({ name }, found) => [
      [
        facts.replicas === 0 && found.replicas > 0,
        `${name} has all ${found.replicas} replicas and ${facts.name} has none: the release before went there`,
        `Exchange the two: deployment: ${name}, canary-deployment: ${facts.name}`,
      ],
      [facts.replicas === 0 && found.replicas === 0, 'both have 0 replicas: nothing can be compared or judged', 'Scale the first one up'],
    ],
    last: ({ commonServices, autoscalers = [] }) => [
      [
        commonServices.length === 0,
        'no Service selects the pods of both, so replicas share out no traffic',
        'Give both templates the labels that the Service selects by',
      ],
      [
        autoscalers.length > 0,
        `an autoscaler would fight for the replicas: ${autoscalers.join(', ')}`,
        'Remove the HorizontalPodAutoscaler, or release as a canary without canary-deployment, which never writes replicas',
      ],
    ],
  };
  return secondRefusals(facts, way, spec, releasedContainers);
}

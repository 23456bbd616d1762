import type { ReleaseSpec } from '../spec.ts';
import type { DeploymentFacts } from './deployment-facts.ts';
import { isScaled } from './kept-green-plan.ts';
import type { Refusal } from './refusals.ts';
import { type SecondWay, secondRefusals } from './second-refusals.ts';

/** Everything that forbids a flip between two Deployments that the user keeps, beside what its Services say. */
export function keptGreenRefusals(facts: DeploymentFacts, spec: ReleaseSpec, releasedContainers: readonly string[]): readonly Refusal[] {
  const second = facts.pair?.name ?? '';
  const way: SecondWay = {
    hints: {
      absent: 'Check the input green-deployment: it names a second Deployment that exists; without it green is one of our own',
      busy: `Wait until that run has ended. If its runner is dead: command: reconcile with deployment: ${second}`,
      unhealthy: 'Mend it first, scale it to 0, or set force: true to release over it',
    },
    cannot: `${facts.name} and ${second} cannot be released as blue-green`,
    first: () => [
      [
        facts.replicas === 0 && facts.blueGreen?.kind === 'colours',
        `${facts.name} has 0 replicas: nothing can be compared or judged`,
        'Scale it up first',
      ],
    ],
    last: ({ name, autoscalers = [] }, { replicas }) => [
      [
        isScaled({ found: { old: facts.replicas, new: replicas } }) && autoscalers.length > 0,
        `${name} has ${replicas} replicas and needs ${facts.replicas}, and an autoscaler would fight for them: ${autoscalers.join(', ')}`,
        `Scale ${name} to ${facts.replicas} first (minReplicas): then no replicas are written. Or remove the HorizontalPodAutoscaler`,
      ],
    ],
  };
  return secondRefusals(facts, way, spec, releasedContainers);
}

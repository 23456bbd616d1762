import type { Baseline, Expectation } from './expectation.ts';
import { judgeManagers } from './judge-objects.ts';
import type { Api } from './kubernetes.ts';
import { pathsOf } from './kubernetes.ts';
import type { Deployment, KubernetesObject, Pod } from './shapes.ts';
import { fenceLabel, trackLabel } from './timeline.ts';

const watchedKinds = ['jobs', 'deployments', 'services', 'configMaps', 'roles', 'roleBindings'] as const;

/** The names, as `jobs/web-rollout`, of everything that a rollout could leave behind. */
export async function readNames(api: Api, namespace: string): Promise<ReadonlySet<string>> {
  const paths = pathsOf(namespace);
  const lists = watchedKinds.map(async (kind) =>
    (await api.list<KubernetesObject>(paths[kind])).map((object) => `${kind}/${object.metadata.name}`),
  );
  return new Set((await Promise.all(lists)).flat());
}

/** I7: asked of the API itself, when all is over. */
export async function judgeLeftovers(
  api: Api,
  namespace: string,
  baseline: Baseline,
  expectation: Expectation,
): Promise<readonly string[]> {
  if ((expectation.exempt ?? []).includes('I7')) return [];
  const paths = pathsOf(namespace);
  const allowed = new Set([...baseline.names, ...(expectation.personLeft ?? [])]);
  const problems = [...(await readNames(api, namespace))].filter((name) => !allowed.has(name)).map((name) => `I7: ${name} is left`);
  const deployment = await api.find<Deployment>(paths.deployment(baseline.deployment.metadata.name));
  const fence = deployment?.metadata.labels?.[fenceLabel];
  if (fence !== undefined) problems.push(`I7: the fence ${fence} is left on the Deployment`);
  problems.push(...judgeManagers(deployment, baseline));
  const canaryLeft = (expectation.personLeft ?? []).includes('deployments/web-canary');
  for (const pod of canaryLeft ? [] : await api.list<Pod>(paths.pods)) {
    const tracked = pod.metadata.labels?.[trackLabel] !== undefined;
    if (tracked && pod.metadata.deletionTimestamp === undefined) problems.push(`I7: canary pod ${pod.metadata.name} is left`);
  }
  return problems;
}

import type { Baseline, Expectation } from './expectation.ts';
import { judgeManagers } from './judge-objects.ts';
import type { Api } from './kubernetes.ts';
import { pathsOf } from './kubernetes.ts';
import type { Deployment, KubernetesObject, Service } from './shapes.ts';
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
  const service = await api.find<Service>(paths.service(baseline.service.metadata.name));
  if (service?.metadata.annotations?.[fenceLabel] !== undefined) problems.push('I7: the fence is left on the Service');
  if (service?.metadata.managedFields?.some((entry) => entry.manager === 'gated-rollout') === true)
    problems.push('I7: field manager "gated-rollout" is left on the Service');
  if (!(expectation.personLeft ?? []).includes('deployments/web-canary')) problems.push(...(await judgeTracked(api, namespace)));
  return problems;
}

/** What the garbage collector should have taken along. */
async function judgeTracked(api: Api, namespace: string): Promise<readonly string[]> {
  const paths = pathsOf(namespace);
  const left: string[] = [];
  for (const kind of ['replicaSets', 'pods'] as const) {
    for (const { metadata } of await api.list<KubernetesObject>(paths[kind])) {
      if (metadata.labels?.[trackLabel] !== undefined && metadata.deletionTimestamp === undefined)
        left.push(`I7: ${kind}/${metadata.name} of the canary is left`);
    }
  }
  return left;
}

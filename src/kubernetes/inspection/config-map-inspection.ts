import { targetLabel } from '../../rollout/names.ts';
import type { Namesake } from '../../rollout/plan/deployment-facts.ts';
import type { ConfigMapVersion } from '../../rollout/plan/plan.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { type ConfigMapContent, isVersionOf, type RawConfigMap, versionOf } from '../config-map-content.ts';
import { paths } from '../paths.ts';
import type { RawDeployment } from '../raw.ts';
import { listVersions, sourceOf } from './config-map-facts.ts';
import type { Inspection } from './inspection.ts';

export type InspectedVersions = {
  readonly wanted: readonly ConfigMapVersion[];
  readonly earlier: readonly ConfigMapVersion[];
  readonly namesakes: readonly Namesake[];
};

/** What the ConfigMaps of this run are called as versions, what earlier ones there are, and who bears their names. Asks nothing where there are none. */
export async function inspectVersions(
  client: KubernetesClient,
  { facts }: Inspection,
  contents: readonly ConfigMapContent[],
): Promise<InspectedVersions> {
  if (contents.length === 0) return { wanted: [], earlier: [], namesakes: [] };
  const { namespace, name: deployment, uid } = facts;
  const wanted = contents.map((content) => versionOf(content, deployment));
  const [listed, found] = await Promise.all([
    listVersions(client, namespace, uid),
    Promise.all(wanted.map(({ name }) => client.find<RawConfigMap>(paths.configMap(namespace, name)))),
  ]);
  const namesakes = wanted.flatMap((version, index): readonly Namesake[] => {
    const object = found[index];
    if (object === undefined) return [];
    const ours = isVersionOf(object, version, { target: { namespace, deployment, uid } });
    const terminating = object.metadata?.deletionTimestamp !== undefined;
    return [{ kind: 'ConfigMap', name: version.name, uid: object.metadata?.uid ?? '', ours, terminating, heldBy: undefined }];
  });
  return { wanted, earlier: listed.map((item) => ({ source: sourceOf(item), name: item.metadata?.name ?? '' })), namesakes };
}

/** Which of these ConfigMaps are there and not going; `ours`: a release of the Deployment has made it. */
export async function findConfigMaps(
  client: KubernetesClient,
  namespace: string,
  deployment: string,
  names: readonly string[],
): Promise<readonly { readonly name: string; readonly ours: boolean }[]> {
  const [stable, ...found] = await Promise.all([
    client.find<RawDeployment>(paths.deployment(namespace, deployment)),
    ...names.map((name) => client.find<RawConfigMap>(paths.configMap(namespace, name))),
  ]);
  const uid = stable?.metadata?.uid;
  return names.flatMap((name, index) => {
    const { metadata } = found[index] ?? {};
    if (metadata === undefined || metadata.deletionTimestamp !== undefined) return [];
    return [{ name, ours: uid !== undefined && metadata.labels?.[targetLabel] === uid }];
  });
}

import { sourceAnnotation, targetLabel } from '../../rollout/names.ts';
import type { ConfigMapFacts } from '../../rollout/observation.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawReplicaSet, RawTemplate } from '../raw.ts';
import { templateFacts } from './template-facts.ts';
import { ownedBy } from './workload-facts.ts';

/** A ConfigMap without its data, which nobody needs to see once a second. */
export type RawConfigMapMetadata = { readonly metadata?: RawDeployment['metadata'] };

// A server that cannot leave the data out answers with all of it.
const metadataOnly = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';

/** The versions of ConfigMaps that releases of this Deployment have made. */
export async function listVersions(
  client: KubernetesClient,
  namespace: string,
  targetUid: string,
  signal?: AbortSignal,
): Promise<readonly RawConfigMapMetadata[]> {
  const query = { labelSelector: `${targetLabel}=${targetUid}` };
  const { items } = await client.get<{ readonly items: readonly RawConfigMapMetadata[] | null }>(paths.configMaps(namespace), {
    query,
    signal,
    accept: metadataOnly,
  });
  // Of metadata alone an empty list is null (seen on 1.34).
  return items ?? [];
}

/** What the rollout has to know of them, with who refers to them. */
export function configMapFacts(
  versions: readonly RawConfigMapMetadata[],
  stable: RawDeployment | undefined,
  replicaSets: readonly RawReplicaSet[],
): readonly ConfigMapFacts[] {
  const templates = [stable?.spec?.template, ...ownedBy(replicaSets, stable?.metadata?.uid).map((set) => set.spec?.template)];
  const referred = new Set(templates.flatMap(namesIn));
  return versions.map(({ metadata }) => {
    const name = metadata?.name ?? '';
    return {
      name,
      source: sourceOf({ metadata }),
      uid: metadata?.uid ?? '',
      owners: (metadata?.ownerReferences ?? []).map((owner) => owner.uid),
      terminating: metadata?.deletionTimestamp !== undefined,
      referred: referred.has(name),
    };
  });
}

export function sourceOf({ metadata }: RawConfigMapMetadata): string {
  return metadata?.annotations?.[sourceAnnotation] ?? '';
}

function namesIn(template: RawTemplate | undefined): readonly string[] {
  return template === undefined ? [] : templateFacts(template).references.map(({ name }) => name);
}

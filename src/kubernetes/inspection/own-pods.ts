import type { KubernetesClient } from '../client/rest-client.ts';
import { selectorQuery } from '../label-selector.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawList, RawPod, RawReplicaSet } from '../raw.ts';
import { ownedBy } from './workload-facts.ts';

/** The pods of a Deployment: those of its ReplicaSets, whatever else its selector matches. */
export async function readOwnPods(client: KubernetesClient, namespace: string, deployment: RawDeployment): Promise<readonly RawPod[]> {
  const query = { labelSelector: selectorQuery(deployment.spec?.selector ?? {}) };
  const [replicaSets, pods] = await Promise.all([
    client.get<RawList<RawReplicaSet>>(paths.replicaSets(namespace), { query }),
    client.get<RawList<RawPod>>(paths.pods(namespace), { query }),
  ]);
  const own = ownedBy(replicaSets.items, deployment.metadata?.uid);
  return own.flatMap((set) => ownedBy(pods.items, set.metadata?.uid));
}

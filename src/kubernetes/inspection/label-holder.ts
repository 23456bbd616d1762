import { isFault } from '../../errors.ts';
import { namesFor, rolloutLabel, trackLabel } from '../../rollout/names.ts';
import type { FoundHolder } from '../../rollout/situation/situation.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawJob, RawList, RawReplicaSet, RawService } from '../raw.ts';

/**
 * Whose the label on a Deployment is where its own Job does not answer for it. The second Deployment of a pair carries the uid of the first one's
 * Job, and the two are behind one Service, or one flips between them: nobody else has to be asked. Undefined: there is none, or it is our own, or left over.
 */
export async function findHolder(
  client: KubernetesClient,
  namespace: string,
  stable: RawDeployment,
  services: readonly RawService[],
  own: RawJob | undefined,
): Promise<FoundHolder | undefined> {
  const label = stable.metadata?.labels?.[rolloutLabel];
  if (label === undefined || own?.metadata?.uid === label) return undefined;
  const sets = await client.get<RawList<RawReplicaSet>>(paths.replicaSets(namespace));
  const others = new Set(sets.items.filter((set) => sharesService(set, stable, services)).flatMap((set) => ownerOf(set, stable)));
  const holders = await Promise.all([...others].map((deployment) => askJob(client, namespace, deployment, label)));
  return holders.find((holder) => holder?.seen === true) ?? holders.find((holder) => holder !== undefined);
}

function sharesService({ spec }: RawReplicaSet, stable: RawDeployment, services: readonly RawService[]): boolean {
  const labels = [spec?.template?.metadata?.labels ?? {}, stable.spec?.template.metadata?.labels ?? {}];
  // A canary, and a green, are of the same rollout.
  if (labels[0]?.[trackLabel] !== undefined) return false;
  return services.some(({ spec: service }) => {
    const selector = Object.entries(service?.selector ?? {});
    // A Service that flips selects by one label that only one of the two has.
    const missed = labels.map((one) => selector.filter(([key, value]) => one[key] !== value).length);
    return selector.length > 0 && missed.every((count) => count < selector.length) && Math.max(...missed) <= 1 && missed.includes(0);
  });
}

/** The name of the Deployment that a ReplicaSet belongs to, where it is not this one. */
function ownerOf({ metadata }: RawReplicaSet, stable: RawDeployment): readonly string[] {
  const owner = (metadata?.ownerReferences ?? []).find(({ controller, kind }) => controller === true && kind === 'Deployment');
  return owner === undefined || owner.uid === stable.metadata?.uid ? [] : [owner.name];
}

async function askJob(client: KubernetesClient, namespace: string, deployment: string, label: string): Promise<FoundHolder | undefined> {
  try {
    const job = await client.find<RawJob>(paths.job(namespace, namesFor(deployment).job));
    return job?.metadata?.uid === label ? { deployment, seen: true } : undefined;
  } catch (error) {
    if (isFault(error, 'forbidden')) return { deployment, seen: false };
    throw error;
  }
}

import type { FoundRevisions } from '../../rollout/history/revisions.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { selectorQuery } from '../label-selector.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawList, RawReplicaSet } from '../raw.ts';
import { missingDeployment } from './situation.ts';
import { ownedBy } from './workload-facts.ts';

const revisionAnnotation = 'deployment.kubernetes.io/revision';
const changeCauseAnnotation = 'kubernetes.io/change-cause';

/** The Deployment's revisions: the ReplicaSets that it owns, newest first. */
export async function readRevisions(client: KubernetesClient, namespace: string, deployment: string): Promise<FoundRevisions> {
  const stable = await client.find<RawDeployment>(paths.deployment(namespace, deployment));
  if (stable === undefined) throw missingDeployment(namespace, deployment);
  const query = { labelSelector: selectorQuery(stable.spec?.selector ?? {}) };
  const { items } = await client.get<RawList<RawReplicaSet>>(paths.replicaSets(namespace), { query });
  const revisions = ownedBy(items, stable.metadata?.uid)
    .map(({ metadata, spec, status }) => ({
      revision: revisionOf(metadata?.annotations) ?? 0,
      template: plain(spec?.template),
      changeCause: metadata?.annotations?.[changeCauseAnnotation],
      createdAtMs: Date.parse(metadata?.creationTimestamp ?? ''),
      replicas: status?.replicas ?? 0,
    }))
    // Without a number it is one that the controller is only just making.
    .filter(({ revision }) => revision > 0)
    .sort((a, b) => b.revision - a.revision);
  return {
    nowMs: client.serverNowMs(),
    current: revisionOf(stable.metadata?.annotations),
    template: plain(stable.spec?.template),
    revisions,
  };
}

function revisionOf(annotations: Readonly<Record<string, string>> | undefined): number | undefined {
  const revision = Number(annotations?.[revisionAnnotation]);
  return Number.isSafeInteger(revision) && revision > 0 ? revision : undefined;
}

function plain(template: object | undefined): Readonly<Record<string, unknown>> {
  return { ...template };
}

import type { V1Service, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { isFault } from '../../errors.ts';
import { namesFor, rolloutLabel } from '../../rollout/names.ts';
import type { PairFacts } from '../../rollout/plan/pair-plan.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { matchesSelector } from '../label-selector.ts';
import { describeHolder, jobFacts } from '../manifests/job.ts';
import { paths } from '../paths.ts';
import type { Raw, RawDeployment, RawJob, RawList } from '../raw.ts';
import { templateHash } from '../template-hash.ts';
import { whyUnhealthy } from './inspection.ts';
import { workloadFacts } from './workload-facts.ts';

/** Reads what preflight asks about the second Deployment of a pair, and writes nothing. */
export async function inspectPair(
  client: KubernetesClient,
  namespace: string,
  stable: RawDeployment,
  name: string,
): Promise<(releasedContainers: readonly string[]) => PairFacts> {
  const [pair, services, autoscalers, job] = await Promise.all([
    client.find<RawDeployment>(paths.deployment(namespace, name)),
    client.get<RawList<Raw<V1Service>>>(paths.services(namespace)),
    readAutoscalers(client, namespace, [stable.metadata?.name ?? '', name]),
    client.find<RawJob>(paths.job(namespace, namesFor(name).job)),
  ]);
  const isHeld = job !== undefined && jobFacts(job).over === undefined;
  const labels = [stable, pair].map((deployment) => deployment?.spec?.template.metadata?.labels ?? {});
  const common = services.items.filter(({ spec }) => {
    const selector = spec?.selector ?? {};
    return Object.keys(selector).length > 0 && labels.every((one) => matchesSelector({ matchLabels: selector }, one));
  });
  return (releasedContainers) => ({
    name,
    found: pair === undefined ? undefined : foundOf(pair, releasedContainers),
    commonServices: common.map(({ metadata }) => metadata?.name ?? ''),
    overlaps: pair !== undefined && (selects(stable, pair) || selects(pair, stable)),
    autoscalers,
    heldBy: isHeld ? describeHolder(job, client.serverNowMs()) : undefined,
  });
}

function foundOf(pair: RawDeployment, releasedContainers: readonly string[]): NonNullable<PairFacts['found']> {
  const workload = workloadFacts(pair, []);
  return {
    uid: workload.uid,
    replicas: workload.desiredReplicas,
    paused: pair.spec?.paused ?? false,
    unhealthy: whyUnhealthy(workload),
    containers: (pair.spec?.template.spec?.containers ?? []).map((container) => ({ name: container.name, image: container.image ?? '' })),
    templateHash: templateHash(pair.spec?.template ?? {}, releasedContainers),
    rollout: pair.metadata?.labels?.[rolloutLabel],
  };
}

/** Whether the selector of one matches the pods of the other. */
function selects(one: RawDeployment, other: RawDeployment): boolean {
  return one.spec !== undefined && matchesSelector(one.spec.selector, other.spec?.template.metadata?.labels ?? {});
}

async function readAutoscalers(
  client: KubernetesClient,
  namespace: string,
  names: readonly string[],
): Promise<readonly string[] | undefined> {
  try {
    const list = await client.get<RawList<Raw<V2HorizontalPodAutoscaler>>>(paths.horizontalPodAutoscalers(namespace));
    return list.items.flatMap(({ metadata, spec }) => {
      const target = spec?.scaleTargetRef;
      const isOfPair = target?.kind === 'Deployment' && names.includes(target.name);
      return isOfPair ? [`HorizontalPodAutoscaler ${metadata?.name ?? ''} of ${target.name}`] : [];
    });
  } catch (error) {
    if (isFault(error, 'forbidden', 'not-found', 'protocol')) return undefined;
    throw error;
  }
}

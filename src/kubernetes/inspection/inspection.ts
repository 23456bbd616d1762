import type { V1PersistentVolumeClaim, V1PodDisruptionBudget } from '@kubernetes/client-node';
import { isFault, UserError } from '../../errors.ts';
import type { FieldChange } from '../../rollout/configuration/field-change.ts';
import { type Names, namesFor, rolloutLabel, targetLabel, trackLabel } from '../../rollout/names.ts';
import type { WorkloadFacts } from '../../rollout/observation.ts';
import type { DeploymentFacts, Namesake } from '../../rollout/plan/deployment-facts.ts';
import type { Strategy } from '../../rollout/spec.ts';
import type { MetricsEndpoints } from '../../runner/ports.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { matchesSelector } from '../label-selector.ts';
import { describeHolder } from '../manifests/job.ts';
import { paths } from '../paths.ts';
import type { Raw, RawDeployment, RawJob, RawList, RawService, RawTemplate } from '../raw.ts';
import { templateHash } from '../template-hash.ts';
import { readColours } from './colours.ts';
import { readKeptColours } from './kept-colours.ts';
import { findHolder } from './label-holder.ts';
import { metricsEndpointsOf } from './metrics-endpoint.ts';
import { readOwnPods } from './own-pods.ts';
import { readRoom } from './room.ts';
import { detachedLabels, mustSpread } from './surroundings.ts';
import { rollingBounds, workloadFacts } from './workload-facts.ts';

export type Inspection = {
  readonly facts: Omit<DeploymentFacts, 'templateHash'>;
  readonly stable: RawDeployment;
  readonly podNames: readonly string[];
  readonly metricsEndpoints: MetricsEndpoints;
  /** Age of the oldest pod; 0 without any. */
  readonly podAgeMs: number;
};

/** Reads everything that preflight asks about, and writes nothing. */
export async function inspect(
  client: KubernetesClient,
  namespace: string,
  deployment: string,
  strategy: Strategy,
  second?: string,
): Promise<Inspection> {
  const stable = await client.find<RawDeployment>(paths.deployment(namespace, deployment));
  if (stable === undefined) {
    throw new UserError(
      'deployment-missing',
      `There is no Deployment ${deployment} in namespace ${namespace}`,
      'Check the inputs deployment and namespace, and the context of the kubeconfig. This action releases to a Deployment that exists; it does not create one',
    );
  }
  const names = namesFor(deployment);
  const template = stable.spec?.template ?? {};
  const labels = template.metadata?.labels ?? {};
  const [job, canary, services, budgets, exclusiveVolumes, version, pods, room] = await Promise.all([
    client.find<RawJob>(paths.job(namespace, names.job)),
    client.find<RawDeployment>(paths.deployment(namespace, names.canary)),
    client.get<RawList<RawService>>(paths.services(namespace)),
    readBudgets(client, namespace, labels),
    readExclusiveVolumes(client, namespace, template),
    client.get<{ readonly major?: string; readonly minor?: string }>('/version').catch(() => undefined),
    readOwnPods(client, namespace, stable),
    readRoom(client, namespace, template),
  ]);
  const selecting = services.items.filter(({ spec }) => {
    const selector = spec?.selector;
    return selector !== undefined && Object.keys(selector).length > 0 && matchesSelector({ matchLabels: selector }, labels);
  });
  const flips = strategy === 'blue-green';
  const ownColours = flips && second === undefined ? await readColours(client, namespace, stable, services.items, pods) : undefined;
  const colours =
    flips && second !== undefined ? await readKeptColours(client, namespace, stable, second, services.items, pods) : ownColours;
  const ofBlueGreen = flips ? await readNamesakes(client, namespace, names, second === undefined) : [];
  const workload = workloadFacts(stable, []);
  const holder = await findHolder(client, namespace, stable, services.items, job);
  const bounds = rollingBounds(stable);
  const facts: Inspection['facts'] = {
    namespace,
    name: deployment,
    uid: workload.uid,
    names,
    replicas: workload.desiredReplicas,
    ...bounds,
    paused: stable.spec?.paused ?? false,
    strategyType: stable.spec?.strategy?.type ?? 'RollingUpdate',
    unhealthy: whyUnhealthy(workload),
    containers: [
      ...(template.spec?.containers ?? []).map(({ name, image }) => ({ name, image: image ?? '' })),
      ...(template.spec?.initContainers ?? []).map(({ name, image }) => ({ name, image: image ?? '', init: true as const })),
    ],
    carriesTrackLabel: labels[trackLabel] !== undefined,
    rollout: workload.rollout,
    ...(holder?.seen === true ? { secondOf: holder.deployment } : {}),
    hostPorts: hostPortsOf(template),
    exclusiveVolumes,
    repelsItself: repelsItself(template),
    sleepBeforeStop: knowsSleep(version),
    services: selecting.map(({ metadata }) => metadata?.name ?? ''),
    budgets,
    detachedLabels: detachedLabels(services.items, labels),
    room,
    mustSpread: mustSpread(template),
    namesakes: [...namesakesOf(workload.uid, names.job, job, canary, client.serverNowMs()), ...ofBlueGreen],
    ...(colours === undefined ? {} : { blueGreen: colours }),
  };
  const born = pods.map((pod) => Date.parse(pod.metadata?.creationTimestamp ?? ''));
  return {
    facts,
    stable,
    podNames: pods.map((pod) => pod.metadata?.name ?? ''),
    metricsEndpoints: metricsEndpointsOf(pods),
    podAgeMs: born.length === 0 ? 0 : client.serverNowMs() - Math.min(...born),
  };
}

/** The facts with the digest of everything in the template but the images of these containers and these fields. */
export function withTemplateHash(
  inspection: Inspection,
  releasedContainers: readonly string[],
  configuration: readonly FieldChange[] = [],
): DeploymentFacts {
  return { ...inspection.facts, templateHash: templateHash(inspection.stable.spec?.template ?? {}, releasedContainers, configuration) };
}

/** Why a Deployment is not fully rolled out and available, in one sentence; undefined when it is. */
export function whyUnhealthy(workload: WorkloadFacts): string | undefined {
  const { desiredReplicas, updatedReplicas, availableReplicas, replicas } = workload;
  if (workload.terminating) return 'it is being deleted';
  if (!workload.settled) return 'its controller has not seen its newest spec yet';
  if (workload.progressDeadlineExceeded) return 'its last rollout missed its progress deadline';
  if (updatedReplicas < desiredReplicas || replicas > desiredReplicas)
    return `a rollout is under way: ${updatedReplicas} of ${desiredReplicas} pods updated`;
  if (availableReplicas < desiredReplicas) return `${availableReplicas} of ${desiredReplicas} pods are available`;
  return undefined;
}

function hostPortsOf(template: RawTemplate): readonly number[] {
  if (template.spec?.hostNetwork === true) {
    return (template.spec.containers ?? []).flatMap(({ ports = [] }) => ports.map((port) => port.containerPort));
  }
  return (template.spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap((port) => (port.hostPort === undefined ? [] : [port.hostPort])),
  );
}

/** A required term that matches the pods' own labels keeps a canary pod off every node that has a stable one, or takes its place. */
function repelsItself(template: RawTemplate): boolean {
  const terms = template.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const labels = template.metadata?.labels ?? {};
  return terms.some((term) => term.labelSelector !== undefined && matchesSelector(term.labelSelector, labels));
}

/** `lifecycle.preStop.sleep` is on by default from Kubernetes 1.30 (KEP-3960). */
function knowsSleep(version: { readonly major?: string; readonly minor?: string } | undefined): boolean {
  const minor = Number.parseInt(version?.minor ?? '', 10);
  return version?.major === '1' && minor >= 30;
}

async function readBudgets(
  client: KubernetesClient,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<readonly string[] | undefined> {
  try {
    const list = await client.get<RawList<Raw<V1PodDisruptionBudget>>>(paths.podDisruptionBudgets(namespace));
    return list.items
      .filter(({ spec }) => spec?.selector !== undefined && matchesSelector(spec.selector, labels))
      .map(({ metadata }) => metadata?.name ?? '');
  } catch (error) {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  }
}

async function readExclusiveVolumes(client: KubernetesClient, namespace: string, template: RawTemplate): Promise<readonly string[]> {
  const claims = (template.spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
  const reasons = await Promise.all(
    claims.map(async (claim): Promise<string | undefined> => {
      try {
        const found = await client.find<Raw<V1PersistentVolumeClaim>>(paths.persistentVolumeClaim(namespace, claim));
        const modes = found?.spec?.accessModes ?? [];
        const shared = modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
        return shared ? undefined : `claim ${claim} (${modes.join(', ') || 'unknown access mode'})`;
      } catch (error) {
        if (!isFault(error, 'forbidden')) throw error;
        return `claim ${claim} (its access mode cannot be read: allow get on persistentvolumeclaims)`;
      }
    }),
  );
  return reasons.filter((reason) => reason !== undefined);
}

/** A canary of ours carries our labels, and is owned by our Job alone, or by nobody any more. */
export function isOurCanary(canary: RawDeployment, jobName: string): boolean {
  const owners = canary.metadata?.ownerReferences ?? [];
  const labelled = canary.metadata?.labels?.[rolloutLabel] !== undefined && canary.metadata.labels[trackLabel] !== undefined;
  return labelled && owners.every((owner) => owner.kind === 'Job' && owner.name === jobName);
}

/** Objects that bear the names which only blue-green needs. */
async function readNamesakes(client: KubernetesClient, namespace: string, names: Names, ownGreen: boolean): Promise<readonly Namesake[]> {
  const [green, preview] = await Promise.all([
    ownGreen ? client.find<RawDeployment>(paths.deployment(namespace, names.green)) : undefined,
    client.find<RawService>(paths.service(namespace, names.preview)),
  ]);
  const found = [
    { kind: 'Deployment' as const, object: green },
    { kind: 'Service' as const, object: preview },
  ];
  return found.flatMap(({ kind, object }) => {
    if (object === undefined) return [];
    const { name = '', uid = '', labels, deletionTimestamp, ownerReferences = [] } = object.metadata ?? {};
    const labelled = labels?.[rolloutLabel] !== undefined && labels[targetLabel] !== undefined;
    const ours = labelled && ownerReferences.every((owner) => owner.kind === 'Job' && owner.name === names.job);
    return [{ kind, name, uid, ours, terminating: deletionTimestamp !== undefined, heldBy: undefined }];
  });
}

/** An object is ours by our label and by its owner; without them it is somebody else's, whatever its name. */
function namesakesOf(
  stableUid: string,
  jobName: string,
  job: RawJob | undefined,
  canary: RawDeployment | undefined,
  nowMs: number,
): readonly Namesake[] {
  const namesakes: Namesake[] = [];
  if (job !== undefined) {
    const ours = job.metadata?.labels?.[targetLabel] === stableUid;
    namesakes.push({
      kind: 'Job',
      name: job.metadata?.name ?? '',
      uid: job.metadata?.uid ?? '',
      ours,
      terminating: job.metadata?.deletionTimestamp !== undefined,
      heldBy: ours ? describeHolder(job, nowMs) : undefined,
    });
  }
  if (canary !== undefined) {
    namesakes.push({
      kind: 'Deployment',
      name: canary.metadata?.name ?? '',
      uid: canary.metadata?.uid ?? '',
      ours: isOurCanary(canary, jobName),
      terminating: canary.metadata?.deletionTimestamp !== undefined,
      heldBy: undefined,
    });
  }
  return namesakes;
}

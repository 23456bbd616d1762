import type { Change, Sandbox } from '../../sandbox/sandbox.ts';
import { deploymentName, imagesOf, namespace } from './scene.ts';

const ours = 'gated-rollout.github.io/';

const written: readonly string[] = ['deployment.kubernetes.io/revision', 'kubernetes.io/change-cause'];
/** What a release of configuration may change. */
const configured: readonly string[] = ['env', 'configMap', 'configMapRef'];

type Deployment = NonNullable<ReturnType<typeof readDeployment>>;

function readDeployment(sandbox: Sandbox) {
  return sandbox.get('deployments', namespace, deploymentName);
}

/** Watches the user's objects from the cluster's side, at every change: what was broken, once each. */
export function watchInvariants(
  sandbox: Sandbox,
  configures = false,
): { readonly broken: () => readonly string[]; readonly stop: () => void } {
  const broken = new Set<string>();
  const first = readDeployment(sandbox);
  const before = first === undefined ? '' : withoutOurs(first, configures);
  let endpointsSeen = readyEndpoints(sandbox) > 0;
  const check = ({ resource, type, object }: Change): void => {
    if (resource === 'endpointslices') {
      const ready = readyEndpoints(sandbox);
      endpointsSeen = endpointsSeen || ready > 0;
      if (endpointsSeen && ready === 0) broken.add('I8: the Service has no ready endpoint');
      return;
    }
    if (resource !== 'deployments' || type === 'DELETED' || object.metadata.name !== deploymentName) return;
    const now = object as Deployment;
    const rest = withoutOurs(now, configures);
    if (rest !== before) broken.add(`I2: another field was changed: ${difference(before, rest)}`);
    const least = now.spec.replicas - Math.floor(now.spec.replicas / 4);
    const available = now.status?.availableReplicas ?? 0;
    if (available < least) broken.add(`I1: ${available} of ${now.spec.replicas} pods available`);
  };
  const stop = sandbox.watch(check);
  return { broken: () => [...broken], stop };
}

/** The Deployment without what we may write, and without what its controller writes. */
function withoutOurs(deployment: Deployment, configures: boolean): string {
  const { labels, annotations, name, namespace: where, uid, ownerReferences, finalizers } = deployment.metadata;
  const kept = (map: Readonly<Record<string, string>> | undefined) =>
    Object.entries(map ?? {}).filter(([key]) => !key.startsWith(ours) && !written.includes(key));
  const spec = JSON.stringify(deployment.spec, (key, value: unknown) => {
    if (configures && configured.includes(key)) return undefined;
    return key === 'image' ? '' : value;
  });
  return JSON.stringify([name, where, uid, ownerReferences, finalizers, kept(labels), kept(annotations)]) + spec;
}

function difference(before: string, after: string): string {
  let at = 0;
  while (at < before.length && before[at] === after[at]) at += 1;
  return `${before.slice(at - 40, at + 40)} → ${after.slice(at - 40, at + 40)}`;
}

export function readyEndpoints(sandbox: Sandbox): number {
  const slices = sandbox
    .list('endpointslices', namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === deploymentName);
  return slices.flatMap((slice) => slice.endpoints).filter((endpoint) => endpoint.conditions.ready).length;
}

/** What of ours is in the cluster. */
export function leftovers(sandbox: Sandbox): readonly string[] {
  const deployments = sandbox.list('deployments', namespace);
  const isOurs = ({ metadata }: Deployment): boolean => metadata.labels?.[`${ours}target`] !== undefined;
  const users = deployments.filter((deployment) => !isOurs(deployment));
  return [
    ...sandbox.list('jobs', namespace).map((job) => `Job ${job.metadata.name}`),
    ...deployments.filter(isOurs).map(({ metadata }) => `Deployment ${metadata.name}`),
    ...sandbox
      .list('pods', namespace)
      .filter(({ metadata }) => metadata.labels?.[`${ours}track`] !== undefined && metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => `Pod ${metadata.name}`),
    ...sandbox
      .list('configmaps', namespace)
      .filter(({ metadata }) => metadata.labels?.[`${ours}target`] !== undefined)
      .map(({ metadata }) => `ConfigMap ${metadata.name}`),
    ...sandbox
      .list('services', namespace)
      .filter(({ metadata }) => metadata.name.endsWith('-preview'))
      .map(({ metadata }) => `Service ${metadata.name}`),
    ...sandbox.list('services', namespace).flatMap(({ metadata }) => [
      ...Object.keys(metadata.annotations ?? {})
        .filter((key) => key.startsWith(ours))
        .map((key) => `annotation ${key} on Service ${metadata.name}`),
      ...(metadata.managedFields ?? [])
        .filter((entry) => entry.manager === 'gated-rollout')
        .map(() => `our entry on Service ${metadata.name}`),
    ]),
    ...users
      .flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}).filter((key) => key.startsWith(ours)))
      .map((key) => `label ${key}`),
    ...users
      .flatMap(({ metadata }) => (metadata.managedFields ?? []).filter((entry) => entry.manager === 'gated-rollout'))
      .map(() => 'our entry in managedFields'),
  ];
}

/** All containers old, all new, or a mixture. */
export function imagesStand(sandbox: Sandbox, old: readonly string[], fresh: readonly string[]): 'old' | 'new' | 'mixed' {
  const images = imagesOf(sandbox).join();
  return images === old.join() ? 'old' : images === fresh.join() ? 'new' : 'mixed';
}

/** What of ours is on, or beside, Deployments and Services that are all the user's. */
export function marksLeft(sandbox: Sandbox, where: string): readonly string[] {
  const marked = [...sandbox.list('deployments', where), ...sandbox.list('services', where)];
  return [
    ...sandbox.list('jobs', where).map(({ metadata }) => `Job ${metadata.name}`),
    ...sandbox.list('services', where).flatMap(({ metadata }) => (metadata.name.endsWith('-preview') ? [metadata.name] : [])),
    ...marked.flatMap(({ metadata }) => [
      ...Object.keys({ ...metadata.labels, ...metadata.annotations })
        .filter((key) => key.startsWith('gated-rollout'))
        .map((key) => `${key} on ${metadata.name}`),
      ...(metadata.managedFields ?? []).filter(({ manager }) => manager === 'gated-rollout').map(() => `our entry on ${metadata.name}`),
    ]),
  ];
}

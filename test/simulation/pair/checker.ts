import type { Sandbox } from '../../../sandbox/sandbox.ts';
import type { Story } from './play.ts';

const namespace = 'shop';

/** Watches the pair at every change, from the cluster's side; knows nothing of how a release is done. */
export function watchPair(sandbox: Sandbox, { replicas, newReplicas, maxSurge, maxUnavailable }: Story) {
  const broken = new Set<string>();
  let least = replicas + newReplicas - maxUnavailable;
  const most = replicas + newReplicas + Math.max(replicas + newReplicas, maxSurge);
  let pardoned = false;
  const before = new Map(sandbox.list('deployments', namespace).map((one) => [one.metadata.name, withoutOurs(one)]));
  sandbox.watch(({ resource, type, object }) => {
    if (pardoned) return;
    if (resource === 'endpointslices') {
      const ready = readyEndpoints(sandbox);
      if (ready < Math.max(1, least)) broken.add(`I1: ${ready} ready endpoints, ${least} must be`);
    }
    if (resource === 'deployments') {
      const { name } = object.metadata;
      if (type !== 'DELETED' && withoutOurs(object) !== before.get(name)) broken.add(`I2: another field of ${name} was changed`);
      const asked = sandbox.list('deployments', namespace).reduce((sum, one) => sum + one.spec.replicas, 0);
      if (asked > most) broken.add(`${asked} pods were asked for, ${most} at most`);
    }
  });
  return {
    broken: (): readonly string[] => {
      const { failed } = sandbox.traffic.clientStats();
      return failed === 0 ? [...broken] : [...broken, `${failed} requests failed`];
    },
    /** Somebody else acts from here on: what they break is not ours. */
    pardon: () => {
      pardoned = true;
    },
    /** Another release begins, from what stands now. */
    retarget: () => {
      const total = sandbox.list('deployments', namespace).reduce((sum, one) => sum + one.spec.replicas, 0);
      least = Math.min(least, total - maxUnavailable);
    },
  };
}

export function readyEndpoints(sandbox: Sandbox): number {
  const slices = sandbox
    .list('endpointslices', namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === 'web');
  return slices.flatMap((slice) => slice.endpoints).filter((endpoint) => endpoint.conditions.ready).length;
}

/** A Deployment without its images, its replicas, our label, and what its controller writes. */
function withoutOurs(found: unknown): string {
  const { metadata, spec } = found as {
    readonly metadata: {
      readonly name: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly spec: object;
  };
  const kept = (map: Readonly<Record<string, string>> | undefined) =>
    Object.entries(map ?? {}).filter(([key]) => !key.startsWith('gated-rollout.github.io/') && key !== 'deployment.kubernetes.io/revision');
  const rest = JSON.stringify(spec, (key, value: unknown) => (key === 'image' || key === 'replicas' ? '' : value));
  return JSON.stringify([metadata.name, kept(metadata.labels), kept(metadata.annotations)]) + rest;
}

import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { readyEndpoints } from '../pair/checker.ts';
import { blueName, greenName, namespace, serviceNames } from './scene.ts';

const atFullSize = 4;

/** Watches both Deployments and the Services at every change, from the cluster's side; knows nothing of how a release is done. */
export function watchKept(sandbox: Sandbox) {
  const broken = new Set<string>();
  let pardoned = false;
  const names = [blueName, greenName];
  const before = new Map(names.map((name) => [name, withoutOurs(sandbox.get('deployments', namespace, name))]));
  const colourOf = (one: unknown): string | undefined =>
    (one as { spec?: { selector?: Record<string, string> } } | undefined)?.spec?.selector?.['colour'];
  sandbox.watch(({ resource, type, object, previous }) => {
    const { name } = object.metadata;
    if (resource === 'deployments' && type === 'DELETED' && !pardoned) broken.add(`${name} was deleted`);
    if (pardoned) return;
    if (resource === 'endpointslices') {
      const ready = readyEndpoints(sandbox);
      if (ready < atFullSize) broken.add(`I1: ${ready} ready endpoints, ${atFullSize} must be`);
    }
    if (resource === 'deployments' && type !== 'DELETED' && withoutOurs(object) !== before.get(name))
      broken.add(`I2: another field of ${name} was changed`);
    if (resource !== 'services' || type !== 'MODIFIED' || !serviceNames.some((one) => one === name)) return;
    const [was, is] = [colourOf(previous), colourOf(object)];
    if (was === is) return;
    const fenced = (previous as typeof object | undefined)?.metadata.annotations?.['gated-rollout.github.io/rollout'];
    if (fenced === undefined) broken.add(`I4: Service ${name} was flipped without a fence`);
    const served = sandbox.get('deployments', namespace, is === 'green' ? greenName : blueName);
    const available = served?.status?.availableReplicas ?? 0;
    if (available < atFullSize) broken.add(`order: Service ${name} was led to ${available} pods`);
    const job = sandbox.get('jobs', namespace, `${blueName}-rollout`);
    const leftMs = Date.parse(job?.status?.startTime ?? '') + (job?.spec.activeDeadlineSeconds ?? 0) * 1000 - sandbox.now();
    if (is === 'green' && !(leftMs > 3_000_000)) broken.add(`record: the Job outlives the flip by ${leftMs} ms only`);
  });
  return {
    broken: (): readonly string[] => {
      const { failed } = sandbox.traffic.clientStats();
      return pardoned || failed === 0 ? [...broken] : [...broken, `${failed} requests failed`];
    },
    /** Somebody else acts from here on: what they break is not ours. */
    pardon: () => {
      pardoned = true;
    },
  };
}

/** A Deployment without its images, its replicas, our label, and what its controller writes. */
function withoutOurs(found: unknown): string {
  const { metadata, spec } = found as {
    readonly metadata: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
    readonly spec: object;
  };
  const kept = (map: Readonly<Record<string, string>> | undefined) =>
    Object.entries(map ?? {}).filter(([key]) => !key.startsWith('gated-rollout.github.io/') && key !== 'deployment.kubernetes.io/revision');
  const rest = JSON.stringify(spec, (key, value: unknown) => (key === 'image' || key === 'replicas' ? '' : value));
  return JSON.stringify([kept(metadata.labels), kept(metadata.annotations)]) + rest;
}

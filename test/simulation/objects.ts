import type { RawDeployment, RawJob, RawPod, RawReplicaSet, RawTemplate } from '../../src/kubernetes/raw.ts';
import { rolloutLabel } from '../../src/rollout/names.ts';
import type { Scenario } from './scenario.ts';

export const namespace = 'shop';
export const deployment = 'web';
export const jobName = 'web-rollout';
export const canaryName = 'web-canary';

/** The three objects that a rollout is about. */
export type Kind = 'stable' | 'canary' | 'job';
export type Objects = { readonly stable: RawDeployment; readonly canary: RawDeployment; readonly job: RawJob };

export type Pod = {
  readonly uid: string;
  readonly name: string;
  readonly arm: 'stable' | 'canary';
  /** The uid of its ReplicaSet. */
  readonly set: string;
  readonly tag: string;
  readonly createdAtMs: number;
  readonly imageId: string;
  /** Its labels are not those that the Service selects. */
  readonly detached: boolean;
  ready: boolean;
  everReady: boolean;
  readySinceMs: number;
  restarts: number;
  waiting: string;
  dead: boolean;
  pullFailures: number;
  unschedulable: boolean;
  terminating: boolean;
  /** Counters of the requests that it has answered, and what Prometheus has of them. */
  requests: number;
  errors: number;
  scraped: { readonly errors: number; readonly requests: number } | undefined;
  raw: RawPod | undefined;
};

const labels = { app: 'web' };

export function images(scenario: Pick<Scenario, 'twoContainers'>, tag: string): Readonly<Record<string, string>> {
  return scenario.twoContainers ? { app: `app:${tag}`, helper: `helper:${tag}` } : { app: `app:${tag}` };
}

export function initialStable(scenario: Scenario): RawDeployment {
  const containers = Object.entries(images(scenario, 'v1')).map(([name, image]) => ({
    name,
    image,
    env: [
      { name: 'MODE', value: 'a' },
      { name: 'LEVEL', value: 'v1' },
    ],
  }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: deployment,
      namespace,
      uid: 'web-uid',
      generation: 1,
      resourceVersion: '1',
      labels: { ...labels },
      annotations: { owner: 'team-a' },
      managedFields: [{ manager: 'kubectl', operation: 'Apply' }],
    },
    spec: {
      replicas: scenario.replicas,
      selector: { matchLabels: { ...labels } },
      progressDeadlineSeconds: scenario.progressDeadlineSeconds,
      strategy:
        scenario.recreates === true
          ? { type: 'Recreate' }
          : { type: 'RollingUpdate', rollingUpdate: { maxSurge: scenario.maxSurge, maxUnavailable: scenario.maxUnavailable } },
      template: { metadata: { labels: { ...labels } }, spec: { containers: [...containers, { name: 'proxy', image: 'proxy:1' }] } },
    },
    status: { observedGeneration: 0 },
  };
}

/** What a release changes: the image of each container, and its variable LEVEL as `app LEVEL`. */
export function imagesOf(object: RawDeployment | undefined): Readonly<Record<string, string>> {
  const containers = object?.spec?.template.spec?.containers ?? [];
  return Object.fromEntries(
    containers.flatMap(({ name, image, env }) => [
      [name, image ?? ''],
      ...(env ?? []).filter((variable) => variable.name === 'LEVEL').map(({ value }) => [`${name} LEVEL`, value ?? '']),
    ]),
  );
}

export function tagOf(template: RawTemplate): string {
  return template.spec?.containers[0]?.image?.split(':')[1] ?? '';
}

/** The note of the change. */
export function causeOf(object: RawDeployment | undefined): string | undefined {
  return object?.metadata?.annotations?.['kubernetes.io/change-cause'];
}

/** Everything in a template but the images and LEVEL. */
export function withoutImages(template: RawTemplate | undefined): string {
  const spec = template?.spec;
  const containers = spec?.containers.map((one) => ({ ...one, image: '', env: (one.env ?? []).filter(({ name }) => name !== 'LEVEL') }));
  return JSON.stringify({ ...template, spec: { ...spec, containers } });
}

export function fenceOf(object: RawDeployment | undefined): string | undefined {
  return object?.metadata?.labels?.[rolloutLabel];
}

export function uidOf(object: RawDeployment | RawJob | undefined): string {
  return object?.metadata?.uid ?? '';
}

export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** What the Service selects. */
export const service = { metadata: { name: 'web' }, spec: { selector: { ...labels } } };

export function isSelected(template: RawTemplate): boolean {
  return template.metadata?.labels?.['app'] === labels.app;
}

export function rawReplicaSet(owner: string, uid: string, revision: number, template: RawTemplate): RawReplicaSet {
  return {
    metadata: {
      name: uid,
      uid,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: '', uid: owner, controller: true }],
      annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    },
    spec: { selector: {}, template },
  };
}

/** Rebuilt only after a change: most turns look at pods that nothing happened to. */
export function rawPod(pod: Pod): RawPod {
  pod.raw ??= {
    metadata: {
      name: pod.name,
      uid: pod.uid,
      creationTimestamp: timestamp(pod.createdAtMs),
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: pod.set, uid: pod.set, controller: true }],
      ...(pod.terminating ? { deletionTimestamp: timestamp(pod.createdAtMs) } : {}),
    },
    status: {
      conditions: [
        { type: 'PodScheduled', status: pod.unschedulable ? 'False' : 'True', ...(pod.unschedulable ? { reason: 'Unschedulable' } : {}) },
        { type: 'Ready', status: pod.ready ? 'True' : 'False' },
      ],
      containerStatuses: pod.unschedulable
        ? []
        : [
            {
              name: 'app',
              image: `app:${pod.tag}`,
              imageID: isPulled(pod) ? pod.imageId : '',
              ready: pod.ready,
              restartCount: pod.restarts,
              state: pod.waiting === '' ? { running: {} } : { waiting: { reason: pod.waiting, message: 'simulated' } },
              ...(pod.restarts > 0 || pod.dead ? { lastState: { terminated: { exitCode: 1, reason: 'Error' } } } : {}),
            },
          ],
    },
  };
  return pod.raw;
}

function isPulled(pod: Pod): boolean {
  return !['ErrImagePull', 'ImagePullBackOff', 'ContainerCreating'].includes(pod.waiting);
}

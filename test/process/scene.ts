import type { ImageBehaviour, Sandbox } from '../../sandbox/sandbox.ts';

/** What runs before anybody releases anything, and what the registry has. */
export const namespace = 'shop';
export const deploymentName = 'web';
export const token = 'sandbox-t0ken-that-nobody-may-read';

const fast = { startMs: 200, readyMs: 100 } as const;

export const registry: Readonly<Record<string, ImageBehaviour>> = {
  'shop/web:v1': { ...fast, version: 'v1' },
  'shop/web:v2': { ...fast, version: 'v2' },
  'shop/web:errors': { ...fast, version: 'errors', errorRate: 0.4 },
  'shop/web:crash': { ...fast, version: 'crash', crashAtStart: true, exitCode: 3, lastWords: ['cannot open the database'] },
  'shop/web:never-ready': { ...fast, version: 'never-ready', neverReady: true },
  'shop/proxy:v1': { ...fast, version: 'proxy' },
  [`shop/web@sha256:${'d'.repeat(64)}`]: { ...fast, version: 'digest' },
};

export type Manifest = { readonly [key: string]: unknown };

export type SceneOptions = {
  /** Of the Deployment and its Service, and the label of its pods. */
  readonly name?: string;
  readonly replicas?: number;
  /** Fields of the Deployment's spec. */
  readonly spec?: Manifest;
  /** Fields of the pod's spec. */
  readonly pod?: Manifest;
  readonly image?: string;
  readonly sidecar?: boolean;
};

/** The user's Deployment: four replicas behind a Service. */
export function deploymentManifest(options: SceneOptions = {}): Manifest {
  const probe = { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 };
  const app = { name: 'app', image: options.image ?? 'shop/web:v1', ports: [{ containerPort: 8080 }], readinessProbe: probe };
  const name = options.name ?? deploymentName;
  const containers = options.sidecar === true ? [app, { name: 'proxy', image: 'shop/proxy:v1' }] : [app];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: options.replicas ?? 4,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers, ...options.pod } },
      ...options.spec,
    },
  };
}

export function serviceManifest(name = deploymentName, selector: Manifest = { app: name }): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector, ports: [{ port: 80, targetPort: 8080 }] },
  };
}

/** Selector and template of one half of a pair behind the Service of this name. */
export function pairSpec(set: string, name = deploymentName): Manifest {
  const { template } = deploymentManifest({ name })['spec'] as { readonly template: Manifest };
  const labels = { app: name, set };
  return { selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } };
}

/** The second half of a pair, without replicas. */
export function secondManifest(name = deploymentName, metadata: Manifest = {}): Manifest {
  const manifest = deploymentManifest({ name, replicas: 0, spec: pairSpec('b', name) });
  return { ...manifest, metadata: { name: `${name}-v2`, namespace, ...metadata } };
}

/** The images that the user's own Deployment asks for: the cluster's truth, not the action's word. */
export function imagesOf(sandbox: Sandbox): readonly string[] {
  const found = sandbox.get('deployments', namespace, deploymentName);
  return (found?.spec.template.spec.containers ?? []).map((container) => container.image);
}

/** How many pods of a Deployment are available, and whether they are all of the newest template. */
export function isComplete(sandbox: Sandbox, name: string): boolean {
  const found = sandbox.get('deployments', namespace, name);
  if (found?.status === undefined) return false;
  const { status, spec, metadata } = found;
  return (
    status.observedGeneration === metadata.generation &&
    [status.replicas, status.updatedReplicas, status.availableReplicas].every((count) => (count ?? 0) === spec.replicas)
  );
}

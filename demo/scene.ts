import { createSandbox, type Sandbox } from '../sandbox/sandbox.ts';

/** What runs before anybody releases anything, and what the registry has. */
export const namespace = 'shop';
export const deployment = 'web';
export const goodTag = 'v2';
export const badTag = 'v3';
export const ratePerSecond = 800;

const settleMs = 10_000;
const pod = { startMs: 200, readyMs: 100 };

/** A shop with four replicas that has served its clients for a while. */
export function createShop(): Sandbox {
  const sandbox = createSandbox({
    seed: 7,
    startMs: Date.now() - settleMs,
    images: {
      'shop/web:v1': { ...pod, version: 'v1', errorRate: 0.001 },
      'shop/web:v2': { ...pod, version: 'v2', errorRate: 0.001 },
      'shop/web:v3': { ...pod, version: 'v3', errorRate: 0.3 },
    },
    prometheus: { scrapeIntervalMs: 1_000 },
  });
  sandbox.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: deployment, namespace },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'app',
              image: 'shop/web:v1',
              ports: [{ containerPort: 8080 }],
              readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  });
  sandbox.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: deployment, namespace },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  sandbox.traffic.start({ namespace, service: deployment, ratePerSecond });
  sandbox.advance(settleMs);
  return sandbox;
}

/** The image that the user's own Deployment asks for, and whether it is complete: the sandbox's truth, not the action's word. */
export function deployedImage(sandbox: Sandbox): { readonly image: string; readonly complete: boolean } {
  const found = sandbox.get('deployments', namespace, deployment);
  const replicas = found?.spec.replicas ?? 0;
  const { status } = found ?? {};
  const complete =
    status !== undefined && status.updatedReplicas === replicas && status.availableReplicas === replicas && status.replicas === replicas;
  return { image: found?.spec.template.spec.containers[0]?.image ?? 'none', complete };
}

import { createSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import type { Colour } from './styled.ts';

/** What runs before anybody releases anything, and what the registry has. */
export const namespace = 'shop';
export const deployment = 'web';
export const goodTag = 'v2';
export const badTag = 'v3';
export const startTag = 'v1';
export const ratePerSecond = 1_600;

// As long as the action looks back for the traffic that it can expect.
const settleMs = 65_000;
const pod = { startMs: 200, readyMs: 100 };
const healthyErrorRate = 0.0002;
const colours: Readonly<Record<string, Colour>> = { [startTag]: 'cyan', [goodTag]: 'green', [badTag]: 'magenta' };

/** A shop with four replicas that has served its clients for a while. */
export function createShop(): Sandbox {
  const sandbox = createSandbox({
    seed: 7,
    startMs: Date.now() - settleMs,
    images: {
      'shop/web:v1': { ...pod, version: 'v1', errorRate: healthyErrorRate },
      'shop/web:v2': { ...pod, version: 'v2', errorRate: healthyErrorRate },
      'shop/web:v3': { ...pod, version: 'v3', errorRate: 0.3 },
    },
    prometheus: { scrapeIntervalMs: 500 },
  });
  sandbox.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: deployment, namespace },
    spec: {
      replicas: 4,
      strategy: { rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } },
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

/** What a workflow would say under `with:`. Short times, or nobody would watch; nothing that a user could not write. */
export function inputsFor(tag: string, server: { readonly url: string; readonly prometheusUrl: string }): Readonly<Record<string, string>> {
  return {
    deployment,
    tag,
    kubeconfig: kubeconfigFor(server.url),
    prometheus: server.prometheusUrl,
    steps: '20% for 2s, 50%',
    'min-duration': '3s',
    'dead-man': '15s',
  };
}

export function versionOf(image: string): string {
  return image.slice(image.lastIndexOf(':') + 1);
}

export function colourOf(version: string): Colour {
  return colours[version] ?? 'yellow';
}

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server } }],
    users: [{ name: 'demo', user: {} }],
    contexts: [{ name: 'demo', context: { cluster: 'sandbox', user: 'demo', namespace } }],
    'current-context': 'demo',
  });
}

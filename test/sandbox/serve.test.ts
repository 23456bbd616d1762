import { AppsV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterEach, describe, expect, it } from 'vitest';
import { type RequestFault, type ServedSandbox, serve } from '../../sandbox/serve.ts';
import { DEPLOYMENTS, deployment, sandboxWith } from './scene.ts';

let served: ServedSandbox | undefined;
afterEach(async () => served?.close());

describe('over HTTP', () => {
  it("serves the Kubernetes client library from the kubeconfig alone, in the clock's own time", async () => {
    const sandbox = sandboxWith();
    sandbox.apply(deployment('web'));
    served = await serve(sandbox, { speed: 100, namespace: 'shop' });
    const config = new KubeConfig();
    config.loadFromString(served.kubeconfig);
    const api = config.makeApiClient(AppsV1Api);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const found = await api.readNamespacedDeployment({ name: 'web', namespace: 'shop' });
    expect(found.status?.readyReplicas).toBe(2);
    const response = await fetch(`${served.prometheusUrl}/api/v1/query?query=count(up)`);
    expect(await response.json()).toMatchObject({ status: 'success' });
  });

  it.each<readonly [RequestFault, boolean]>([
    ['drop-before', false],
    ['drop-after', true],
  ])('a request that is dropped: %s', async (fault, isApplied) => {
    const sandbox = sandboxWith();
    served = await serve(sandbox, { speed: 0, fault: (n) => (n === 2 ? fault : 'none') });
    const url = `${served.url}${DEPLOYMENTS}`;
    expect((await fetch(url)).status).toBe(200);
    await expect(fetch(url, { method: 'POST', body: JSON.stringify(deployment('web')) })).rejects.toThrow();
    expect(sandbox.list('deployments')).toHaveLength(isApplied ? 1 : 0);
    expect(served.requests()).toHaveLength(2);
  });
});

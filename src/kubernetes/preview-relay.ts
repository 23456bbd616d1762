import type { Plan } from '../rollout/plan/plan.ts';
import type { PreviewRelay } from '../runner/ports.ts';
import type { KubernetesClient } from './client/rest-client.ts';
import { paths } from './paths.ts';

/** Requests to the preview Service, through the API server: a runner outside of the cluster has no other way to it. */
export function createPreviewRelay(client: KubernetesClient, plan: Plan): PreviewRelay {
  const [port] = plan.blueGreen?.preview.ports ?? [];
  const base = paths.serviceProxy(plan.target.namespace, plan.names.preview, port?.name ?? port?.port ?? 80, '');
  return async ({ method, path, search, headers, body }, signal) => {
    const answer = await client.relay(`${base}${path.replace(/^\//, '')}${search}`, { method, headers, body, signal });
    const contentType = answer.headers['content-type'];
    return { status: answer.status, contentType: typeof contentType === 'string' ? contentType : undefined, text: answer.text };
  };
}

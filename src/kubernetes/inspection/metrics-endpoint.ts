import { Fault } from '../../errors.ts';
import type { MetricsEndpoint, MetricsEndpoints } from '../../runner/ports.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { paths } from '../paths.ts';
import type { RawPod } from '../raw.ts';

const defaultPath = '/metrics';
// Segments of `.` and `..` and empty ones would ask for something else than the pod's page.
const pathPattern = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~:@!$&'()*+,;=-]+)+\/?$/;

/** Where each of these pods serves metrics, as it says itself; a pod that does not run, or says nothing that can be used, is left out. */
export function metricsEndpointsOf(pods: readonly RawPod[]): MetricsEndpoints {
  return Object.fromEntries(
    pods.flatMap((pod) => {
      const endpoint = metricsEndpointOf(pod);
      return endpoint === undefined ? [] : [[pod.metadata?.name ?? '', endpoint]];
    }),
  );
}

/**
 * The annotation `prometheus.io/port` (with `prometheus.io/path` and `prometheus.io/scheme`, unless `prometheus.io/scrape` is `false`),
 * otherwise a container's port that is called `metrics` or `…-metrics`.
 */
function metricsEndpointOf(pod: RawPod): MetricsEndpoint | undefined {
  if (pod.status?.phase !== 'Running' || (pod.status.podIP ?? '') === '') return undefined;
  const annotations = pod.metadata?.annotations ?? {};
  const port = portOf(annotations['prometheus.io/port']) ?? namedPortOf(pod);
  if (port === undefined || annotations['prometheus.io/scrape'] === 'false') return undefined;
  const [path = '', query = ''] = (annotations['prometheus.io/path'] ?? defaultPath).split('?');
  if (!pathPattern.test(path)) return undefined;
  const scheme = annotations['prometheus.io/scheme'] === 'https' ? 'https' : 'http';
  return { scheme, port, path, query: Object.fromEntries(new URLSearchParams(query)) };
}

function portOf(text: string | undefined): number | undefined {
  const port = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function namedPortOf(pod: RawPod): number | undefined {
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return ports.find(({ name = '' }) => name === 'metrics' || name.endsWith('-metrics'))?.containerPort;
}

const pageBytesMax = 4_000_000;

/** Reads a pod's page of metrics through the API server; throws a Fault, for a page that is too large as well. */
export async function fetchPodPage(
  client: KubernetesClient,
  namespace: string,
  pod: string,
  { scheme, port, path, query }: MetricsEndpoint,
  timing: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<string> {
  const text = await client.getText(paths.podProxy(namespace, pod, port, path, scheme), { ...timing, query, bytesMax: pageBytesMax });
  // What was cut off may be the errors.
  if (Buffer.byteLength(text) >= pageBytesMax) throw new Fault('protocol', `its page is larger than ${pageBytesMax / 1_000_000} MB`, false);
  return text;
}

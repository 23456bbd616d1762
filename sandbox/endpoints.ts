import { type Cluster, createQueue, keyOf, parseKey } from './cluster.ts';
import { equal } from './equal.ts';
import { NODE } from './kubelet.ts';
import type { Endpoint, EndpointSlice, JsonObject, Pod, Service } from './objects.ts';
import { conditionOf, namespaceOf } from './objects.ts';
import { matchesLabels } from './selector.ts';

const DELAY_MS = 40;

export interface KubeProxy {
  /** The uids of the pods that a connection to the Service may go to, as the node's rules stand now. */
  backends(namespace: string, service: string): readonly string[];
}

/** The EndpointSlice controller, and kube-proxy, which learns of a slice `lagMs` later. */
export function startEndpoints(cluster: Cluster, lagMs: number, settleTraffic: () => void): KubeProxy {
  const { store, clock } = cluster;
  const rules = new Map<string, readonly string[]>();
  const enqueue = createQueue(clock, DELAY_MS, (key) => syncService(cluster, key));
  store.watch(({ resource, type, object, previous }) => {
    if (resource === 'services') enqueue(keyOf(object));
    if (resource === 'pods') {
      for (const service of store.list('services', namespaceOf(object))) {
        const selector = service.spec.selector ?? {};
        const selects = (labels: Pod['metadata']['labels']) => matchesLabels(selector, labels);
        if (selects(object.metadata.labels) || (previous !== undefined && selects(previous.metadata.labels))) {
          enqueue(keyOf(service));
        }
      }
    }
    if (resource !== 'endpointslices') return;
    const slice = object as EndpointSlice;
    const service = slice.metadata.labels?.['kubernetes.io/service-name'] ?? '';
    clock.after(lagMs, () => {
      settleTraffic();
      rules.set(`${namespaceOf(slice)}/${service}`, type === 'DELETED' ? [] : usable(slice.endpoints));
    });
  });
  return { backends: (namespace, service) => rules.get(`${namespace}/${service}`) ?? [] };
}

/** Without a ready endpoint, traffic goes to those that end but still serve. */
function usable(endpoints: readonly Endpoint[]): readonly string[] {
  const ready = endpoints.filter(({ conditions }) => conditions.ready);
  const serving = endpoints.filter(({ conditions }) => conditions.serving && conditions.terminating);
  return (ready.length > 0 ? ready : serving).map(({ targetRef }) => targetRef.uid);
}

function syncService(cluster: Cluster, key: string): void {
  const { store } = cluster;
  const [namespace, name] = parseKey(key);
  const service = store.get('services', namespace, name);
  const current = store.list('endpointslices', namespace).find((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  if (service === undefined || Object.keys(service.spec.selector ?? {}).length === 0) return;
  const endpoints = store
    .list('pods', namespace)
    .filter((pod) => matchesLabels(service.spec.selector ?? {}, pod.metadata.labels))
    .filter((pod) => pod.status?.podIP !== undefined && pod.status.phase !== 'Failed' && pod.status.phase !== 'Succeeded')
    .map(endpointOf);
  if (current !== undefined) {
    if (!equal(endpoints, current.endpoints)) cluster.writer.amend('endpointslices', current, { endpoints });
    return;
  }
  cluster.writer.create('endpointslices', namespace, sliceOf(service, endpoints));
}

function endpointOf(pod: Pod): Endpoint {
  const isReady = conditionOf(pod.status, 'Ready')?.status === 'True';
  const isTerminating = pod.metadata.deletionTimestamp !== undefined;
  const { name, uid } = pod.metadata;
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready: isReady && !isTerminating, serving: isReady, terminating: isTerminating },
    nodeName: NODE,
    targetRef: { kind: 'Pod', name, namespace: namespaceOf(pod), uid },
  };
}

function sliceOf(service: Service, endpoints: readonly Endpoint[]): JsonObject {
  const { name, uid } = service.metadata;
  const labels = {
    ...service.metadata.labels,
    'kubernetes.io/service-name': name,
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  };
  const owner = { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true };
  const ports = (service.spec.ports ?? []).map((port) => ({
    name: port.name ?? '',
    port: typeof port.targetPort === 'number' ? port.targetPort : port.port,
    protocol: port.protocol ?? 'TCP',
  }));
  const slice = {
    metadata: { generateName: `${name}-`, labels, ownerReferences: [owner] },
    ...{ addressType: 'IPv4', endpoints, ports },
  };
  return structuredClone(slice) as unknown as JsonObject;
}

import type { Identity } from './access.ts';
import { createClock } from './clock.ts';
import type { Cluster } from './cluster.ts';
import { startDeploymentController } from './deployment-controller.ts';
import { evict } from './disruption.ts';
import { type KubeProxy, startEndpoints } from './endpoints.ts';
import { createEventRecorder } from './events.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { createImages, type ImageBehaviour, type Images } from './images.ts';
import { startJobController } from './job-controller.ts';
import { type Kubelet, startKubelet } from './kubelet.ts';
import type { JsonObject, Kinds, Resource, Stored } from './objects.ts';
import { json } from './prepare.ts';
import { type Prometheus, type PrometheusFaults, startPrometheus } from './prometheus.ts';
import { createRandom } from './random.ts';
import { startReplicaSetController } from './replicaset-controller.ts';
import { type ApiRequest, type ApiResponse, handleRequest, reply } from './request.ts';
import { resourceOfKind } from './resources.ts';
import { type Change, createStore } from './store.ts';
import { type ClientStats, createTraffic, type TrafficOptions } from './traffic.ts';
import { createWriter } from './write.ts';

export type { Identity, PolicyRule } from './access.ts';
export type { ImageBehaviour } from './images.ts';
export type { ApiRequest, ApiResponse } from './request.ts';
export type { Change } from './store.ts';
export type { ClientStats, TrafficOptions } from './traffic.ts';

export interface SandboxOptions {
  readonly seed: number;
  readonly startMs: number;
  /** What a registry has; an image that is not in here cannot be pulled. */
  readonly images: Readonly<Record<string, ImageBehaviour>>;
  readonly prometheus?: {
    readonly scrapeIntervalMs: number;
    /** Two of them scrape each pod, and nothing merges their series, which differ in this label. */
    readonly replicaLabel?: string | undefined;
    readonly namespace?: string;
    readonly service?: string;
    readonly port?: number;
  };
  /** By bearer token. Without any, every request is allowed. */
  readonly tokens?: Readonly<Record<string, Identity>>;
  readonly capacity?: { readonly pods?: number; readonly cpu?: number };
  /** How long kube-proxy lags behind an EndpointSlice. */
  readonly endpointLagMs?: number;
}

export interface Sandbox {
  handle(request: ApiRequest): ApiResponse;
  now(): number;
  advance(ms: number): void;
  /** Creates an object, or replaces the one of that name, as an administrator does. */
  apply(manifest: object): Stored;
  get<R extends Resource>(resource: R, namespace: string, name: string): Kinds[R] | undefined;
  list<R extends Resource>(resource: R, namespace?: string): readonly Kinds[R][];
  /** Writes an object as it is, past defaults, validation and access. */
  put<R extends Resource>(resource: R, object: Kinds[R]): Kinds[R];
  remove(resource: Resource, namespace: string, name: string): void;
  readonly traffic: { start(options: TrafficOptions): () => void; clientStats(): ClientStats };
  readonly images: Images;
  /** Throws the API's Refusal (429) where a PodDisruptionBudget forbids it. */
  evict(namespace: string, pod: string): void;
  /** Prometheus as reached directly; through the API server it is `services/NAME:PORT/proxy`. */
  prometheus(request: ApiRequest): ApiResponse;
  readonly prometheusFaults: PrometheusFaults;
  /** An answer instead of the API server's own, or undefined to let the request through. */
  intercept(rule: ((request: ApiRequest) => ApiResponse | undefined) | undefined): void;
  watch(callback: (change: Change) => void): () => void;
}

const PROMETHEUS = { namespace: 'monitoring', service: 'prometheus', port: 9090, scrapeIntervalMs: 5_000 };

/** A Kubernetes API whose only clock is `advance`: same seed, same calls, same run. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const clock = createClock(options.startMs);
  const random = createRandom(options.seed);
  const store = createStore(clock.now);
  const writer = createWriter(store, clock, random.fork('names'));
  const events = createEventRecorder(store, clock, random.fork('events'));
  const cluster: Cluster = { clock, store, writer, events, random: random.fork('controllers') };
  const images = createImages(options.images);
  const traffic = createTraffic(
    clock,
    random.fork('traffic'),
    () => proxy,
    () => kubelet,
  );
  const capacity = { pods: options.capacity?.pods ?? 110, cpu: options.capacity?.cpu ?? 32 };
  const settings = { ...PROMETHEUS, ...options.prometheus };

  startGarbageCollector(cluster);
  startJobController(cluster);
  startDeploymentController(cluster);
  startReplicaSetController(cluster);
  const kubelet = startKubelet(cluster, images, capacity, traffic.settle);
  const proxy = startEndpoints(cluster, options.endpointLagMs ?? 200, traffic.settle);
  const prometheus = startPrometheus(cluster, kubelet, settings, traffic.settle);

  const proxied = proxiedBy(prometheus, kubelet, settings, traffic.settle, throughService(store, kubelet, proxy, clock.now));
  const server = { cluster, kubelet, tokens: options.tokens ?? {}, proxied };
  let interceptor: ((request: ApiRequest) => ApiResponse | undefined) | undefined;

  return {
    handle: (request) => interceptor?.(request) ?? handleRequest(server, request),
    now: clock.now,
    advance: clock.advance,
    apply: (manifest) => applyManifest(cluster, structuredClone(manifest) as JsonObject),
    get: store.get,
    list: store.list,
    put: store.put,
    remove(resource, namespace, name) {
      const object = store.get(resource, namespace, name);
      if (object !== undefined) writer.remove(resource, object, { propagationPolicy: 'Background' });
    },
    traffic: { start: traffic.start, clientStats: traffic.stats },
    images,
    evict(namespace, name) {
      const pod = store.get('pods', namespace, name);
      if (pod !== undefined) evict(cluster, pod);
    },
    prometheus: prometheus.handle,
    prometheusFaults: prometheus.faults,
    intercept(rule) {
      interceptor = rule;
    },
    watch: store.watch,
  };
}

function applyManifest({ store, writer }: Cluster, manifest: JsonObject): Stored {
  const info = resourceOfKind(String(manifest['kind']));
  if (info === undefined) throw new Error(`kind ${String(manifest['kind'])} is not known to the sandbox`);
  const metadata = manifest['metadata'] as { name?: string; namespace?: string } | undefined;
  const namespace = info.namespaced ? (metadata?.namespace ?? 'default') : '';
  const current = store.get(info.resource, namespace, metadata?.name ?? '');
  const options = { manager: 'kubectl' };
  if (current === undefined) return writer.create(info.resource, namespace, manifest, options);
  const kept = json(current.metadata);
  const given = manifest['metadata'] as JsonObject;
  return writer.replace(info.resource, current, { ...json(current), ...manifest, metadata: { ...kept, ...given } }, options);
}

/** What a pod behind a Service answers when it is asked through the API server: its status, and its version. */
function throughService(store: Cluster['store'], kubelet: Kubelet, proxy: KubeProxy, now: () => number) {
  return (namespace: string, target: string): ApiResponse | undefined => {
    const service = target.replace(/^https?:/, '').replace(/:[^:]*$/, '');
    if (store.get('services', namespace, service) === undefined) return undefined;
    const [uid] = proxy.backends(namespace, service);
    const status = uid === undefined ? undefined : kubelet.answer(uid, now());
    const headers = { 'content-type': 'text/plain' };
    if (uid === undefined || status === undefined) return { status: 503, headers, body: `no endpoints available for service "${service}"` };
    return { status, headers, body: `${kubelet.runOf(uid)?.containers[0]?.behaviour.version ?? ''}\n` };
  };
}

function proxiedBy(
  prometheus: Prometheus,
  kubelet: Kubelet,
  settings: typeof PROMETHEUS,
  settleTraffic: () => void,
  answerOf: (namespace: string, target: string) => ApiResponse | undefined,
) {
  const { namespace: itsNamespace, service, port } = settings;
  const names = [service, `${service}:${port}`, `${service}:http`].flatMap((name) => [name, `http:${name}`]);
  return (kind: 'services' | 'pods', namespace: string, target: string, request: ApiRequest): ApiResponse | undefined => {
    if (kind === 'services')
      return namespace === itsNamespace && names.includes(target) ? prometheus.handle(request) : answerOf(namespace, target);
    const [, pod, asked] = /^(?:https?:)?([^:]*)(?::(\d+))?$/.exec(target) ?? [];
    const run = [...kubelet.runs()].find((candidate) => candidate.namespace === namespace && candidate.name === pod);
    const serving = run?.containers[0];
    if (run === undefined) return undefined;
    const listensOn = serving?.container.ports?.[0]?.containerPort ?? 8080;
    if (serving?.phase.kind !== 'running' || Number(asked ?? listensOn) !== listensOn) return unreachable(run.podIP, asked ?? listensOn);
    if (request.path !== '/metrics') return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
    settleTraffic();
    const lines = [...serving.codes].map(
      ([code, count]) => `http_requests_total{code="${code}",version="${serving.behaviour.version ?? ''}"} ${count}\n`,
    );
    const head = lines.length === 0 ? '' : '# HELP http_requests_total Requests of / answered.\n# TYPE http_requests_total counter\n';
    return { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4' }, body: `${head}${lines.join('')}` };
  };
}

function unreachable(podIP: string, port: string | number): ApiResponse {
  const message = `error trying to reach service: dial tcp ${podIP}:${port}: connect: connection refused`;
  return reply(503, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'ServiceUnavailable',
    code: 503,
  });
}

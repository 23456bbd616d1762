export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** How long the first probe waits: an application that starts slowly. */
  readonly startSeconds?: number;
}

export interface DeploymentSpec {
  readonly name: string;
  readonly containers: readonly ContainerSpec[];
  readonly replicas: number;
  readonly scrapeInterval: string | undefined;
  readonly minReadySeconds: number | undefined;
  /** False: not one label or annotation on the Deployment itself. */
  readonly labelled: boolean;
  /** False: no word on where the pods serve metrics, so nobody scrapes them. */
  readonly announced?: boolean;
  /** Labels of selector and pods, beside or instead of `app`. */
  readonly podLabels?: Readonly<Record<string, string>> | undefined;
  readonly podSpec?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

export function deploymentManifest(options: DeploymentSpec): object {
  const labels = { app: options.name, ...options.podLabels };
  const scrape = {
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '8080',
    ...(options.scrapeInterval === undefined ? {} : { 'prometheus.io/scrape-interval': options.scrapeInterval }),
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: options.name,
      ...(options.labelled ? { labels: { ...labels, team: 'shop' }, annotations: { 'shop.example/owner': 'checkout' } } : {}),
    },
    spec: {
      replicas: options.replicas,
      selector: { matchLabels: labels },
      ...(options.minReadySeconds === undefined ? {} : { minReadySeconds: options.minReadySeconds }),
      template: {
        metadata: { labels, ...(options.announced === false ? {} : { annotations: scrape }) },
        spec: { containers: options.containers.map(containerManifest), ...options.podSpec },
      },
      ...options.spec,
    },
  };
}

function containerManifest(container: ContainerSpec): object {
  return {
    name: container.name,
    image: container.image,
    imagePullPolicy: 'IfNotPresent',
    ports: [{ containerPort: container.port }],
    ...(container.env === undefined ? {} : { env: Object.entries(container.env).map(([name, value]) => ({ name, value })) }),
    // Small enough for many scenes on one node of two cores.
    resources: { requests: { cpu: '5m', memory: '8Mi' } },
    readinessProbe: {
      httpGet: { path: '/readyz', port: container.port },
      periodSeconds: 1,
      timeoutSeconds: 3,
      ...(container.startSeconds === undefined ? {} : { initialDelaySeconds: container.startSeconds }),
    },
    livenessProbe: { httpGet: { path: '/healthz', port: container.port }, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 3 },
  };
}

export function serviceManifest(name: string, app: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: { app } },
    spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

export function loadManifest(target: string, rate: number): object {
  const env = { TARGET: target, RATE: String(rate), DURATION_MAX_S: '900' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'load', labels: { app: 'load' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'load',
          image: 'load:v1',
          imagePullPolicy: 'IfNotPresent',
          env: Object.entries(env).map(([name, value]) => ({ name, value })),
          resources: { requests: { cpu: '5m', memory: '8Mi' } },
          readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
        },
      ],
    },
  };
}

import { getInput } from '@actions/core';
import type { Config, PrometheusAddress } from './config/config.ts';
import { parseInputs } from './config/inputs.ts';
import type { ProbeAddress } from './config/probe-address.ts';
import { type RunContext, readRunContext } from './github/run-context.ts';
import { maskSecrets } from './github/secrets.ts';
import { loadKubeConfig } from './kubernetes/client/kubeconfig.ts';
import { createKubernetesClient, type KubernetesClient } from './kubernetes/client/rest-client.ts';
import { createCluster } from './kubernetes/cluster.ts';
import { readConfigMaps } from './kubernetes/config-map-files.ts';
import { fetchPodPage } from './kubernetes/inspection/metrics-endpoint.ts';
import { paths } from './kubernetes/paths.ts';
import { createPreviewRelay } from './kubernetes/preview-relay.ts';
import { createPodMetrics } from './pod-metrics/client.ts';
import { directly } from './probe/direct.ts';
import { createProbe } from './probe/probe.ts';
import { throughApi } from './probe/through-api.ts';
import { openAccess, secretsOf } from './prometheus/access.ts';
import { createPrometheus } from './prometheus/client.ts';
import type { Plan } from './rollout/plan/plan.ts';
import type { Clock, Cluster, MetricsSource, PreviewRelay, Probe, Reporter, SmokeTest } from './runner/ports.ts';
import { createSmokeTest } from './smoke/smoke-test.ts';
import { processClock } from './terminal.ts';

/** Everything that the inputs name, ready to be asked. */
export type Connection = {
  readonly config: Config;
  readonly context: RunContext;
  readonly namespace: string;
  readonly cluster: Cluster;
  readonly metrics: MetricsSource | undefined;
  readonly smoke: SmokeTest | undefined;
  readonly probe: Probe | undefined;
  readonly clock: Clock;
  close(): Promise<void>;
};

type Environment = Readonly<Record<string, string | undefined>>;

const requestTimeoutMsMax = 10_000;

/** Reads the inputs and the kubeconfig; throws UserError with all that is wrong, before any request is sent. */
export function connect(env: Environment, reporter: Reporter, isPost = false): Connection {
  const context = readRunContext(env);
  const config = parseInputs((name) => getInput(name, { trimWhitespace: false }), {
    repositoryPrivate: context.repositoryPrivate,
    environmentNames: Object.keys(env),
  });
  maskSecrets(secretsOf(config.prometheusAccess));
  const loaded = loadKubeConfig({ kubeconfig: config.kubeconfig, context: config.context, env });
  maskSecrets(loaded.secrets);
  for (const warning of loaded.warnings) reporter.warning(warning);
  const namespace = config.namespace ?? loaded.namespace;
  // The second step finishes what the first one has begun: it creates none, and the files may be gone.
  const workspace = env['GITHUB_WORKSPACE'] ?? '.';
  const configMaps = isPost ? [] : readConfigMaps(config.configMaps, { workspace, namespace });
  const client = createKubernetesClient({
    config: loaded.config,
    namespace,
    // One request must never eat the time that a heartbeat has bought.
    requestTimeoutMs: Math.min(requestTimeoutMsMax, config.release.deadManMs / 4),
    userAgent: 'gated-rollout',
    env,
    onSecret: (secret) => maskSecrets([secret]),
    onWarning: (text) => reporter.info(`the API server warns: ${text}`),
  });
  const metrics = connectMetrics(config, namespace, client);
  const probe = config.probe === undefined ? undefined : connectProbe(config.probe, client);
  const cluster = createCluster({
    client,
    namespace,
    deployment: config.deployment,
    pair: config.release.canaryDeployment ?? config.release.greenDeployment,
    evidence: config.evidence,
    reporter,
    clock: processClock,
    configMaps,
  });
  const relayTo = (plan: Plan): PreviewRelay => createPreviewRelay(client, plan);
  const smoke = config.release.smokeTest === undefined ? undefined : createSmokeTest({ relayTo, env });
  return { config, context, namespace, cluster, metrics, smoke, probe, clock: processClock, close: () => client.close() };
}

function connectMetrics(config: Config, namespace: string, client: KubernetesClient): MetricsSource | undefined {
  const { source, preset } = config.metrics;
  if (source === 'none') return undefined;
  if (config.prometheus !== undefined) return connectPrometheus(config.prometheus, config, namespace, client);
  return createPodMetrics({
    fetchPage: (pod, endpoint, timing) => fetchPodPage(client, namespace, pod, endpoint, timing),
    preset,
    slowBoundMs: config.release.maxSlow?.boundMs,
    clock: processClock,
  });
}

function connectPrometheus(address: PrometheusAddress, config: Config, namespace: string, client: KubernetesClient): MetricsSource {
  return createPrometheus({
    address,
    fetchService: (path, query, timeoutMs) => client.get(path, { query, timeoutMs }),
    namespace,
    access: openAccess(config.prometheusAccess),
    queries: config.queries,
    preset: config.metrics.preset,
    slowBoundMs: config.release.maxSlow?.boundMs,
  });
}

const probeTimeoutMs = 2_000;

/** Its address may hold a token: the runner hides it wherever it shows. */
function connectProbe(address: ProbeAddress, client: KubernetesClient): Probe {
  maskSecrets(address.secrets);
  const { shown } = address;
  if (address.kind === 'url') return createProbe({ asker: directly(address.url), shown, clock: processClock });
  const path = paths.serviceProxy(address.namespace, address.name, address.port, address.path, address.scheme);
  const asker = throughApi((signal) => client.ask(path, address.query, { signal, timeoutMs: probeTimeoutMs }));
  return createProbe({ asker, shown, clock: processClock });
}

import { getInput } from '@actions/core';
import type { Config, PrometheusAddress } from './config/config.ts';
import { parseInputs } from './config/inputs.ts';
import { type RunContext, readRunContext } from './github/run-context.ts';
import { maskSecrets } from './github/secrets.ts';
import { createCluster } from './kubernetes/cluster.ts';
import { loadKubeConfig } from './kubernetes/kubeconfig.ts';
import { fetchPodPage } from './kubernetes/metrics-endpoint.ts';
import { createKubernetesClient, type KubernetesClient } from './kubernetes/rest-client.ts';
import { createPodMetrics } from './pod-metrics/client.ts';
import { openAccess, secretsOf } from './prometheus/access.ts';
import { createPrometheus } from './prometheus/client.ts';
import type { Clock, Cluster, MetricsSource, Reporter } from './runner/ports.ts';
import { processClock } from './terminal.ts';

/** Everything that the inputs name, ready to be asked. */
export type Connection = {
  readonly config: Config;
  readonly context: RunContext;
  readonly namespace: string;
  readonly cluster: Cluster;
  readonly metrics: MetricsSource | undefined;
  readonly clock: Clock;
  close(): Promise<void>;
};

type Environment = Readonly<Record<string, string | undefined>>;

const requestTimeoutMsMax = 10_000;

/** Reads the inputs and the kubeconfig; throws UserError with all that is wrong, before any request is sent. */
export function connect(env: Environment, reporter: Reporter): Connection {
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
  const client = createKubernetesClient({
    config: loaded.config,
    namespace,
    // One request must never eat the time that a heartbeat has bought.
    requestTimeoutMs: Math.min(requestTimeoutMsMax, config.release.deadManMs / 4),
    userAgent: 'gated-rollout',
    env,
    onSecret: (secret) => maskSecrets([secret]),
  });
  const metrics = connectMetrics(config, namespace, client);
  const cluster = createCluster({
    client,
    namespace,
    deployment: config.deployment,
    evidence: config.evidence,
    reporter,
    clock: processClock,
  });
  return { config, context, namespace, cluster, metrics, clock: processClock, close: () => client.close() };
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

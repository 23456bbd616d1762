import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Binaries, buildAll } from './build.ts';
import { createCgroups } from './cgroups.ts';
import {
  binDir,
  type ClusterInfo,
  clusterFolder,
  clusterJson,
  clusterName,
  kubeconfigPath,
  kubectl,
  nodeName,
  readCluster,
  server,
  stateDir,
} from './cluster.ts';
import { attempt, run, runScript } from './command.ts';
import { writeConfiguration } from './configuration.ts';
import { createCredentials, credentials, embedAuthority } from './credentials.ts';
import { allDaemons, type Daemon, evidenceOf, pidOf, startDaemon } from './daemons.ts';
import { fingerprint } from './fingerprint.ts';
import { importImages, readImages } from './images.ts';
import { withLock } from './lock.ts';
import { createNetwork } from './network.ts';
import { ensureRequirements } from './requirements.ts';
import { sweep } from './sweep.ts';
import { timed, waitUntil } from './wait.ts';

const prometheusReady = '/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/-/ready';

async function up(): Promise<void> {
  await ensureRequirements();
  const binaries = await buildAll();
  const builtFrom = fingerprint(binaries);
  if (await isHealthy(builtFrom)) {
    console.log(`${clusterName} is up already`);
  } else {
    await timed('sweep', sweep);
    await timed('start', () => start(binaries, builtFrom));
  }
  console.log(`export KUBECONFIG=${kubeconfigPath}   # from inside: nsenter --net=/run/netns/${clusterName}`);
}

async function isHealthy(builtFrom: string): Promise<boolean> {
  if (readCluster()?.builtFrom !== builtFrom || allDaemons.some((name) => pidOf(name) === undefined)) {
    return false;
  }
  const answers = await Promise.all([isNodeReady(), isPrometheusReady()]);
  return answers.every((answer) => answer);
}

async function start(binaries: Binaries, builtFrom: string): Promise<void> {
  mkdirSync(binDir, { recursive: true });
  linkBinaries(binaries);
  const token = createCredentials();
  writeConfiguration();
  await createNetwork();
  await createCgroups();
  await timed('containerd', startContainerd);
  // Unpacking images takes as long as starting Kubernetes: the ones that the start itself needs go first, the rest beside Prometheus.
  await Promise.all([
    timed('images of pause and prometheus', () => importImages(binaries, ['pause', 'prometheus'])),
    timed('control plane', () => startControlPlane(token)).then(() => timed('node', startNode)),
  ]);
  await Promise.all([
    timed('images of sample, load and podinfo', () => importImages(binaries, ['sample', 'load', 'podinfo'])),
    timed('prometheus', startPrometheus),
  ]);
  const info: ClusterInfo = {
    name: clusterName,
    netns: `/run/netns/${clusterName}`,
    kubeconfig: kubeconfigPath,
    binDir,
    kubectl,
    stateDir,
    server,
    token,
    ...(await readImages()),
    builtFrom,
  };
  writeFileSync(clusterJson, JSON.stringify(info, null, '\t'), { mode: 0o600 });
}

async function startContainerd(): Promise<void> {
  startDaemon('containerd');
  const version = ['ctr', '--address', join(stateDir, 'containerd.sock'), 'version'];
  await reach('containerd to answer', ['containerd'], async () => (await attempt(version, { timeoutMs: 5000 })).code === 0);
}

async function startControlPlane(token: string): Promise<void> {
  startDaemon('etcd');
  startDaemon('kube-apiserver');
  await reach('the API server to be ready', ['kube-apiserver', 'etcd'], async () => (await query(['get', '--raw', '/readyz'])) === 'ok');
  embedAuthority(token, readFileSync(credentials.serverCertificate));
  startDaemon('kube-controller-manager');
  startDaemon('kube-scheduler');
}

async function startNode(): Promise<void> {
  startDaemon('kubelet');
  startDaemon('kube-proxy');
  await reach('the node to be Ready', ['kubelet', 'containerd'], isNodeReady);
  const account = ['get', 'serviceaccount', 'default', '--namespace=default', '--output=name'];
  await applyManifest('dns.yaml');
  await reach('the default ServiceAccount', ['kube-controller-manager'], async () => (await query(account)) !== '');
}

async function startPrometheus(): Promise<void> {
  await applyManifest('monitoring.yaml');
  await reach('Prometheus to answer through the service proxy', ['kubelet', 'kube-controller-manager'], isPrometheusReady);
}

async function isNodeReady(): Promise<boolean> {
  const condition = '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
  return (await query(['get', 'node', nodeName, condition])) === 'True';
}

async function isPrometheusReady(): Promise<boolean> {
  return (await query(['get', '--raw', prometheusReady])).includes('Ready');
}

async function reach(what: string, suspects: readonly Daemon[], ready: () => Promise<boolean>): Promise<void> {
  const readyOrDead = async () => {
    // Waiting on is useless once one of them has died.
    if (suspects.some((name) => pidOf(name) === undefined)) {
      throw new Error(`while waiting for ${what}: a daemon has died\n${evidenceOf(...suspects)}`);
    }
    return await ready();
  };
  await waitUntil({ what, limitMs: 60_000, ready: readyOrDead, evidence: () => evidenceOf(...suspects) });
}

async function query(args: readonly string[]): Promise<string> {
  const result = await attempt([...kubectl, '--request-timeout=5s', ...args], { timeoutMs: 10_000 });
  return result.code === 0 ? result.stdout.trim() : '';
}

async function applyManifest(name: string): Promise<void> {
  await run([...kubectl, 'apply', '--filename', join(clusterFolder, 'manifests', name)], { timeoutMs: 30_000 });
}

function linkBinaries(binaries: Binaries): void {
  for (const name of ['kubernetes', 'prometheus'] as const) {
    symlinkSync(binaries[name], join(binDir, name));
  }
  symlinkSync(binaries.kubernetes, join(binDir, 'kubectl'));
}

await runScript(() => withLock(up));

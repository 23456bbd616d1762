import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupRoot } from './cgroups.ts';
import { clusterName, containerdSocket, dnsAddress, podRange, stateDir } from './cluster.ts';
import { credentials } from './credentials.ts';

const folder = join(stateDir, 'configuration');
const cniFolder = join(folder, 'cni');

export const configuration = {
  containerd: join(folder, 'containerd.toml'),
  kubelet: join(folder, 'kubelet.json'),
  kubeProxy: join(folder, 'kube-proxy.json'),
} as const;

export function writeConfiguration(): void {
  mkdirSync(cniFolder, { recursive: true });
  writeFileSync(configuration.containerd, containerd());
  writeFileSync(configuration.kubelet, JSON.stringify(kubelet(), null, '\t'));
  writeFileSync(configuration.kubeProxy, JSON.stringify(kubeProxy(), null, '\t'));
  writeFileSync(join(cniFolder, '10-ptp.conflist'), JSON.stringify(cni(), null, '\t'));
}

function containerd(): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${stateDir}/containerd"
state = "${stateDir}/containerd-run"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
address = "${containerdSocket}"
[debug]
level = "warn"
[${cri}]
sandbox_image = "docker.io/library/pause:local"
# Where CAP_SYS_RESOURCE is missing runc dies without this.
restrict_oom_score_adj = true
# Pods' namespaces are mounted below the state folder, where they are found again when all processes are gone.
netns_mounts_under_state_dir = true
disable_apparmor = true
stream_server_address = "127.0.0.1"
[${cri}.containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
[${cri}.cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${cniFolder}"
`;
}

// Routed point-to-point links and not a bridge: answers of a Service always come back through the node, with or without br_netfilter.
function cni(): object {
  return {
    cniVersion: '0.4.0',
    // The plugins' cache of results is one folder for the whole machine.
    name: clusterName,
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: podRange }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: join(stateDir, 'cni-addresses'),
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

function kubelet(): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    oomScoreAdj: 0,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    podLogsDir: join(stateDir, 'pod-logs'),
    volumePluginDir: join(stateDir, 'volume-plugins'),
    resolvConf: '',
    // Nobody answers there, but without an address every pod gets a Warning event.
    clusterDNS: [dnsAddress],
    clusterDomain: 'cluster.local',
    maxPods: 200,
    // What was imported must stay: it cannot be pulled again.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'nodefs.inodesFree': '1%', 'imagefs.available': '1%' },
    volumeStatsAggPeriod: '-1s',
    logging: { verbosity: 1 },
  };
}

function kubeProxy(): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: credentials.daemonKubeconfig },
    clusterCIDR: podRange,
    mode: 'iptables',
    oomScoreAdj: 0,
    // Limits of the whole machine: they are not ours to set.
    conntrack: { maxPerCore: 0, min: 0 },
    logging: { verbosity: 0 },
  };
}

import type { Cluster } from './cluster.ts';
import { type ContainerHost, endContainer, report, startContainer } from './container-lifecycle.ts';
import { answerRequest, type ContainerRun, createPodRun, type PodRun } from './container-run.ts';
import { missingForVolumes } from './environment.ts';
import { equal } from './equal.ts';
import type { Images } from './images.ts';
import type { Pod } from './objects.ts';
import { namespaceOf } from './objects.ts';
import { conditionAs, podStatus } from './pod-status.ts';

export const NODE = 'node-1';
const SCHEDULE_MS = 20;
const RESCHEDULE_MS = 5_000;
const SANDBOX_MS = 150;
const REMOUNT_MS = 2_000;
const DRAIN_MS = 2_000;

export interface NodeCapacity {
  readonly pods: number;
  readonly cpu: number;
}

export interface Kubelet {
  /** The status code of one request to a pod; undefined when nothing listens. */
  answer(podUid: string, atMs: number): number | undefined;
  runOf(podUid: string): PodRun | undefined;
  runs(): Iterable<PodRun>;
}

/** Scheduler and kubelet of the only node: pods start, live and end. */
export function startKubelet(cluster: Cluster, images: Images, capacity: NodeCapacity, settleTraffic: () => void): Kubelet {
  const { store, clock } = cluster;
  const runs = new Map<string, PodRun>();
  let addresses = 1;
  const current = (uid: string) => store.byUid(uid)?.object as Pod | undefined;
  const host: ContainerHost = {
    cluster,
    images,
    settleTraffic,
    podOf: (run) => current(run.uid),
    publish(run) {
      const pod = current(run.uid);
      if (pod === undefined) return;
      const status = podStatus(pod, run, clock.now());
      if (!equal(status, pod.status)) cluster.writer.amend('pods', pod, { status });
    },
  };

  function start(pod: Pod): void {
    addresses += 1;
    const podIP = `10.244.${addresses >> 8}.${addresses & 255}`;
    const run = createPodRun(pod, podIP, clock.now());
    runs.set(run.uid, run);
    const mount = (): void => {
      if (run.stopped || run.terminating) return;
      host.publish(run);
      const missing = missingForVolumes(store, run.namespace, pod.spec);
      if (missing === undefined) {
        for (const container of run.containers) startContainer(host, run, container);
        return;
      }
      report(host, run, 'Warning', 'FailedMount', `MountVolume.SetUp failed for volume: configmap "${missing}" not found`);
      clock.after(REMOUNT_MS, mount);
    };
    clock.after(SANDBOX_MS, mount);
  }

  function schedule(uid: string): void {
    const pod = current(uid);
    if (pod === undefined || pod.spec.nodeName !== undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const obstacle = obstacleTo(pod, store.list('pods'), capacity);
    if (obstacle !== undefined) {
      const hint = 'no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
      const message = `0/1 nodes are available: 1 ${obstacle}. ${hint}`;
      const condition = conditionAs(pod, 'PodScheduled', 'False', clock.now(), { reason: 'Unschedulable', message });
      cluster.events.record(pod, 'Warning', 'FailedScheduling', message, 'default-scheduler');
      cluster.writer.amend('pods', pod, {
        status: { phase: 'Pending', ...pod.status, conditions: [{ ...condition, ...{ observedGeneration: 1 } }] },
      });
      clock.after(RESCHEDULE_MS, () => schedule(uid));
      return;
    }
    const conditions = [conditionAs(pod, 'PodScheduled', 'True', clock.now())];
    const message = `Successfully assigned ${namespaceOf(pod)}/${pod.metadata.name} to ${NODE}`;
    cluster.events.record(pod, 'Normal', 'Scheduled', message, 'default-scheduler');
    const spec = { ...pod.spec, nodeName: NODE };
    const status = { phase: 'Pending', ...pod.status, conditions };
    // Binding is a subresource: it does not count as a change of the spec.
    start(store.put('pods', { ...pod, spec, status }));
  }

  store.watch(({ resource, type, object }) => {
    if (resource !== 'pods') return;
    const { uid, deletionTimestamp } = object.metadata;
    if (type === 'ADDED') clock.after(SCHEDULE_MS, () => schedule(uid));
    const run = runs.get(uid);
    if (run === undefined) return;
    if (type === 'DELETED') {
      if (!run.stopped) settleTraffic();
      run.stopped = true;
      runs.delete(uid);
    } else if (deletionTimestamp !== undefined && !run.terminating) terminate(host, run, object as Pod);
  });

  return {
    answer(uid, atMs) {
      const run = runs.get(uid);
      return run === undefined ? undefined : answerRequest(run, atMs);
    },
    runOf: (uid) => runs.get(uid),
    runs: () => runs.values(),
  };
}

function obstacleTo(pod: Pod, pods: readonly Pod[], capacity: NodeCapacity): string | undefined {
  const placed = pods.filter((other) => other.spec.nodeName !== undefined);
  if (Object.keys(pod.spec.nodeSelector ?? {}).length > 0) return "node(s) didn't match Pod's node affinity/selector";
  if (placed.length >= capacity.pods) return 'Too many pods';
  const used = [pod, ...placed].reduce((sum, other) => sum + cpuOf(other), 0);
  return used > capacity.cpu ? 'Insufficient cpu' : undefined;
}

function cpuOf(pod: Pod): number {
  return pod.spec.containers.reduce((sum, { resources }) => {
    const request = resources?.requests?.['cpu'] ?? '0';
    return sum + (request.endsWith('m') ? Number(request.slice(0, -1)) / 1000 : Number(request));
  }, 0);
}

/** preStop, then SIGTERM, then the process' own end or SIGKILL when the grace period is over. */
function terminate(host: ContainerHost, run: PodRun, pod: Pod): void {
  const { clock } = host.cluster;
  run.terminating = true;
  const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  const hurt = (container: ContainerRun, exitCode: number) => {
    if (run.stopped || container.phase.kind === 'terminated') return;
    endContainer(host, run, container, exitCode);
    finish(host, run);
  };
  for (const container of run.containers) {
    if (container.phase.kind !== 'running') {
      container.draining = true;
      container.phase = { kind: 'waiting', reason: 'ContainerCreating' };
      continue;
    }
    report(host, run, 'Normal', 'Killing', `Stopping container ${container.container.name}`);
    const sleepMs = (container.container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1000;
    clock.after(Math.min(sleepMs, graceMs), () => {
      container.draining = true;
      const { exitAtOnce, drainMs } = container.behaviour;
      const endsMs = exitAtOnce === true ? 0 : (drainMs ?? DRAIN_MS);
      if (sleepMs + endsMs < graceMs) clock.after(endsMs, () => hurt(container, 0));
    });
    clock.after(graceMs, () => hurt(container, 137));
  }
  if (run.containers.every(({ phase }) => phase.kind !== 'running')) clock.after(SANDBOX_MS, () => finish(host, run));
}

function finish(host: ContainerHost, run: PodRun): void {
  if (run.containers.some(({ phase }) => phase.kind === 'running')) return;
  host.cluster.clock.after(SANDBOX_MS, () => {
    const pod = host.podOf(run);
    if (pod === undefined) return;
    run.stopped = true;
    const metadata = { ...pod.metadata, deletionGracePeriodSeconds: 0 };
    host.cluster.writer.amend('pods', pod, { metadata });
  });
}

import type { ContainerRun, Ending, Phase, PodRun } from './container-run.ts';
import { canonicalName } from './images.ts';
import type { Condition, ContainerState, ContainerStatus, JsonObject, Pod, PodStatus } from './objects.ts';
import { conditionOf, timestamp } from './objects.ts';

/** The status that the kubelet writes for what it runs. */
export function podStatus(pod: Pod, run: PodRun, nowMs: number): PodStatus {
  const statuses = run.containers.map(containerStatus);
  const notReady = statuses.filter((status) => !status.ready).map((status) => status.name);
  const names = `containers with unready status: [${notReady.join(' ')}]`;
  const readiness =
    notReady.length === 0 ? ({ value: 'True' } as const) : ({ value: 'False', reason: 'ContainersNotReady', message: names } as const);
  const begun = run.containers.every((container) => container.phase.kind !== 'waiting' || container.restartCount > 0);
  const conditions = [
    conditionAs(pod, 'PodReadyToStartContainers', run.containers.some(isOver) ? 'False' : 'True', nowMs),
    conditionAs(pod, 'Initialized', 'True', nowMs),
    conditionAs(pod, 'Ready', readiness.value, nowMs, readiness),
    conditionAs(pod, 'ContainersReady', readiness.value, nowMs, readiness),
    conditionAs(pod, 'PodScheduled', 'True', nowMs),
  ];
  const phase = run.terminating && run.containers.every(isOver) ? endPhase(run) : begun ? 'Running' : 'Pending';
  const generation = pod.metadata.generation ?? 1;
  return {
    ...pod.status,
    ...{ observedGeneration: generation },
    phase,
    conditions: conditions.map((condition) => ({ ...condition, observedGeneration: generation })),
    containerStatuses: statuses,
    ...({ hostIP: '10.0.0.1', hostIPs: [{ ip: '10.0.0.1' }] } satisfies JsonObject),
    podIP: run.podIP,
    ...({ podIPs: [{ ip: run.podIP }] } satisfies JsonObject),
    startTime: timestamp(run.startedAtMs),
  };
}

function isOver(run: ContainerRun): boolean {
  return run.phase.kind === 'terminated' && run.container !== undefined && run.draining;
}

function endPhase(run: PodRun): string {
  const succeeded = run.containers.every(({ phase }) => phase.kind === 'terminated' && phase.ending.exitCode === 0);
  return succeeded ? 'Succeeded' : 'Failed';
}

export function conditionAs(
  pod: Pod,
  type: string,
  status: 'True' | 'False',
  nowMs: number,
  why: { readonly reason?: string; readonly message?: string } = {},
): Condition {
  const before = conditionOf(pod.status, type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(nowMs);
  return {
    type,
    status,
    ...(why.reason === undefined ? {} : { reason: why.reason }),
    ...(why.message === undefined ? {} : { message: why.message }),
    lastProbeTime: null,
    ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
  };
}

function containerStatus(run: ContainerRun): ContainerStatus {
  const containerID = run.process === 0 ? undefined : containerIdOf(run);
  return {
    name: run.container.name,
    state: stateOf(run.phase),
    lastState: run.last === undefined ? {} : { terminated: terminated(run.last) },
    ready: run.ready,
    started: run.phase.kind === 'running',
    restartCount: run.restartCount,
    image: run.process === 0 ? run.container.image : canonicalName(run.container.image),
    imageID: run.imageID,
    ...(containerID === undefined ? {} : { containerID, resources: {} }),
  };
}

export function containerIdOf(run: ContainerRun): string {
  return `containerd://${run.imageID.slice(-24)}${String(run.process).padStart(8, '0')}`;
}

function stateOf(phase: Phase): ContainerState {
  switch (phase.kind) {
    case 'waiting':
      return { waiting: { reason: phase.reason, ...(phase.message === undefined ? {} : { message: phase.message }) } };
    case 'running':
      return { running: { startedAt: timestamp(phase.startedMs) } };
    case 'terminated':
      return { terminated: terminated(phase.ending) };
  }
}

function terminated(ending: Ending): NonNullable<ContainerState['terminated']> {
  const { exitCode, reason, startedMs, finishedMs, containerID } = ending;
  return { exitCode, reason, startedAt: timestamp(startedMs), finishedAt: timestamp(finishedMs), containerID };
}

import type { ContainerFacts, PodFacts, WorkloadFacts } from '../observation.ts';
import type { ReasonCode } from '../verdict.ts';

/** What the pods of a workload say about their image. */
export type Diagnosis =
  | { readonly kind: 'none' }
  /** The image or its configuration is at fault. */
  | { readonly kind: 'fatal'; readonly reason: ReasonCode; readonly because: string; readonly evidence: readonly string[] }
  /** The cluster is at fault, or nobody knows: no verdict on the image. */
  | { readonly kind: 'environment'; readonly reason: ReasonCode; readonly because: string }
  /** Not ready yet, with the best explanation so far. */
  | { readonly kind: 'waiting'; readonly reason: ReasonCode; readonly because: string; readonly evidence: readonly string[] };

const pullReasons: ReadonlySet<string> = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable']);
const invalidReasons: ReadonlySet<string> = new Set(['InvalidImageName', 'ErrImageNeverPull', 'CreateContainerError', 'RunContainerError']);

/** One retry is granted: a registry may be away for a moment, a dependency may not be up yet. */
const pullFailuresMax = 2;
const crashesMax = 2;
/** An init container often ends with an error until what it waits for is there. */
const initCrashesMax = 4;
/** A missing Secret or ConfigMap is often created a moment later. */
const configurationGraceMs = 10_000;

/** Judges pods that we created: the first fatal finding wins, then the cluster's own faults, then what they wait for. */
export function diagnose(workload: WorkloadFacts, nowMs: number): Diagnosis {
  const pods = workload.pods.filter((pod) => !pod.terminating);
  const findings = [...pods.map((pod) => diagnosePod(pod, nowMs)), diagnoseCreation(workload)];
  for (const kind of ['fatal', 'environment', 'waiting'] as const) {
    const found = findings.find((finding) => finding.kind === kind);
    if (found !== undefined) return found;
  }
  return { kind: 'none' };
}

function diagnoseCreation(workload: WorkloadFacts): Diagnosis {
  const message = workload.replicaFailure;
  if (message === undefined) return { kind: 'none' };
  if (/exceeded quota/i.test(message)) return { kind: 'environment', reason: 'quota', because: `no quota left for its pods: ${message}` };
  return { kind: 'fatal', reason: 'admission-denied', because: `its pods were refused: ${message}`, evidence: [] };
}

function diagnosePod(pod: PodFacts, nowMs: number): Diagnosis {
  for (const container of pod.initContainers ?? []) {
    const finding = diagnoseContainer(pod, container, nowMs, initCrashesMax);
    if (finding.kind === 'fatal') return finding;
  }
  for (const container of pod.containers) {
    const finding = diagnoseContainer(pod, container, nowMs, crashesMax);
    if (finding.kind === 'fatal') return finding;
  }
  if (pod.unschedulable !== undefined) {
    return { kind: 'environment', reason: 'unschedulable', because: `pod ${pod.name} finds no node: ${pod.unschedulable}` };
  }
  if (pod.ready) return { kind: 'none' };
  const containers = [...(pod.initContainers ?? []), ...pod.containers];
  const waiting = containers.find((container) => container.waiting !== undefined && container.waiting.reason !== 'ContainerCreating');
  if (waiting?.waiting !== undefined) {
    const reason = pullReasons.has(waiting.waiting.reason) ? 'image-pull' : 'not-ready';
    return {
      kind: 'waiting',
      reason,
      because: `container ${waiting.name} of pod ${pod.name} waits: ${waiting.waiting.reason}`,
      evidence: [waiting.waiting.message, ...pod.evidence],
    };
  }
  if (pod.probeFailure !== undefined) {
    return {
      kind: 'waiting',
      reason: 'probe-failed',
      because: `pod ${pod.name} is not ready: ${pod.probeFailure}`,
      evidence: pod.evidence,
    };
  }
  return { kind: 'waiting', reason: 'not-ready', because: `pod ${pod.name} is not ready yet`, evidence: pod.evidence };
}

function diagnoseContainer(pod: PodFacts, container: ContainerFacts, nowMs: number, allowed: number): Diagnosis {
  const where = `container ${container.name} of pod ${pod.name}`;
  const { waiting } = container;
  if (waiting !== undefined && pullReasons.has(waiting.reason) && pod.pullFailures >= pullFailuresMax) {
    return {
      kind: 'fatal',
      reason: 'image-pull',
      because: `the image of ${where} cannot be pulled`,
      evidence: [waiting.message, ...pod.evidence],
    };
  }
  if (waiting !== undefined && invalidReasons.has(waiting.reason)) {
    return {
      kind: 'fatal',
      reason: 'invalid-configuration',
      because: `${where} cannot start: ${waiting.reason}`,
      evidence: [waiting.message, ...pod.evidence],
    };
  }
  if (
    waiting?.reason === 'CreateContainerConfigError' &&
    !/failed to sync/i.test(waiting.message) &&
    nowMs - pod.createdAtMs > configurationGraceMs
  ) {
    return { kind: 'fatal', reason: 'invalid-configuration', because: `${where} lacks its configuration`, evidence: [waiting.message] };
  }
  return diagnoseCrash(pod, container, where, allowed);
}

function diagnoseCrash(pod: PodFacts, container: ContainerFacts, where: string, allowed: number): Diagnosis {
  const crashes = crashesOf(container);
  if (crashes < allowed) return { kind: 'none' };
  const last = container.terminated ?? container.lastTerminated;
  if (last?.reason === 'OOMKilled') {
    return {
      kind: 'fatal',
      reason: 'out-of-memory',
      because: `${where} was killed ${crashes} times: out of memory`,
      evidence: pod.evidence,
    };
  }
  const how = last === undefined ? '' : ` (exit code ${last.exitCode}, ${last.reason})`;
  const probe = pod.probeFailure === undefined ? '' : `; ${pod.probeFailure}`;
  return { kind: 'fatal', reason: 'crash', because: `${where} ended ${crashes} times${how}${probe}`, evidence: pod.evidence };
}

/** Restarts so far, and one more while the container lies dead. */
function crashesOf(container: ContainerFacts): number {
  const dead = container.terminated !== undefined || container.waiting?.reason === 'CrashLoopBackOff';
  return container.restartCount + (dead ? 1 : 0);
}

import { codeOf, hasFailed, type ImageBehaviour, withEnvironment } from './images.ts';
import type { Container, Pod } from './objects.ts';
import { namespaceOf } from './objects.ts';
import { hashText } from './random.ts';

export interface Ending {
  readonly exitCode: number;
  readonly reason: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly containerID: string;
}

export type Phase =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly kind: 'running'; readonly startedMs: number }
  | { readonly kind: 'terminated'; readonly ending: Ending };

/** One container of a pod as the kubelet knows it: what the status says and what the process does. */
export interface ContainerRun {
  readonly container: Container;
  behaviour: ImageBehaviour;
  imageID: string;
  phase: Phase;
  last: Ending | undefined;
  restartCount: number;
  crashBackOffMs: number;
  pullBackOffMs: number;
  ready: boolean;
  draining: boolean;
  /** Which process this is; timers that were set for an earlier one do nothing. */
  process: number;
  requests: number;
  readonly codes: Map<number, number>;
  log: string[];
  previousLog: string[] | undefined;
}

export interface PodRun {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly podIP: string;
  readonly startedAtMs: number;
  readonly containers: readonly ContainerRun[];
  terminating: boolean;
  stopped: boolean;
}

export function createPodRun(pod: Pod, podIP: string, nowMs: number): PodRun {
  const containers = pod.spec.containers.map(
    (container): ContainerRun => ({
      container,
      behaviour: withEnvironment(container, {}),
      imageID: '',
      phase: { kind: 'waiting', reason: 'ContainerCreating' },
      last: undefined,
      ...{ restartCount: 0, crashBackOffMs: 0, pullBackOffMs: 0, process: 0, requests: 0 },
      ...{ ready: false, draining: false },
      codes: new Map(),
      log: [],
      previousLog: undefined,
    }),
  );
  const { uid, name } = pod.metadata;
  const fixed = { uid, name, namespace: namespaceOf(pod), podIP, startedAtMs: nowMs };
  return { ...fixed, containers, terminating: false, stopped: false };
}

export function isListening(run: ContainerRun, atMs: number): boolean {
  return run.phase.kind === 'running' && atMs >= run.phase.startedMs + (run.behaviour.readyMs ?? 0);
}

/** undefined: the connection is refused, or nothing comes. */
export function answerRequest(pod: PodRun, atMs: number): number | undefined {
  const run = pod.containers[0];
  if (run === undefined || pod.stopped || !isListening(run, atMs)) return undefined;
  run.requests += 1;
  if (run.requests > (run.behaviour.hangAfterRequests ?? Number.POSITIVE_INFINITY)) return undefined;
  const code = codeOf(run.behaviour, hashText(pod.name), run.requests);
  run.codes.set(code, (run.codes.get(code) ?? 0) + 1);
  return code;
}

/** undefined: the probe succeeds; otherwise what the kubelet's event says. */
export function probeFailure(pod: PodRun, run: ContainerRun, kind: 'Readiness' | 'Liveness', atMs: number): string | undefined {
  const probe = kind === 'Readiness' ? run.container.readinessProbe : run.container.livenessProbe;
  if (!isListening(run, atMs)) {
    const port = probe?.httpGet?.port ?? 8080;
    const address = `${pod.podIP}:${port}`;
    return `${kind} probe failed: Get "http://${address}${probe?.httpGet?.path ?? '/'}": dial tcp ${address}: connect: connection refused`;
  }
  if (hasFailed(run.behaviour, run.requests + 1)) return `${kind} probe failed: HTTP probe failed with statuscode: 500`;
  const refuses = kind === 'Readiness' && (run.behaviour.neverReady === true || run.draining);
  return refuses ? `${kind} probe failed: HTTP probe failed with statuscode: 503` : undefined;
}

import type { Cluster } from './cluster.ts';
import { type ContainerRun, type Phase, type PodRun, probeFailure } from './container-run.ts';
import { environmentOf, missingForVariables } from './environment.ts';
import { canonicalName, digestOf, type Images, withEnvironment } from './images.ts';
import type { Pod, Probe } from './objects.ts';
import { containerIdOf } from './pod-status.ts';

const BACK_OFF_FIRST_MS = 10_000;
const BACK_OFF_MAX_MS = 300_000;
const BACK_OFF_FORGOTTEN_MS = 600_000;
// The kubelet looks at a pod again about a second after one of its containers ended.
const SYNC_MS = 1_000;
const CRASH_MS = 50;

export interface ContainerHost {
  readonly cluster: Cluster;
  readonly images: Images;
  /** Called before a process starts or ends: the requests until now were answered by what ran until now. */
  readonly settleTraffic: () => void;
  /** Writes the pod's status. */
  readonly publish: (pod: PodRun) => void;
  /** undefined once the pod is gone. */
  readonly podOf: (pod: PodRun) => Pod | undefined;
}

export function startContainer(host: ContainerHost, pod: PodRun, run: ContainerRun): void {
  const image = run.container.image;
  const behaviour = host.images.get(image);
  const { store } = host.cluster;
  const missingConfig = missingForVariables(store, pod.namespace, run.container);
  if (behaviour === undefined) {
    failToPull(host, pod, run);
    return;
  }
  if (missingConfig !== undefined) {
    failConfig(host, pod, run, missingConfig);
    return;
  }
  run.pullBackOffMs = 0;
  report(host, pod, 'Normal', 'Pulled', `Container image "${image}" already present on machine`);
  later(host, pod, run, behaviour.startMs ?? 300, () => {
    host.settleTraffic();
    run.behaviour = withEnvironment({ ...run.container, env: environmentOf(store, pod.namespace, run.container) }, behaviour);
    const repository = canonicalName(image)
      .replace(/@.*/, '')
      .replace(/:[^/:]*$/, '');
    run.imageID = `${repository}@${digestOf(image, behaviour)}`;
    run.process += 1;
    run.requests = 0;
    run.codes.clear();
    if (run.process > 1) run.previousLog = run.log;
    run.log = [`${run.container.name} ${run.behaviour.version} listens`];
    enter(run, { kind: 'running', startedMs: host.cluster.clock.now() });
    run.ready = run.container.readinessProbe === undefined;
    report(host, pod, 'Normal', 'Created', `Created container: ${run.container.name}`);
    report(host, pod, 'Normal', 'Started', `Started container ${run.container.name}`);
    host.publish(pod);
    const { crashAtStart, crashAfterMs } = run.behaviour;
    const livesMs = crashAtStart === true ? CRASH_MS : crashAfterMs;
    if (livesMs !== undefined) later(host, pod, run, livesMs, () => crash(host, pod, run));
    const { readinessProbe, livenessProbe } = run.container;
    if (readinessProbe !== undefined) startProbe(host, pod, run, 'Readiness', readinessProbe);
    if (livenessProbe !== undefined) startProbe(host, pod, run, 'Liveness', livenessProbe);
  });
}

/** Every change of phase makes the timers of the old one void. */
function enter(run: ContainerRun, phase: Phase): void {
  run.phase = phase;
}

function later(host: ContainerHost, pod: PodRun, run: ContainerRun, delayMs: number, then: () => void): void {
  const { phase } = run;
  host.cluster.clock.after(delayMs, () => {
    if (!pod.stopped && run.phase === phase) then();
  });
}

function failToPull(host: ContainerHost, pod: PodRun, run: ContainerRun): void {
  const { image, name } = run.container;
  const full = canonicalName(image);
  const detail = `failed to pull and unpack image "${full}": failed to resolve reference "${full}": ${full}: not found`;
  run.pullBackOffMs = run.pullBackOffMs === 0 ? BACK_OFF_FIRST_MS : Math.min(run.pullBackOffMs * 2, BACK_OFF_MAX_MS);
  report(host, pod, 'Normal', 'Pulling', `Pulling image "${image}"`);
  report(host, pod, 'Warning', 'Failed', `Failed to pull image "${image}": rpc error: code = NotFound desc = ${detail}`);
  report(host, pod, 'Warning', 'Failed', 'Error: ErrImagePull');
  enter(run, { kind: 'waiting', reason: 'ErrImagePull', message: detail });
  host.publish(pod);
  later(host, pod, run, SYNC_MS, () => {
    report(host, pod, 'Normal', 'BackOff', `Back-off pulling image "${image}"`);
    report(host, pod, 'Warning', 'Failed', 'Error: ImagePullBackOff');
    const backOff = `Back-off pulling image "${image}": ErrImagePull: ${detail}`;
    enter(run, { kind: 'waiting', reason: 'ImagePullBackOff', message: backOff });
    host.publish(pod);
    later(host, pod, run, Math.max(run.pullBackOffMs - SYNC_MS, 0), () => startContainer(host, pod, run));
  });
  run.log = [`container "${name}" is waiting to start: trying and failing to pull image`];
}

function failConfig(host: ContainerHost, pod: PodRun, run: ContainerRun, configMap: string): void {
  const message = `configmap "${configMap}" not found`;
  report(host, pod, 'Warning', 'Failed', `Error: ${message}`);
  enter(run, { kind: 'waiting', reason: 'CreateContainerConfigError', message });
  host.publish(pod);
  later(host, pod, run, BACK_OFF_FIRST_MS, () => startContainer(host, pod, run));
}

function crash(host: ContainerHost, pod: PodRun, run: ContainerRun): void {
  run.log.push(...(run.behaviour.lastWords ?? ['panic: cannot open the database: connection refused']));
  endContainer(host, pod, run, run.behaviour.exitCode ?? 1, run.behaviour.exitReason);
  restartLater(host, pod, run);
}

export function endContainer(
  host: ContainerHost,
  pod: PodRun,
  run: ContainerRun,
  exitCode: number,
  reason = exitCode === 0 ? 'Completed' : 'Error',
): void {
  host.settleTraffic();
  const finishedMs = host.cluster.clock.now();
  const startedMs = run.phase.kind === 'running' ? run.phase.startedMs : finishedMs;
  run.ready = false;
  enter(run, { kind: 'terminated', ending: { exitCode, reason, startedMs, finishedMs, containerID: containerIdOf(run) } });
  host.publish(pod);
}

function restartLater(host: ContainerHost, pod: PodRun, run: ContainerRun): void {
  if (run.phase.kind !== 'terminated' || pod.terminating) return;
  const { ending } = run.phase;
  if (ending.finishedMs - ending.startedMs > BACK_OFF_FORGOTTEN_MS) run.crashBackOffMs = 0;
  const waitMs = run.crashBackOffMs;
  run.crashBackOffMs = waitMs === 0 ? BACK_OFF_FIRST_MS : Math.min(waitMs * 2, BACK_OFF_MAX_MS);
  const restart = () => {
    run.last = ending;
    run.restartCount += 1;
    startContainer(host, pod, run);
  };
  later(host, pod, run, SYNC_MS, () => {
    if (waitMs === 0) return restart();
    const subject = `${run.container.name} in pod ${pod.name}_${pod.namespace}(${pod.uid})`;
    report(host, pod, 'Warning', 'BackOff', `Back-off restarting failed container ${subject}`);
    const message = `back-off ${duration(waitMs)} restarting failed container=${run.container.name} pod=${pod.name}_${pod.namespace}(${pod.uid})`;
    run.last = ending;
    enter(run, { kind: 'waiting', reason: 'CrashLoopBackOff', message });
    host.publish(pod);
    later(host, pod, run, waitMs - SYNC_MS, restart);
  });
}

/** Go's spelling: 10s, 1m20s, 5m0s. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function startProbe(host: ContainerHost, pod: PodRun, run: ContainerRun, kind: 'Readiness' | 'Liveness', probe: Probe): void {
  let failures = 0;
  let successes = 0;
  const { clock } = host.cluster;
  const tick = () => {
    host.settleTraffic();
    const failure = probeFailure(pod, run, kind, clock.now());
    if (failure === undefined) {
      failures = 0;
      successes += 1;
      if (kind === 'Readiness' && successes >= probe.successThreshold) setReady(host, pod, run, true);
    } else {
      successes = 0;
      failures += 1;
      report(host, pod, 'Warning', 'Unhealthy', failure);
      if (failures >= probe.failureThreshold) {
        if (kind === 'Readiness') setReady(host, pod, run, false);
        else return restartUnhealthy(host, pod, run);
      }
    }
    later(host, pod, run, probe.periodSeconds * 1000, tick);
  };
  // A little after the start, as the kubelet: never in the same instant.
  const firstMs = (probe.initialDelaySeconds ?? 0) * 1000 + Math.floor(host.cluster.random.next() * 300) + 50;
  later(host, pod, run, firstMs, tick);
}

function setReady(host: ContainerHost, pod: PodRun, run: ContainerRun, ready: boolean): void {
  if (run.ready === ready) return;
  run.ready = ready;
  host.publish(pod);
}

function restartUnhealthy(host: ContainerHost, pod: PodRun, run: ContainerRun): void {
  if (pod.terminating) return;
  report(host, pod, 'Normal', 'Killing', `Container ${run.container.name} failed liveness probe, will be restarted`);
  const dyingMs = run.behaviour.exitAtOnce === true ? 0 : (run.behaviour.drainMs ?? 2_000);
  later(host, pod, run, dyingMs, () => {
    endContainer(host, pod, run, run.behaviour.exitCode ?? 0);
    restartLater(host, pod, run);
  });
}

export function report(host: ContainerHost, pod: PodRun, type: 'Normal' | 'Warning', reason: string, message: string): void {
  const object = host.podOf(pod);
  if (object !== undefined) host.cluster.events.record(object, type, reason, message, 'kubelet');
}

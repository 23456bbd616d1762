import { type Cluster, createQueue, keyOf, parseKey } from './cluster.ts';
import { equal } from './equal.ts';
import { manageStatus } from './managed-fields.ts';
import type { Condition, Job, JobStatus } from './objects.ts';
import { conditionOf, timestamp } from './objects.ts';

const DELAY_MS = 60;
const COMPONENT = 'job-controller';

/** Jobs of parallelism 0: start time, suspension, deadline, time to live. It makes no pods. */
export function startJobController(cluster: Cluster): void {
  const { store, clock } = cluster;
  const enqueue = createQueue(clock, DELAY_MS, (key) => {
    const job = store.get('jobs', ...parseKey(key));
    if (job === undefined) return;
    const wakeMs = finishedAtMs(job) === undefined ? syncJob(cluster, job) : expire(cluster, job);
    if (wakeMs !== undefined) clock.at(wakeMs, () => enqueue(key));
  });
  store.watch(({ resource, type, object }) => {
    if (resource === 'jobs' && type !== 'DELETED') enqueue(keyOf(object));
  });
}

function finishedAtMs(job: Job): number | undefined {
  const finished = conditionOf(job.status, 'Failed') ?? conditionOf(job.status, 'Complete');
  return finished?.status === 'True' ? Date.parse(finished.lastTransitionTime ?? '') : undefined;
}

/** The answer is when to look again. */
function syncJob(cluster: Cluster, job: Job): number | undefined {
  const nowMs = cluster.clock.now();
  const status = statusOf(cluster, job, nowMs);
  const deadlineMs = deadlineOf(job, status);
  const missed = deadlineMs !== undefined && nowMs >= deadlineMs;
  const next = missed ? failed(status, nowMs) : status;
  if (!equal(next, job.status)) {
    const managing = { manager: 'kube-controller-manager', apiVersion: 'batch/v1', time: timestamp(nowMs) };
    const managedFields = manageStatus(job.metadata.managedFields ?? [], next, managing);
    cluster.writer.amend('jobs', job, { metadata: { ...job.metadata, managedFields }, status: next });
  }
  if (!missed) return deadlineMs;
  const message = 'Job was active longer than specified deadline';
  cluster.events.record(job, 'Warning', 'DeadlineExceeded', message, COMPONENT);
  return undefined;
}

function statusOf(cluster: Cluster, job: Job, nowMs: number): JobStatus {
  const base: JobStatus = { ...job.status, ready: 0, terminating: 0, uncountedTerminatedPods: {} };
  const suspended = conditionOf(job.status, 'Suspended')?.status === 'True';
  if (job.spec.suspend === true) {
    if (suspended) return base;
    cluster.events.record(job, 'Normal', 'Suspended', 'Job suspended', COMPONENT);
    return withCondition(base, 'Suspended', 'True', 'JobSuspended', 'Job suspended', nowMs);
  }
  if (suspended) {
    cluster.events.record(job, 'Normal', 'Resumed', 'Job resumed', COMPONENT);
    const resumed = withCondition(base, 'Suspended', 'False', 'JobResumed', 'Job resumed', nowMs);
    return { ...resumed, startTime: timestamp(nowMs) };
  }
  return base.startTime === undefined ? { ...base, startTime: timestamp(nowMs) } : base;
}

function deadlineOf(job: Job, status: JobStatus): number | undefined {
  const { activeDeadlineSeconds } = job.spec;
  if (activeDeadlineSeconds === undefined || status.startTime === undefined || job.spec.suspend === true) return undefined;
  return Date.parse(status.startTime) + activeDeadlineSeconds * 1000;
}

function failed(status: JobStatus, nowMs: number): JobStatus {
  const message = 'Job was active longer than specified deadline';
  const aimed = withCondition(status, 'FailureTarget', 'True', 'DeadlineExceeded', message, nowMs);
  return withCondition(aimed, 'Failed', 'True', 'DeadlineExceeded', message, nowMs);
}

function withCondition(
  status: JobStatus,
  type: string,
  value: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): JobStatus {
  const time = timestamp(nowMs);
  const condition: Condition = { type, status: value, lastProbeTime: time, lastTransitionTime: time, reason, message };
  return { ...status, conditions: [...(status.conditions ?? []).filter((other) => other.type !== type), condition] };
}

function expire(cluster: Cluster, job: Job): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  const finishedMs = finishedAtMs(job);
  if (ttlSecondsAfterFinished === undefined || finishedMs === undefined) return undefined;
  if (job.metadata.deletionTimestamp !== undefined) return undefined;
  const expiresMs = finishedMs + ttlSecondsAfterFinished * 1000;
  if (cluster.clock.now() < expiresMs) return expiresMs;
  cluster.writer.remove('jobs', job, { propagationPolicy: 'Foreground', uid: job.metadata.uid });
  return undefined;
}

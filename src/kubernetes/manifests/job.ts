import { journalAnnotation, targetLabel } from '../../rollout/names.ts';
import type { JobFacts } from '../../rollout/observation.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { RolloutState } from '../../rollout/state.ts';
import type { RawDeployment, RawJob } from '../raw.ts';

/** What the annotation holds: enough for another process to finish or undo. */
export type Journal = { readonly plan: Plan; readonly state: RolloutState };

/** The rollout as an object: lock, journal, dead-man switch and owner. With `parallelism: 0` no pod is ever created. */
export function jobManifest(plan: Plan, state: RolloutState, stable: RawDeployment, deadlineSeconds: number): RawJob {
  const template = stable.spec?.template.spec;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: plan.names.job,
      namespace: plan.target.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'gated-rollout', [targetLabel]: plan.target.uid },
      annotations: { [journalAnnotation]: JSON.stringify({ plan, state } satisfies Journal) },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: plan.target.deployment,
          uid: plan.target.uid,
          controller: false,
          blockOwnerDeletion: false,
        },
      ],
    },
    spec: {
      parallelism: 0,
      completions: 1,
      backoffLimit: 0,
      activeDeadlineSeconds: deadlineSeconds,
      ttlSecondsAfterFinished: 0,
      template: {
        metadata: { labels: { 'app.kubernetes.io/managed-by': 'gated-rollout', [targetLabel]: plan.target.uid } },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          ...(template?.securityContext === undefined ? {} : { securityContext: template.securityContext }),
          ...(template?.imagePullSecrets === undefined ? {} : { imagePullSecrets: template.imagePullSecrets }),
          // Policies that look at Job templates see what they have already allowed.
          containers: (template?.containers ?? []).slice(0, 1).map(({ name, image, resources, securityContext }) => ({
            name,
            ...(image === undefined ? {} : { image }),
            ...(resources === undefined ? {} : { resources }),
            ...(securityContext === undefined ? {} : { securityContext }),
          })),
        },
      },
    },
  };
}

/** What a Job says of the rollout. Look at it after every PATCH too: a Job that is failed or being deleted still answers 200. */
export function jobFacts(job: RawJob): JobFacts {
  const startTime = job.status?.startTime;
  const startedAtMs = startTime === undefined ? undefined : Date.parse(startTime);
  const seconds = job.spec?.activeDeadlineSeconds;
  const journal = readJournal(job);
  return {
    uid: job.metadata?.uid ?? '',
    startedAtMs,
    deadlineAtMs: startedAtMs === undefined || seconds === undefined ? undefined : startedAtMs + seconds * 1000,
    over: whyOver(job),
    holder: journal?.state.holder.id,
    abort: journal?.state.abort,
  };
}

function whyOver(job: RawJob): string | undefined {
  if (job.metadata?.deletionTimestamp !== undefined) return 'it is being deleted';
  const condition = job.status?.conditions?.find(
    ({ type, status }) => status === 'True' && ['Failed', 'FailureTarget', 'Suspended', 'Complete', 'SuccessCriteriaMet'].includes(type),
  );
  if (condition === undefined) return undefined;
  if (condition.reason === 'DeadlineExceeded') return 'its deadline passed without a heartbeat';
  return `its condition is ${condition.type}${condition.reason === undefined ? '' : ` (${condition.reason})`}`;
}

/** The journal in a Job's annotation; undefined where it cannot be read. */
export function readJournal(job: RawJob): Journal | undefined {
  const text = job.metadata?.annotations?.[journalAnnotation];
  if (text === undefined) return undefined;
  try {
    const journal = JSON.parse(text) as Partial<Journal> | null;
    if (journal?.state?.version !== 1 || journal.plan === undefined) return undefined;
    // The uid is not known yet when the Job is created.
    return { plan: journal.plan, state: { ...journal.state, jobUid: job.metadata?.uid ?? '' } };
  } catch {
    return undefined;
  }
}

/** Who holds a Job of ours, for the person who must wait. Untrusted text: anybody may write an annotation. */
export function describeHolder(job: RawJob, nowMs: number): string {
  const journal = readJournal(job);
  const age = ageOf(job, nowMs);
  if (journal === undefined) return `by a run that left no readable journal, started ${age} ago`;
  const { holder, phase, heartbeatAtMs } = journal.state;
  const heartbeat = Math.max(0, Math.round((nowMs - heartbeatAtMs) / 1000));
  return `by ${holder.actor} in ${holder.runUrl}, started ${age} ago, phase ${phase.kind}, last heartbeat ${heartbeat} s ago`;
}

function ageOf(job: RawJob, nowMs: number): string {
  const created = job.metadata?.creationTimestamp;
  return created === undefined ? 'some time' : `${Math.max(0, Math.round((nowMs - Date.parse(created)) / 1000))} s`;
}

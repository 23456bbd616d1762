import { Fault, isFault, UserError } from '../../errors.ts';
import { recordMs, recordStaleMs } from '../../rollout/heartbeat.ts';
import { namesFor } from '../../rollout/names.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import { type Holder, isUndoneByDeletion, type RolloutState, resumed, startState } from '../../rollout/state.ts';
import type { Clock, Reporter } from '../../runner/ports.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { describeHolder, type Journal, jobFacts, jobManifest, readJournal } from '../manifests/job.ts';
import { journalPatch } from '../patches/patches.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawJob } from '../raw.ts';

export type LockOptions = {
  readonly client: KubernetesClient;
  readonly plan: Plan;
  readonly holder: Holder;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly cancel: AbortSignal;
};

/** A rollout that has just ended may still be going away. */
const goingAwayMs = 30_000;
const retryMs = 300;

/** Creates the Job: whoever gets it may release. Throws UserError `rollout-busy` with the name of the run that has it. */
export async function acquireLock(options: LockOptions): Promise<RolloutState> {
  const { plan, reporter, clock, cancel } = options;
  reporter.write({
    object: `Job ${plan.names.job}`,
    from: 'none',
    to: `lock, journal and dead-man switch (${plan.spec.deadManMs / 1000} s)`,
    because: 'one rollout at a time, undone by the cluster itself if this runner dies',
  });
  const startedAtMs = clock.nowMs();
  while (!cancel.aborted) {
    const attempt = await tryAcquire(options);
    if (attempt.kind === 'acquired') return attempt.state;
    if (attempt.kind === 'busy' || clock.nowMs() - startedAtMs > goingAwayMs) {
      throw new UserError(
        'rollout-busy',
        `The Deployment ${plan.target.deployment} is being released already: ${attempt.heldBy}`,
        busyHint(plan),
      );
    }
    await clock.sleep(retryMs, cancel);
  }
  throw new Fault('timeout', 'cancelled while waiting for the lock', false);
}

type Attempt = { readonly kind: 'acquired'; readonly state: RolloutState } | { readonly kind: 'busy' | 'going'; readonly heldBy: string };

async function tryAcquire({ client, plan, holder }: LockOptions): Promise<Attempt> {
  const { namespace, deployment } = plan.target;
  const stable = await client.get<RawDeployment>(paths.deployment(namespace, deployment));
  const state = startState(holder, '', client.serverNowMs());
  const manifest = jobManifest(plan, state, stable, Math.ceil(plan.spec.deadManMs / 1000));
  try {
    const job = await client.create<RawJob>(paths.jobs(namespace), manifest);
    return { kind: 'acquired', state: { ...state, jobUid: job.metadata?.uid ?? '' } };
  } catch (error) {
    // An answer that was lost leaves the outcome open: look who has the Job before saying anything.
    if (!isFault(error, 'already-exists', 'timeout', 'network', 'server')) throw error;
    const job = await client.find<RawJob>(paths.job(namespace, plan.names.job));
    if (job === undefined) {
      if (isFault(error, 'already-exists')) return { kind: 'going', heldBy: 'by a run that has just ended' };
      throw error;
    }
    if (readJournal(job)?.state.holder.id === holder.id) {
      return { kind: 'acquired', state: { ...state, jobUid: job.metadata?.uid ?? '' } };
    }
    const heldBy = describeHolder(job, client.serverNowMs());
    return { kind: job.metadata?.deletionTimestamp === undefined ? 'busy' : 'going', heldBy };
  }
}

/**
 * Takes a record over whose runner is dead: one JSON Patch that tests the journal which was read, so that of two runs one wins. A dead-man
 * that still ticks is left alone: it heals by itself.
 */
export async function takeOverRecord(
  client: KubernetesClient,
  namespace: string,
  jobName: string,
  holder: Holder,
): Promise<(Journal & { readonly from: Holder }) | undefined> {
  const path = paths.job(namespace, jobName);
  const job = await client.find<RawJob>(path);
  const journal = job === undefined ? undefined : readJournal(job);
  if (job === undefined || journal === undefined || jobFacts(job).over !== undefined) return undefined;
  // Anybody may write an annotation: a journal of another Deployment is none of ours.
  const { target } = journal.plan;
  if (target.namespace !== namespace || namesFor(target.deployment).job !== jobName) return undefined;
  const nowMs = client.serverNowMs();
  if (isUndoneByDeletion(journal.state.phase) || nowMs - journal.state.heartbeatAtMs < recordStaleMs) return undefined;
  const taken: Journal = {
    plan: journal.plan,
    state: { ...resumed(journal.state, nowMs), holder, heartbeatAtMs: nowMs },
  };
  const elapsedMs = nowMs - (jobFacts(job).startedAtMs ?? nowMs);
  await client.jsonPatch(path, journalPatch(job, taken, Math.ceil((elapsedMs + recordMs) / 1000))).catch((error: unknown) => {
    if (!isFault(error, 'invalid', 'conflict', 'not-found')) throw error;
    const message = `Another run has just taken the record of Job ${jobName} over`;
    throw new UserError('rollout-busy', message, 'Run again once that run has ended', { cause: error });
  });
  return { ...taken, from: journal.state.holder };
}

function busyHint(plan: Plan): string {
  return `Wait until that run has ended. If its runner is dead, its Job ${plan.names.job} removes itself and the canary at its deadline. command: abort ends it from anywhere`;
}

import { isFault } from '../../errors.ts';
import { deadlineFor } from '../../rollout/heartbeat.ts';
import type { Situation } from '../../rollout/situation/situation.ts';
import type { Holder, RolloutState } from '../../rollout/state.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { journalFor } from '../inspection/situation.ts';
import { type Journal, jobFacts } from '../manifests/job.ts';
import { journalPatch } from '../patches/patches.ts';
import { paths } from '../paths.ts';
import type { RawJob } from '../raw.ts';

/** A run that lives writes its journal meanwhile, at most every few seconds. */
const attemptsMax = 8;

/**
 * Takes a rollout over whether its runner lives or not: one JSON Patch that tests the journal which was read, so that the runner's next
 * write is refused and its next look tells it who has come. Undefined where there is no Job any more that could be taken over.
 */
export async function seizeRollout(
  client: KubernetesClient,
  target: Situation['target'],
  jobName: string,
  holder: Holder,
  becomes: (state: RolloutState, nowMs: number) => RolloutState,
): Promise<Journal | undefined> {
  const path = paths.job(target.namespace, jobName);
  for (let attempt = 1; ; attempt += 1) {
    const job = await client.find<RawJob>(path);
    const journal = job === undefined ? undefined : journalFor(job, target);
    if (job === undefined || journal === undefined || jobFacts(job).over !== undefined) return undefined;
    // An answer that was lost, and a write that was not.
    if (journal.state.holder.id === holder.id) return journal;
    const nowMs = client.serverNowMs();
    const state: RolloutState = { ...becomes(journal.state, nowMs), holder, heartbeatAtMs: nowMs };
    const elapsedMs = nowMs - (jobFacts(job).startedAtMs ?? nowMs);
    const deadlineSeconds = Math.floor((elapsedMs + deadlineFor(journal.plan, state.phase)) / 1000);
    try {
      await client.jsonPatch(path, journalPatch(job, { plan: journal.plan, state }, deadlineSeconds));
      return { plan: journal.plan, state };
    } catch (error) {
      if (attempt === attemptsMax || !isFault(error, 'invalid', 'conflict', 'not-found', 'timeout', 'network', 'server')) throw error;
    }
  }
}

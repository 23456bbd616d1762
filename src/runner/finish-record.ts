import { isFault } from '../errors.ts';
import type { Earlier } from '../rollout/report.ts';
import { rollbackOutcome } from '../rollout/rollback.ts';
import type { Holder } from '../rollout/state.ts';
import type { ReleasePorts } from './prepare.ts';
import { runRollout } from './run-rollout.ts';

/** A promotion that an earlier run sent and did not live to finish comes first: finished, or undone where its pods fail or this run is cancelled. */
export async function finishRecord(
  { holder }: { readonly holder: Holder },
  ports: Omit<ReleasePorts, 'metrics'>,
  cancel: AbortSignal,
): Promise<Earlier | undefined> {
  // What is forbidden is for the permission check to say, which names everything at once.
  const record = await ports.cluster.takeOver(holder).catch((error: unknown) => {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  });
  if (record === undefined) return undefined;
  const { reporter, cluster, clock } = ports;
  const { plan, state, from } = record;
  reporter.info(
    `an earlier run died during its promotion (${from.actor}, ${from.runUrl}): its record is taken over, and finished or undone first`,
  );
  ports.remember(plan, state.jobUid);
  const end = await runRollout({ world: cluster.world(plan), metrics: undefined, reporter, clock }, plan, state, cancel);
  const outcome = plan.toRevision === undefined ? end.outcome : rollbackOutcome(end.outcome, plan.toRevision);
  const earlier = { outcome, images: plan.images, runUrl: from.runUrl, actor: from.actor };
  ports.onEarlier?.(earlier);
  return earlier;
}

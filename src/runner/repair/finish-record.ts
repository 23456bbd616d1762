import { isFault } from '../../errors.ts';
import type { Earlier } from '../../rollout/explain/report.ts';
import { rollbackOutcome } from '../../rollout/history/rollback.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import { abortOutcome } from '../../rollout/situation/abort.ts';
import { type Holder, isUndoneByDeletion, type RolloutState } from '../../rollout/state.ts';
import { recoveryPhase } from '../../rollout/strategies/first-phase.ts';
import { withoutMetrics } from '../../rollout/strategies/rules-in-force.ts';
import type { Outcome } from '../../rollout/verdict.ts';
import type { ReleasePorts, ReleaseRequest } from '../release-request.ts';
import { runRollout } from '../run-rollout.ts';

const neverAborted = new AbortController().signal;

/** A promotion that an earlier run sent and did not live to finish comes first: finished, or undone where its pods fail or this run is cancelled. */
export async function finishRecord(
  { holder, spec, command }: Pick<ReleaseRequest, 'holder' | 'spec'> & { readonly command: string },
  ports: Omit<ReleasePorts, 'metrics'>,
  cancel: AbortSignal,
): Promise<Earlier | undefined> {
  // What is forbidden is for the permission check to say, which names everything at once.
  const record = await ports.cluster.takeOver(holder).catch((error: unknown) => {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  });
  // Nobody else may read what it needs, and nobody else has a green.
  const looksForGreen = spec.strategy === 'blue-green' || command === 'reconcile';
  if (record === undefined) return looksForGreen ? takeBackOrphan(holder, ports, cancel) : undefined;
  const { reporter, cluster, clock } = ports;
  const { plan, state, from } = record;
  reporter.info(
    `an earlier run died during its promotion (${from.actor}, ${from.runUrl}): its record is taken over, and finished or undone first`,
  );
  ports.remember(plan, state.jobUid);
  const end = await runRollout(
    { world: cluster.world(plan), metrics: undefined, reporter, clock },
    withoutMetrics(plan, state),
    state,
    signalFor(state, cancel),
  );
  const outcome = truthOf(plan, state, end.outcome);
  const earlier = { outcome, images: plan.images, runUrl: from.runUrl, actor: from.actor };
  ports.onEarlier?.(earlier);
  return earlier;
}

/** A rollout that somebody has aborted is undone, as one that is cancelled; what a deletion undoes has a phase of its own for that. */
export function signalFor({ abort, phase }: RolloutState, cancel: AbortSignal = neverAborted): AbortSignal {
  return abort !== undefined && !isUndoneByDeletion(phase) ? AbortSignal.abort() : cancel;
}

function truthOf(plan: Plan, { abort }: RolloutState, outcome: Outcome): Outcome {
  if (abort !== undefined) return abortOutcome(outcome, plan, abort);
  return plan.toRevision === undefined ? outcome : rollbackOutcome(outcome, plan.toRevision);
}

/** A green that serves although its record is gone carries a record of its own: back to what was before it. */
async function takeBackOrphan(holder: Holder, ports: Omit<ReleasePorts, 'metrics'>, cancel: AbortSignal): Promise<Earlier | undefined> {
  const { reporter, cluster, clock } = ports;
  const plan = await cluster.findOrphan().catch((error: unknown) => {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  });
  if (plan === undefined) return undefined;
  const because = 'an earlier rollout left its green serving, and its record is gone';
  reporter.info(`${because}: the Services go back first`);
  ports.remember(plan, '');
  const state = await cluster.acquire(plan, holder, cancel);
  ports.remember(plan, state.jobUid);
  const begun = { ...state, phase: recoveryPhase(state.startedAtMs, because) };
  const { outcome } = await runRollout({ world: cluster.world(plan), metrics: undefined, reporter, clock }, plan, begun, cancel);
  const earlier = { outcome, images: plan.images, runUrl: 'a run that left no record', actor: 'somebody' };
  ports.onEarlier?.(earlier);
  return earlier;
}

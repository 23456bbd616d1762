import { isFault } from '../errors.ts';
import { recoveryPhase } from '../rollout/strategies/first-phase.ts';
import { withoutMetrics } from '../rollout/strategies/rules-in-force.ts';
import type { ReleasePorts, ReleaseRequest } from './prepare.ts';
import { runRollout } from './run-rollout.ts';

/** A promotion that an earlier run sent and did not live to finish comes first: finished, or undone where its pods fail or this run is cancelled. */
export async function finishRecord(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<void> {
  // What is forbidden is for the permission check to say, which names everything at once.
  const record = await ports.cluster.takeOver(request.holder).catch((error: unknown) => {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  });
  if (record === undefined) {
    await takeBackOrphan(request, ports, cancel);
    return;
  }
  const { reporter, cluster, clock } = ports;
  reporter.info('an earlier run died during its promotion: its record is taken over, and finished or undone first');
  ports.remember(record.plan, record.state.jobUid);
  const { outcome } = await runRollout(
    { world: cluster.world(record.plan), metrics: undefined, reporter, clock },
    withoutMetrics(record.plan, record.state),
    record.state,
    cancel,
  );
  reporter.phase('Preflight: nothing is written');
  reporter.info(`the earlier release was finished first: ${outcome.result}, ${outcome.because}`);
}

/** A green that serves although its record is gone carries a record of its own: back to what was before it. */
async function takeBackOrphan(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<void> {
  if (request.spec.strategy !== 'blue-green') return;
  const { reporter, cluster, clock } = ports;
  const plan = await cluster.findOrphan().catch((error: unknown) => {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  });
  if (plan === undefined) return;
  const because = 'an earlier rollout left its green serving, and its record is gone';
  reporter.info(`${because}: the Services go back first`);
  ports.remember(plan, '');
  const state = await cluster.acquire(plan, request.holder, cancel);
  ports.remember(plan, state.jobUid);
  const begun = { ...state, phase: recoveryPhase(state.startedAtMs, because) };
  const { outcome } = await runRollout({ world: cluster.world(plan), metrics: undefined, reporter, clock }, plan, begun, cancel);
  reporter.phase('Preflight: nothing is written');
  reporter.info(`the earlier release was taken back first: ${outcome.result}, ${outcome.because}`);
}

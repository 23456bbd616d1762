import { isFault } from '../errors.ts';
import type { ReleasePorts, ReleaseRequest } from './prepare.ts';
import { runRollout } from './run-rollout.ts';

/** A promotion that an earlier run sent and did not live to finish comes first: finished, or undone where its pods fail or this run is cancelled. */
export async function finishRecord(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<void> {
  // What is forbidden is for the permission check to say, which names everything at once.
  const record = await ports.cluster.takeOver(request.holder).catch((error: unknown) => {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  });
  if (record === undefined) return;
  const { reporter, cluster, clock } = ports;
  reporter.info('an earlier run died during its promotion: its record is taken over, and finished or undone first');
  ports.remember(record.plan, record.state.jobUid);
  const { outcome } = await runRollout(
    { world: cluster.world(record.plan), metrics: undefined, reporter, clock },
    record.plan,
    record.state,
    cancel,
  );
  reporter.phase('Preflight: nothing is written');
  reporter.info(`the earlier release was finished first: ${outcome.result}, ${outcome.because}`);
}

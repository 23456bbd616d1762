import { abortedState, abortOutcome, abortTruth } from '../../rollout/situation/abort.ts';
import { isFlippedWithoutJob } from '../../rollout/situation/left-colours.ts';
import type { Situation } from '../../rollout/situation/situation.ts';
import { standingOf } from '../../rollout/situation/standing.ts';
import type { Outcome } from '../../rollout/verdict.ts';
import type { ReleaseEnd } from '../deploy.ts';
import { cleanUp, endByDeletion, lookPatiently } from '../repair/clean-up.ts';
import { signalFor } from '../repair/finish-record.ts';
import { leadBack } from '../repair/lead-back.ts';
import { runRollout } from '../run-rollout.ts';
import type { CommandPorts, CommandRequest } from './command.ts';
import { checkFoundAccess } from './command-access.ts';

/** Ends a rollout, whoever began it and from wherever: takes it over, takes the canary back or puts the old images back, and cleans up. */
export async function abort(request: CommandRequest, ports: CommandPorts): Promise<ReleaseEnd> {
  const { cluster } = ports;
  const situation = await cluster.look();
  await checkFoundAccess(request, ports, situation);
  const end = situation.job?.ours === true ? await abortRollout(request, ports, situation) : nothingRuns(request, situation);
  let before = await lookPatiently(ports);
  if ((await leadBack(request, ports, before)) !== undefined) before = await lookPatiently(ports);
  if (before !== undefined && standingOf(before) === 'left') await cleanUp(request, ports, before);
  const after = await lookPatiently(ports);
  return after === undefined ? end : { ...end, outcome: abortTruth(end.outcome, end.images, after) };
}

async function abortRollout(request: CommandRequest, ports: CommandPorts, situation: Situation): Promise<ReleaseEnd> {
  const { cluster, reporter, clock } = ports;
  const { holder } = request;
  const because = `aborted by ${holder.actor} in ${holder.runUrl}`;
  const aborted: Outcome = { result: 'rolled-back', reason: 'aborted', because, evidence: [] };
  reporter.write({
    object: `Job ${situation.names.job}: journal`,
    from: situation.job?.journal?.state.holder.runUrl ?? 'not readable',
    to: holder.runUrl,
    because,
  });
  const seized = await cluster.seize(situation, holder, (state, nowMs) => abortedState(state, nowMs, because));
  if (seized === undefined) {
    // Its Job is gone, is over, or tells nothing: what there is of it ends by deletion.
    const now = await lookPatiently(ports);
    const rollout = now === undefined ? undefined : await endByDeletion(request, ports, now, aborted);
    return { outcome: aborted, images: situation.job?.journal?.plan.images ?? [], plan: undefined, rollout };
  }
  const { plan, state } = seized;
  ports.remember(plan, state.jobUid);
  const rollout = await runRollout({ world: cluster.world(plan), metrics: undefined, reporter, clock }, plan, state, signalFor(state));
  return { outcome: abortOutcome(rollout.outcome, plan, because), images: plan.images, plan, rollout };
}

function nothingRuns({ deployment }: CommandRequest, situation: Situation): ReleaseEnd {
  const { blueGreen, canary } = situation;
  const ofGreen = blueGreen?.green?.ours === true || isFlippedWithoutJob(situation);
  const hasOrphan = canary?.ours === true || ofGreen;
  const outcome: Outcome = hasOrphan
    ? {
        result: 'rolled-back',
        reason: 'aborted',
        because: `no rollout of ${deployment} was running; ${ofGreen ? 'the green' : 'the canary'} that one had left is gone`,
        evidence: [],
      }
    : { result: 'unchanged', reason: 'nothing-running', because: `no rollout of ${deployment} is running: nothing to abort`, evidence: [] };
  return { outcome, images: [], plan: undefined, rollout: undefined };
}

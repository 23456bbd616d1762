import { UserError } from '../../errors.ts';
import type { Earlier } from '../../rollout/explain/report.ts';
import { namesFor } from '../../rollout/names.ts';
import type { Situation } from '../../rollout/situation/situation.ts';
import { leftOf, remedyOf, type Standing, standingOf } from '../../rollout/situation/standing.ts';
import type { Outcome } from '../../rollout/verdict.ts';
import type { ReleaseEnd } from '../deploy.ts';
import { cleanUp, endByDeletion, lookPatiently } from '../repair/clean-up.ts';
import { finishUnlessBusy, leadBack } from '../repair/lead-back.ts';
import type { CommandPorts, CommandRequest } from './command.ts';
import { checkFoundAccess } from './command-access.ts';

/** Brings a Deployment to rest after a run that died: finishes or undoes its record, removes what it left. A rollout that lives is left alone. */
export async function reconcile(request: CommandRequest, ports: CommandPorts): Promise<ReleaseEnd> {
  const { cluster } = ports;
  const situation = await cluster.look();
  await checkFoundAccess(request, ports, situation);
  const standing = standingOf(situation);
  refuseUnseen(situation);
  const done: string[] = [];
  let earlier: Earlier | undefined;
  if (standing === 'stale') {
    earlier = await finishUnlessBusy(request, ports);
    if (earlier !== undefined) done.push(described(earlier));
  }
  if (standing === 'over') {
    await endByDeletion(request, ports, situation, endedOutcome(situation));
    done.push('the Job of an ended rollout is gone');
  }
  let before = await lookPatiently(ports);
  const led = await leadBack(request, ports, before);
  if (led !== undefined) {
    earlier = earlier ?? led;
    done.push(described(led));
    before = await lookPatiently(ports);
  }
  if (before !== undefined && standingOf(before) === 'left') {
    await cleanUp(request, ports, before);
    done.push(`removed: ${leftOf(before).join('; ')}`);
  }
  const outcome = outcomeOf(request.deployment, done, earlier, done.length > 0 ? await lookPatiently(ports) : before);
  return { outcome, images: earlier?.images ?? [], plan: undefined, rollout: undefined };
}

/** Nobody may take a label away who cannot know whose it is. */
function refuseUnseen({ stable: { heldBy }, target: { namespace, deployment } }: Situation): void {
  if (heldBy === undefined || heldBy.seen) return;
  throw new UserError(
    'permission-missing',
    `The label of a rollout on Deployment ${deployment} may be one of Deployment ${heldBy.deployment}, which is behind the same Service, and whether that runs cannot be seen`,
    `Run command: reconcile with deployment: ${heldBy.deployment} and canary-deployment: ${deployment}, or allow get on jobs.batch ${namesFor(heldBy.deployment).job} in namespace ${namespace}. If no such rollout runs, the next release of ${deployment} replaces the label`,
  );
}

function described({ runUrl, outcome }: Earlier): string {
  return `the release of the run ${runUrl} was ${outcome.result}: ${outcome.because}`;
}

function endedOutcome({ job }: Situation): Outcome {
  return { result: 'failed', reason: 'lock-lost', because: `the rollout's Job is over: ${job?.facts.over ?? ''}`, evidence: [] };
}

const unfinished: ReadonlySet<Outcome['reason']> = new Set(['write-refused', 'cluster-unreachable']);

function outcomeOf(deployment: string, done: readonly string[], earlier: Earlier | undefined, after: Situation | undefined): Outcome {
  if (after === undefined) {
    const because = [...done, 'the Deployment is gone, or the API server does not answer any more'].join('; ');
    return { result: 'failed', reason: 'cluster-unreachable', because, evidence: [] };
  }
  const standing = standingOf(after);
  const left = leftOf(after);
  if (earlier !== undefined && earlier.outcome.result === 'failed' && unfinished.has(earlier.outcome.reason)) return earlier.outcome;
  if (left.length > 0) {
    return { result: 'failed', reason: 'write-refused', because: [...done, `still there: ${left.join('; ')}`].join('; '), evidence: [] };
  }
  if (done.length > 0) return { result: 'done', reason: 'reconciled', because: done.join('; '), evidence: [] };
  if (after.stable.heldBy !== undefined) {
    const because = `a rollout of Deployment ${after.stable.heldBy.deployment} holds ${deployment} as its second one: nothing to do here`;
    return { result: 'done', reason: 'running', because, evidence: [] };
  }
  if (standing === 'none')
    return { result: 'done', reason: 'nothing-running', because: `nothing to reconcile for ${deployment}`, evidence: [] };
  return { result: 'done', reason: 'running', because: `${leftAlone[standing]}: ${remedyOf(standing)}`, evidence: [] };
}

const leftAlone: Readonly<Record<Standing, string>> = {
  none: '',
  left: '',
  running: 'a rollout is running',
  silent: 'a rollout has lost its runner',
  stale: 'another run has just taken the record over',
  over: 'a rollout is ending',
  unreadable: 'a Job of ours has no readable journal',
};

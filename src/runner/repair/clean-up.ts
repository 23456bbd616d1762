import { isFault, messageOf, UserError } from '../../errors.ts';
import { cleanedOutcome, cleaningPlan, leftRollouts } from '../../rollout/situation/clean-up.ts';
import { isFlippedWithoutJob } from '../../rollout/situation/left-colours.ts';
import type { Situation } from '../../rollout/situation/situation.ts';
import type { ReleaseSpec } from '../../rollout/spec.ts';
import { type Holder, type RolloutState, startState } from '../../rollout/state.ts';
import { recoveryPhase } from '../../rollout/strategies/first-phase.ts';
import type { Outcome } from '../../rollout/verdict.ts';
import type { Clock, Cluster, Reporter } from '../ports.ts';
import type { RolloutEnd } from '../run-rollout.ts';
import { runRollout } from '../run-rollout.ts';

export type CleanUpRequest = { readonly holder: Holder; readonly spec: ReleaseSpec };
export type CleanUpPorts = { readonly cluster: Cluster; readonly reporter: Reporter; readonly clock: Clock };

/** What is begun here is brought to its end: the next process would have to do the same. */
const neverAborted = new AbortController().signal;

const attemptsMax = 30;
const attemptPauseMs = 1_000;

/** A look after the first write: a lost connection must not keep this from its work. Undefined: the API server does not answer any more. */
export async function lookPatiently({ cluster, clock, reporter }: CleanUpPorts): Promise<Situation | undefined> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    try {
      return await cluster.look();
    } catch (error) {
      // The Deployment may have been deleted meanwhile, and everything of ours with it.
      if (error instanceof UserError && error.code === 'deployment-missing') return undefined;
      if (!isFault(error)) throw error;
      reporter.info(`the API server: ${messageOf(error)}; looking again`);
      await clock.sleep(attemptPauseMs, neverAborted);
    }
  }
  return undefined;
}

/** Removes what rollouts have left whose Jobs are gone: canary, green, labels and annotations, our name in managedFields. A Service that is flipped goes back first. */
export async function cleanUp(request: CleanUpRequest, ports: CleanUpPorts, situation: Situation): Promise<void> {
  const plan = cleaningPlan(situation, request.spec);
  for (const jobUid of leftRollouts(situation)) {
    const state = startState(request.holder, jobUid, situation.nowMs);
    if (isFlippedWithoutJob(situation)) {
      const { cluster, reporter, clock } = ports;
      const begun = { ...state, phase: recoveryPhase(situation.nowMs, cleanedOutcome.because) };
      await runRollout({ world: cluster.world(plan), metrics: undefined, reporter, clock }, plan, begun, neverAborted);
    } else await runEnd(ports, plan, state, cleanedOutcome, situation.nowMs);
  }
}

/** Ends a rollout that has a Job of ours by deleting it, whatever its journal says. */
export async function endByDeletion(
  request: CleanUpRequest,
  ports: CleanUpPorts,
  situation: Situation,
  outcome: Outcome,
): Promise<RolloutEnd | undefined> {
  const { job, nowMs } = situation;
  if (job?.ours !== true) return undefined;
  const plan = job.journal?.plan ?? cleaningPlan(situation, request.spec);
  const state = job.journal?.state ?? startState(request.holder, job.facts.uid, nowMs);
  return runEnd(ports, plan, state, outcome, nowMs);
}

function runEnd(
  { cluster, reporter, clock }: CleanUpPorts,
  plan: Parameters<Cluster['world']>[0],
  state: RolloutState,
  outcome: Outcome,
  nowMs: number,
): Promise<RolloutEnd> {
  const ports = { world: cluster.world(plan), metrics: undefined, reporter, clock };
  return runRollout(ports, plan, { ...state, phase: { kind: 'ending', sinceMs: nowMs, outcome } }, neverAborted);
}

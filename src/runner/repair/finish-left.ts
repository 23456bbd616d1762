import { isFault, messageOf } from '../../errors.ts';
import type { BlueGreenFacts, StableFacts } from '../../rollout/observation.ts';
import { imagesOn } from '../../rollout/phases/promoting.ts';
import { keepsGreen } from '../../rollout/plan/kept-green-plan.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import { isUndoneByDeletion, type Phase, type RolloutState, resumed } from '../../rollout/state.ts';
import { recoveryPhase } from '../../rollout/strategies/first-phase.ts';
import { pairLeft, phaseLeft } from '../../rollout/strategies/pair-ends.ts';
import { withoutMetrics } from '../../rollout/strategies/rules-in-force.ts';
import type { Outcome } from '../../rollout/verdict.ts';
import type { ClusterObservation } from '../ports.ts';
import type { RolloutEnd, RolloutPorts } from '../run-rollout.ts';
import { runRollout } from '../run-rollout.ts';

const attemptsMax = 30;
const attemptPauseMs = 1_000;

/**
 * Finishes or undoes what a process that is dead has left: before the promotion everything goes; after it, the Deployment is followed until
 * it is complete, or gets its old images back where the run was cancelled or the new pods fail.
 */
export async function finishLeft(ports: RolloutPorts, plan: Plan, state: RolloutState, cancelled: boolean): Promise<RolloutEnd> {
  const cancel = new AbortController();
  if (!isUndoneByDeletion(state.phase)) {
    const { nowMs } = await observePatiently(ports, cancel.signal);
    if (cancelled || state.abort !== undefined) cancel.abort();
    // Its time begins anew: nobody has worked on it since its process died.
    const left = { ...resumed(state, nowMs), phase: phaseLeft(state.phase, nowMs) };
    return runRollout(ports, withoutMetrics(plan, state), left, cancel.signal);
  }
  const because = cancelled ? 'the run was cancelled' : 'the run ended before its rollout did';
  const outcome =
    state.phase.kind === 'ending' || state.phase.kind === 'aborting'
      ? state.phase.outcome
      : ({ result: 'rolled-back', reason: 'cancelled', because, evidence: [] } as const);
  const observation = await observePatiently(ports, cancel.signal);
  const { nowMs, stable, blueGreen } = observation;
  // A green that the user keeps serves for good once our annotation is gone.
  const isOurs = (rollout: string | undefined): boolean => !keepsGreen(plan) || rollout === state.jobUid;
  if (blueGreen?.services.some(({ colour, rollout }) => colour === 'green' && isOurs(rollout)) === true) {
    // The journal is lost, the flip is not.
    return runRollout(ports, plan, { ...state, phase: recoveryPhase(nowMs, because) }, cancel.signal);
  }
  const lost = pairLeft(plan, state, observation, outcome);
  if (lost !== undefined) return runRollout(ports, plan, lost, cancel.signal);
  const ending: Phase = { kind: 'ending', sinceMs: nowMs, outcome: truthOf(plan, stable, blueGreen, outcome) };
  return runRollout(ports, plan, { ...state, phase: ending }, cancel.signal);
}

/** One lost connection must not keep the only process that still works on this from its work. */
async function observePatiently({ world, clock, reporter }: RolloutPorts, signal: AbortSignal): Promise<ClusterObservation> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await world.observe(signal);
    } catch (error) {
      if (!isFault(error) || attempt === attemptsMax) throw error;
      reporter.info(`the API server: ${messageOf(error)}; looking again`);
      await clock.sleep(attemptPauseMs, signal);
    }
  }
}

/** Without a journal the state knows of no promotion: the images do. */
function truthOf(plan: Plan, stable: StableFacts | undefined, blueGreen: BlueGreenFacts | undefined, outcome: Outcome): Outcome {
  if (outcome.result !== 'promoted' && keepsGreen(plan) && blueGreen?.services.every(({ colour }) => colour === 'green') === true) {
    return { ...outcome, result: 'failed', because: `${outcome.because}; ${plan.names.green} serves` };
  }
  if (outcome.result === 'promoted' || stable === undefined || imagesOn(plan, stable) !== 'new') return outcome;
  return { ...outcome, result: 'failed', because: `${outcome.because}; the new image stands` };
}

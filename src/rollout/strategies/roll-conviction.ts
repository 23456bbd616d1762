import { mixedImage, movedImage } from '../gates/image-identity.ts';
import { type Diagnosis, diagnose } from '../gates/readiness.ts';
import type { Observation, StableFacts } from '../observation.ts';
import { outcome } from '../phases/interruption.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import type { Outcome } from '../verdict.ts';
import { judgeInForce } from './rules-in-force.ts';

/** A pod that was ready and is not for this long takes the release back: the next old pods are going already. */
const lostMs = 10_000;
const lossesMax = 3;
/** With fewer pods than maxUnavailable allows there is less patience still. */
const shortMs = 3_000;

/** What takes the images back while Kubernetes replaces the pods; undefined while nothing does. */
export function rollConviction(
  plan: Plan,
  state: RolloutState,
  judged: readonly string[],
  observation: Observation,
  stable: StableFacts,
): Outcome | undefined {
  const { nowMs, cancelled } = observation;
  if (cancelled) return outcome('rolled-back', 'cancelled', 'the run was cancelled while the new version rolled out');
  // What the counters say does not wait for the controller.
  if (!stable.settled) return failingMetrics(plan, state, nowMs);
  if (stable.paused) {
    return outcome('rolled-back', 'changed-by-others', `somebody paused the Deployment ${plan.target.deployment} while it rolled out`);
  }
  if (stable.desiredReplicas === 0) {
    return outcome('rolled-back', 'scaled-to-zero', `somebody scaled the Deployment ${plan.target.deployment} to 0: nothing can be judged`);
  }
  const moved = judged.length > 0 ? movedImage(plan.images, stable, judged) : mixedImage(plan.images, stable, 'the new');
  if (moved !== undefined) return outcome('rolled-back', 'image-changed', moved);
  const diagnosis = diagnose(stable, nowMs);
  if (diagnosis.kind === 'fatal') return outcome('rolled-back', diagnosis.reason, diagnosis.because, diagnosis.evidence);
  return (
    failingMetrics(plan, state, nowMs) ?? lostPods(state, stable, diagnosis, nowMs) ?? standstill(plan, state, stable, diagnosis, nowMs)
  );
}

/** New and old pods serve at the same time: an outage that both share convicts nobody. */
function failingMetrics(plan: Plan, state: RolloutState, nowMs: number): Outcome | undefined {
  const verdict = judgeInForce(plan, state, nowMs);
  return verdict?.kind === 'fail' ? outcome('rolled-back', verdict.reason, verdict.because, verdict.evidence) : undefined;
}

function lostPods({ roll }: RolloutState, stable: StableFacts, diagnosis: Diagnosis, nowMs: number): Outcome | undefined {
  if (roll?.lostSinceMs === undefined || diagnosis.kind !== 'waiting') return undefined;
  const lostForMs = nowMs - roll.lostSinceMs;
  const shortForMs = roll.shortSinceMs === undefined ? 0 : nowMs - roll.shortSinceMs;
  if (lostForMs <= lostMs && shortForMs <= shortMs && roll.losses < lossesMax) return undefined;
  const short = roll.shortSinceMs === undefined ? '' : `; ${stable.availableReplicas} of ${stable.desiredReplicas} pods are available`;
  const because = `new pods were ready and are not any more${short}: ${diagnosis.because}`;
  return outcome('rolled-back', diagnosis.reason, because, diagnosis.evidence);
}

function standstill(plan: Plan, { roll }: RolloutState, stable: StableFacts, diagnosis: Diagnosis, nowMs: number): Outcome | undefined {
  const why = diagnosis.kind === 'none' ? '' : `: ${diagnosis.because}`;
  if (stable.progressDeadlineExceeded) {
    if (diagnosis.kind === 'environment')
      return outcome('inconclusive', diagnosis.reason, `the Deployment missed its own progress deadline${why}`);
    return outcome('rolled-back', 'promotion-stuck', `the Deployment missed its own progress deadline${why}`);
  }
  const idleMs = roll === undefined ? 0 : nowMs - roll.progressAtMs;
  if (idleMs < plan.spec.readyTimeoutMs) return undefined;
  const because = `no further new pod became ready within ${Math.round(idleMs / 1000)} s${why}`;
  if (diagnosis.kind === 'environment') return outcome('inconclusive', diagnosis.reason, because);
  if (diagnosis.kind === 'waiting') return outcome('rolled-back', diagnosis.reason, because, diagnosis.evidence);
  // All new pods are ready: what is missing are old ones that take their time to go.
  return roll !== undefined && roll.readyMost >= stable.desiredReplicas ? undefined : outcome('rolled-back', 'not-ready', because);
}

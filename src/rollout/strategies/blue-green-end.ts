import type { Decision } from '../decision.ts';
import type { Observation } from '../observation.ts';
import { keepsGreen } from '../plan/kept-green-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import { ownerOf } from './blue-green-flip.ts';

const pollMs = 200;
/** The garbage collector takes tenths of a second; after this we delete what it should have taken. */
const collectorMs = 5_000;

/** What an end still has to do for blue-green once the Job is gone; undefined when there is nothing. */
export function endBlueGreen(plan: Plan, state: RolloutState, elapsedMs: number, { blueGreen }: Observation): Decision | undefined {
  if (blueGreen === undefined) return undefined;
  const { green, preview, services } = blueGreen;
  const used = services.some((service) => service.colour === 'green' && !service.terminating);
  const late = elapsedMs > collectorMs;
  if (green !== undefined && green.rollout === ownerOf(plan, state) && !used) {
    if (!green.terminating && (late || !green.owned)) {
      return { kind: 'apply', command: { kind: 'ensure-green-deleted' }, because: 'its Job is gone, and no Service leads to it' };
    }
    return { kind: 'wait', ms: pollMs, because: `waiting until ${plan.names.green} is gone` };
  }
  if (preview !== undefined && preview.rollout === ownerOf(plan, state) && late && !preview.terminating) {
    return {
      kind: 'apply',
      command: { kind: 'ensure-preview-deleted' },
      because: 'its Job is gone and the garbage collector did not take it',
    };
  }
  if (preview !== undefined && preview.rollout === ownerOf(plan, state)) {
    return { kind: 'wait', ms: pollMs, because: `waiting until Service ${plan.names.preview} is gone` };
  }
  const kept = keepsGreen(plan);
  const marked = services.find(
    (service) => service.rollout === state.jobUid && (kept || service.colour !== 'green') && !service.terminating,
  );
  if (marked !== undefined) {
    return {
      kind: 'apply',
      command: { kind: kept ? 'ensure-service-fence-released' : 'ensure-flipped-back', service: marked.name },
      because: 'the rollout is over',
    };
  }
  const owned = services.find((service) => service.owned && service.rollout === undefined && !service.terminating);
  if (owned === undefined) return undefined;
  const command = { kind: 'ensure-service-ownership-released', service: owned.name } as const;
  return { kind: 'apply', command, because: "the user's next apply must not conflict with us" };
}

/** What of ours is still in the cluster, in words. */
export function leftOfBlueGreen(plan: Plan, state: RolloutState, { blueGreen }: Observation): readonly string[] {
  const left: string[] = [];
  if (blueGreen?.green?.rollout === ownerOf(plan, state)) left.push(`Deployment ${plan.names.green}`);
  if (blueGreen?.preview?.rollout === ownerOf(plan, state)) left.push(`Service ${plan.names.preview}`);
  for (const service of blueGreen?.services ?? []) {
    if (service.rollout === state.jobUid) left.push(`the annotation of this rollout on Service ${service.name}`);
  }
  return left;
}

import { guardConfigMaps } from './configuration/config-maps.ts';
import type { Decision } from './decision.ts';
import type { Observation } from './observation.ts';
import { decideAborting } from './phases/aborting.ts';
import { decideArming, decideFencing } from './phases/arming.ts';
import { decideBaking } from './phases/baking.ts';
import { decideEnding } from './phases/ending.ts';
import { decidePromoting, decideReverting } from './phases/promoting.ts';
import { decideRolling } from './phases/rolling.ts';
import { decideTrial } from './phases/trial.ts';
import { keepsGreen } from './plan/kept-green-plan.ts';
import type { Plan } from './plan/plan.ts';
import type { RolloutState } from './state.ts';
import { decideGreen, decideLive } from './strategies/blue-green.ts';
import { decideDraining, decideFlipping, decideFlippingBack } from './strategies/blue-green-flip.ts';
import { decideUpdating } from './strategies/blue-green-update.ts';
import { decideStep } from './strategies/canary.ts';
import { decideKeptFlipping, decideKeptFlippingBack, decideKeptGreen, decideKeptLive } from './strategies/kept-green.ts';
import { decideExchanging, decideGreenRestoring } from './strategies/kept-green-ends.ts';
import { decidePairFinishing, decidePairStep } from './strategies/pair.ts';
import { decidePairRestoring } from './strategies/pair-restoring.ts';

/** The next single thing to do. Pure: the same plan, state and observation always give the same decision. */
export function decide(plan: Plan, state: RolloutState, observation: Observation): Decision {
  return guardConfigMaps(plan, state, observation, decideForPhase(plan, state, observation));
}

function decideForPhase(plan: Plan, state: RolloutState, observation: Observation): Decision {
  const { phase } = state;
  switch (phase.kind) {
    case 'arming':
      return decideArming(plan, state, phase, observation);
    case 'fencing':
      return decideFencing(plan, state, phase, observation);
    case 'step':
      return decideStep(plan, state, phase, observation);
    case 'promoting':
      return decidePromoting(plan, state, phase, observation);
    case 'trial':
      return decideTrial(plan, state, phase, observation);
    case 'rolling':
      return decideRolling(plan, state, phase, observation);
    case 'baking':
      return decideBaking(plan, state, phase, observation);
    case 'reverting':
      return decideReverting(plan, state, phase, observation);
    case 'aborting':
      return decideAborting(plan, state, phase, observation);
    case 'green':
      return decideGreen(plan, state, observation);
    case 'flipping':
      return (keepsGreen(plan) ? decideKeptFlipping : decideFlipping)(plan, state, phase, observation);
    case 'live':
      return (keepsGreen(plan) ? decideKeptLive : decideLive)(plan, state, phase, observation);
    case 'updating':
      return decideUpdating(plan, state, phase, observation);
    case 'flipping-back':
      return (keepsGreen(plan) ? decideKeptFlippingBack : decideFlippingBack)(plan, state, phase, observation);
    case 'draining':
      return decideDraining(plan, state, phase, observation);
    case 'kept-green':
      return decideKeptGreen(plan, state, phase, observation);
    case 'exchanging':
      return decideExchanging(plan, state, phase, observation);
    case 'green-restoring':
      return decideGreenRestoring(plan, state, phase, observation);
    case 'pair-step':
      return decidePairStep(plan, state, phase, observation);
    case 'pair-finishing':
      return decidePairFinishing(plan, state, phase, observation);
    case 'pair-restoring':
      return decidePairRestoring(plan, state, phase, observation);
    case 'ending':
      return decideEnding(plan, state, phase, observation);
  }
}

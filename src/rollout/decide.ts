import type { Decision } from './decision.ts';
import type { Observation } from './observation.ts';
import { decideArming, decideFencing } from './phases/arming.ts';
import { decideEnding } from './phases/ending.ts';
import { decidePromoting, decideReverting } from './phases/promoting.ts';
import type { Plan } from './plan.ts';
import type { RolloutState } from './state.ts';
import { decideStep } from './strategies/canary.ts';
import { decidePairFinishing, decidePairStep } from './strategies/pair.ts';
import { decidePairRestoring } from './strategies/pair-restoring.ts';

/** The next single thing to do. Pure: the same plan, state and observation always give the same decision. */
export function decide(plan: Plan, state: RolloutState, observation: Observation): Decision {
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
    case 'reverting':
      return decideReverting(plan, state, phase, observation);
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

import type { Decision } from '../decision.ts';
import { advance } from '../heartbeat.ts';
import type { Observation } from '../observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { RolloutState } from '../state.ts';
import { withoutStable } from '../strategies/rules-in-force.ts';

type Judged = { readonly proved: boolean; readonly because: string; readonly judged: readonly string[] };

/** From here on the new version has all the traffic: its steadiness begins anew, and the absolute limit is fixed. */
export function bake(plan: Plan, state: RolloutState, judged: Judged, { nowMs }: Observation, because: string): Decision {
  const fresh: RolloutState = {
    ...withoutStable(plan, state),
    steadiness: undefined,
    unbrokenSinceMs: undefined,
    servingSinceMs: undefined,
    breaks: 0,
    restarts: 0,
  };
  const phase = { kind: 'baking', sinceMs: nowMs, proved: judged.proved, because: judged.because, judged: judged.judged } as const;
  return advance(fresh, phase, nowMs, because);
}

/** How long the new version is watched once all its pods are available, in milliseconds. After a canary that is the bake alone. */
export function bakeMsOf(plan: Plan, state: RolloutState): number {
  const { strategy, bakeMs, minDurationMs } = plan.spec;
  if (state.resumed === true) return minDurationMs;
  return strategy === 'rolling' || strategy === 'recreate' ? Math.max(bakeMs, minDurationMs) : bakeMs;
}

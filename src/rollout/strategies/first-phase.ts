import type { Plan } from '../plan.ts';
import type { Phase } from '../state.ts';

/** The phase with which the strategy begins once the Deployment is fenced. */
export function firstPhase(plan: Plan, nowMs: number): Phase {
  if (plan.pair !== undefined) return { kind: 'pair-step', index: 0, sinceMs: nowMs, wished: [plan.pair.found], by: '' };
  switch (plan.spec.strategy) {
    case 'canary':
    case 'rolling':
    case 'recreate':
    case 'blue-green':
      return { kind: 'step', index: 0, sinceMs: nowMs };
  }
}

import type { Plan } from '../plan.ts';
import type { Phase } from '../state.ts';

/** The phase with which the strategy begins once the Deployment is fenced. */
export function firstPhase(plan: Plan, nowMs: number): Phase {
  switch (plan.spec.strategy) {
    case 'rolling':
      return { kind: 'rolling', sinceMs: nowMs, judged: [] };
    case 'recreate':
      return { kind: 'trial', sinceMs: nowMs };
    case 'canary':
    case 'blue-green':
      return { kind: 'step', index: 0, sinceMs: nowMs };
  }
}

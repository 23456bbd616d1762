import { keepsGreen } from '../plan/kept-green-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { Phase } from '../state.ts';

/** The phase with which the strategy begins once the Deployment is fenced. */
export function firstPhase(plan: Plan, nowMs: number): Phase {
  if (keepsGreen(plan)) return { kind: 'kept-green', sinceMs: nowMs };
  if (plan.pair !== undefined) return { kind: 'pair-step', index: 0, sinceMs: nowMs, wished: [plan.pair.found], by: '' };
  switch (plan.spec.strategy) {
    case 'rolling':
      return { kind: 'rolling', sinceMs: nowMs, judged: [] };
    case 'recreate':
      return { kind: 'trial', sinceMs: nowMs };
    case 'canary':
      return { kind: 'step', index: 0, sinceMs: nowMs };
    case 'blue-green':
      return { kind: 'green', sinceMs: nowMs };
  }
}

/** The record of a rollout is gone, what it did is not: back to what was before it. */
export function recoveryPhase(nowMs: number, because: string): Phase {
  const outcome = { result: 'rolled-back', reason: 'lock-lost', because, evidence: [] } as const;
  return { kind: 'flipping-back', sinceMs: nowMs, outcome, images: 'old', sent: true };
}

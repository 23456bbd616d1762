import { expect, it } from 'vitest';
import { decide } from '../../src/rollout/decide.ts';
import type { Decision } from '../../src/rollout/decision.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import type { Phase, RolloutState } from '../../src/rollout/state.ts';
import { observation, plan, state } from './scene.ts';

/** What matters of a decision, in one line. */
export function brief(decision: Decision): string {
  switch (decision.kind) {
    case 'apply':
      return decision.command.kind === 'ensure-canary' ? `ensure-canary ${decision.command.replicas}` : decision.command.kind;
    case 'advance': {
      const { phase } = decision.to;
      if (phase.kind === 'ending') return `end ${phase.outcome.result} ${phase.outcome.reason}`;
      if (phase.kind === 'reverting') return `revert ${phase.outcome.result} ${phase.outcome.reason}`;
      if (phase.kind === 'step') return `step ${phase.index}`;
      return phase.kind;
    }
    case 'wait':
      return 'wait';
    case 'finish':
      return `finish ${decision.outcome.result}`;
  }
}

/** What is different from the scene, and the decision in short. */
export type Row = {
  readonly name: string;
  readonly plan?: Partial<Plan>;
  readonly state?: Partial<RolloutState>;
  readonly seen?: Partial<Observation>;
  readonly expect: string;
};

export function decisionTable(phase: Phase, rows: readonly Row[], planOf: (changes: Partial<Plan> | undefined) => Plan = plan): void {
  it.each(rows)('$name → $expect', (row) => {
    expect(brief(decide(planOf(row.plan), state(phase, row.state), observation(row.seen)))).toBe(row.expect);
  });
}

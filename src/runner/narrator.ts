import type { TimelineEntry } from '../rollout/explain/report.ts';
import { describeProgress } from '../rollout/gates/metrics-gate.ts';
import type { Observation } from '../rollout/observation.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import type { Phase, RolloutState } from '../rollout/state.ts';
import { countingEvidence } from '../rollout/strategies/rules-in-force.ts';
import type { Clock, Reporter } from './ports.ts';

const reminderMs = 30_000;
const timelineMax = 500;

/** Says what changes, and while nothing does, a line every 30 s with the numbers so far. */
export class Narrator {
  readonly #plan: Plan;
  readonly #reporter: Reporter;
  readonly #clock: Clock;
  readonly #timeline: TimelineEntry[] = [];
  #phase = '';
  #waitingFor = '';
  #spokeAtMs: number;

  constructor(plan: Plan, reporter: Reporter, clock: Clock) {
    this.#plan = plan;
    this.#reporter = reporter;
    this.#clock = clock;
    this.#spokeAtMs = clock.nowMs();
  }

  get timeline(): readonly TimelineEntry[] {
    return this.#timeline;
  }

  phase(phase: Phase): void {
    const title = titleOf(this.#plan, phase);
    if (title === this.#phase) return;
    this.#phase = title;
    this.#waitingFor = '';
    this.#reporter.phase(title);
  }

  note(text: string, because: string, atMs: number): void {
    if (this.#timeline.length < timelineMax) this.#timeline.push({ atMs, phase: this.#phase, text, because });
  }

  /** Numbers in the reason change every second: only its words count as news. */
  waiting(because: string, state: RolloutState, observation: Observation): void {
    const words = because.replaceAll(/[\d.,]+/g, '#');
    const reminder = this.#clock.nowMs() - this.#spokeAtMs >= reminderMs;
    if (words === this.#waitingFor && !reminder) return;
    this.#waitingFor = words;
    this.#spokeAtMs = this.#clock.nowMs();
    const elapsed = Math.round((observation.nowMs - state.startedAtMs) / 1000);
    const counting = countingEvidence(this.#plan, state);
    const progress = counting === undefined ? '' : `; ${describeProgress(counting.rules, counting.evidence)}`;
    this.#reporter.info(`${elapsed} s: ${because}${reminder ? progress : ''}`);
  }
}

/** A phase in words: as the title of a group, and for `command: status`. */
export function titleOf(plan: Plan, phase: Phase): string {
  const { deployment } = plan.target;
  switch (phase.kind) {
    case 'arming':
      return 'Arm the dead-man';
    case 'fencing':
      return `Fence Deployment ${deployment}`;
    case 'step': {
      const step = plan.steps[phase.index];
      return `Step ${phase.index + 1} of ${plan.steps.length}: ${step?.weightPercent ?? 0} %`;
    }
    case 'pair-step': {
      const step = plan.steps[phase.index];
      return `Step ${phase.index + 1} of ${plan.steps.length}: ${step?.weightPercent ?? 0} %`;
    }
    case 'pair-finishing':
      return `All replicas to Deployment ${plan.pair?.name ?? ''}`;
    case 'pair-restoring':
      return 'Put the replicas back that were found';
    case 'promoting':
      return 'Promote';
    case 'trial':
      return 'Try one pod, outside of every Service';
    case 'rolling':
      return plan.spec.strategy === 'recreate' ? 'Recreate' : 'Roll out';
    case 'baking':
      return 'Watch the new version';
    case 'reverting':
      return 'Put the old images back';
    case 'aborting':
      return 'Abort';
    case 'green':
      return `Try ${plan.names.green} without traffic`;
    case 'flipping':
      return `Lead the Services to ${plan.names.green}`;
    case 'live':
      return `Watch ${plan.names.green} under real traffic`;
    case 'updating':
      return `Update Deployment ${deployment}, which has no traffic`;
    case 'flipping-back':
      return `Lead the Services to Deployment ${deployment} again`;
    case 'draining':
      return `Drain ${plan.names.green}`;
    case 'kept-green':
      return `Give Deployment ${plan.names.green} the new version, and try it without traffic`;
    case 'exchanging':
      return `Exchange the two: ${plan.names.green} serves, ${deployment} is idle`;
    case 'green-restoring':
      return `Put Deployment ${plan.names.green} back as it was found`;
    case 'ending':
      return phase.outcome.result === 'promoted' || phase.outcome.result === 'done' || plan.steps.length === 0
        ? 'Clean up'
        : 'Take the canary back';
  }
}

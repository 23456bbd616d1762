import { isFault, messageOf } from '../errors.ts';
import type { Decision } from '../rollout/decision.ts';
import { deadlineFor, needsNoJournal, triesJournal } from '../rollout/heartbeat.ts';
import type { Observation } from '../rollout/observation.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import type { Phase, RolloutState } from '../rollout/state.ts';
import type { Reporter, World } from './ports.ts';

type Ports = { readonly world: World; readonly reporter: Reporter };

/** The state of a rollout in its Job. What gives users their old version is written there where it can be, and does not wait for it. */
export class Journal {
  readonly #ports: Ports;
  readonly #plan: Plan;
  #refused: { readonly phase: Phase['kind']; readonly atMs: number | undefined } | undefined;

  constructor(ports: Ports, plan: Plan) {
    this.#ports = ports;
    this.#plan = plan;
  }

  /** What a look at the cluster at `nowMs` is told. The time counts from the first one: an answer may hang for longer than two tries are apart. */
  unjournalled(nowMs: number): Observation['unjournalled'] {
    if (this.#refused === undefined) return undefined;
    const { phase, atMs = nowMs } = this.#refused;
    const told = { phase, atMs };
    this.#refused = told;
    return told;
  }

  /**
   * Returns the state to go on with: the one before where a write that nothing waits for was refused, because whoever has taken the Job over
   * is seen at the next look. Throws a Fault where the rollout may not go on without the write.
   */
  async advance(state: RolloutState, decision: Extract<Decision, { kind: 'advance' }>, observation: Observation): Promise<RolloutState> {
    const { to } = decision;
    const { world, reporter } = this.#ports;
    if (!decision.journal) {
      // No Job of ours is left that could be behind.
      this.#refused = undefined;
      return to;
    }
    const optional = needsNoJournal(state.phase, to.phase);
    if (optional && !triesJournal(this.#plan, to.phase, observation)) return { ...to, heartbeatAtMs: state.heartbeatAtMs };
    try {
      await world.journal(to, deadlineFor(this.#plan, to.phase));
      this.#refused = undefined;
      return to;
    } catch (error) {
      if (!optional || !isFault(error)) throw error;
      if (this.#refused === undefined)
        reporter.info(`the API server: ${messageOf(error)}; what is left to do does not wait for the journal`);
      this.#refused = { phase: to.phase.kind, atMs: undefined };
      return state;
    }
  }
}

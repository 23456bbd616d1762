import { messageOf } from '../errors.ts';
import type { Decision } from '../rollout/decision.ts';
import { addToCourse, type Course, noCourse } from '../rollout/gates/course.ts';
import type { MetricsReading, Observation } from '../rollout/observation.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import {
  type RecordedPhaseName,
  type RecordedTurn,
  type RecordedUndone,
  recordedPhase,
  recordedRun,
  recordedTurn,
} from '../rollout/recording.ts';
import type { Phase, RolloutState } from '../rollout/state.ts';
import { countingEvidence } from '../rollout/strategies/rules-in-force.ts';
import type { Outcome } from '../rollout/verdict.ts';
import type { Reporter, SampleSink } from './ports.ts';

/** Writes what the gates saw and what was decided, as JSON lines. Nothing that goes wrong here reaches the release. */
export class Recorder {
  readonly #plan: Plan;
  readonly #reporter: Reporter;
  #sink: SampleSink | undefined;
  #began = false;
  #last = '';
  #phase: RecordedPhaseName = 'step';
  #course = noCourse;
  #before: RolloutState['before'];

  constructor(plan: Plan, sink: SampleSink | undefined, reporter: Reporter) {
    this.#plan = plan;
    this.#sink = sink;
    this.#reporter = reporter;
  }

  /** Where the evidence stood, for the report. */
  get course(): Course {
    return this.#course;
  }

  /** `state` is the one that absorbed the observation and was decided on. */
  turn(state: RolloutState, observation: Observation, decision: Decision): void {
    try {
      const counting = countingEvidence(this.#plan, state);
      const begun = state.before === this.#before ? this.#course : noCourse;
      this.#before = state.before;
      this.#course = addToCourse(begun, counting?.rules, counting?.evidence, observation.nowMs);
    } catch {
      // A picture that stops is no reason to stop.
    }
    this.#try((sink) => {
      if (!this.#began) {
        this.#began = true;
        const run = recordedRun(this.#plan, state);
        if (run === undefined) this.#sink = undefined;
        else sink.write(JSON.stringify(run));
      }
      if (this.#sink === undefined) return;
      const turn = recordedTurn(this.#plan, state, observation, decision);
      if (turn !== undefined) this.#write(sink, state, turn);
      const said = decisionLine(state, observation.nowMs, decision);
      if (said !== undefined) sink.write(JSON.stringify(said));
    });
  }

  /** What was decided at `atMs` did not come about. */
  undone(atMs: number): void {
    this.#try((sink) => sink.write(JSON.stringify({ kind: 'undone', atMs } satisfies RecordedUndone)));
  }

  #write(sink: SampleSink, state: RolloutState, turn: RecordedTurn): void {
    const phase = recordedPhase(state);
    if (phase !== undefined && phase.name !== this.#phase) {
      this.#phase = phase.name;
      sink.write(JSON.stringify(phase));
    }
    sink.write(JSON.stringify({ ...turn, metrics: this.#shortened(turn.metrics) }));
  }

  /** A reading like the one before is one word. */
  #shortened(metrics: RecordedTurn['metrics']): RecordedTurn['metrics'] {
    if (typeof metrics !== 'object') return metrics;
    const text = JSON.stringify(metrics satisfies MetricsReading);
    if (text === this.#last) return 'same';
    this.#last = text;
    return metrics;
  }

  #try(write: (sink: SampleSink) => void): void {
    if (this.#sink === undefined) return;
    try {
      write(this.#sink);
    } catch (error) {
      this.#sink = undefined;
      this.#reporter.warning(`the samples are not recorded any more: ${messageOf(error)}. The release goes on`);
    }
  }
}

/** Waits are every second's, and heartbeats are nobody's concern. */
function decisionLine(state: RolloutState, atMs: number, decision: Decision): object | undefined {
  const { because } = decision;
  switch (decision.kind) {
    case 'wait':
      return undefined;
    case 'apply':
      return { kind: 'decision', atMs, what: decision.command.kind, because };
    case 'advance':
      return decision.to.phase === state.phase ? undefined : { kind: 'decision', atMs, ...phaseLine(decision.to.phase), because };
    case 'finish':
      return { kind: 'decision', atMs, what: 'finished', ...endOf(decision.outcome), because };
  }
}

function phaseLine(phase: Phase): object {
  return 'outcome' in phase ? { what: phase.kind, ...endOf(phase.outcome) } : { what: phase.kind };
}

function endOf({ result, reason }: Outcome): object {
  return { result, reason };
}

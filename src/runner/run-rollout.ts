import { AssertionError, type FaultCode, isFault, messageOf } from '../errors.ts';
import { absorb } from '../rollout/absorb.ts';
import { decide } from '../rollout/decide.ts';
import type { Decision } from '../rollout/decision.ts';
import { describeCommand } from '../rollout/explain/describe-command.ts';
import type { Course } from '../rollout/gates/course.ts';
import type { Observation } from '../rollout/observation.ts';
import { leftOver } from '../rollout/phases/ending.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import { isUndoneByDeletion, type Phase, type RolloutState } from '../rollout/state.ts';
import type { Outcome } from '../rollout/verdict.ts';
import { Journal } from './journal.ts';
import { Narrator } from './narrator.ts';
import { observe, type Rejection } from './observe.ts';
import type { Clock, Metrics, Reporter, SampleSink, SmokeTest, World } from './ports.ts';
import { Recorder } from './recorder.ts';

export type RolloutPorts = {
  readonly world: World;
  /** Undefined: judged by readiness alone. */
  readonly metrics: Metrics | undefined;
  /** Undefined where there is no smoke test, or it is not this process' to run. */
  readonly smoke?: SmokeTest | undefined;
  readonly reporter: Reporter;
  readonly clock: Clock;
  /** Undefined: nothing is recorded. */
  readonly samples?: SampleSink | undefined;
};

export type RolloutEnd = {
  readonly outcome: Outcome;
  readonly state: RolloutState;
  readonly timeline: Narrator['timeline'];
  readonly course: Course;
  /** Objects of ours that are still in the cluster; undefined: nobody could look. */
  readonly leftovers: readonly string[] | undefined;
};

/** Faults that say nothing about a write. */
const unanswered: ReadonlySet<FaultCode> = new Set<FaultCode>(['network', 'timeout', 'throttled', 'server']);
const neverAborted = new AbortController().signal;
const turnsMax = 1_000_000;
const faultPauseMs = 1_000;
/** Without the API server for this long (and longer than the dead-man) there is nothing left that we could do. */
const silenceMsMin = 60_000;

/** Runs a rollout to its end: observe, decide, do one thing, report, and again. Everything that matters is in the journal or in the cluster. */
export async function runRollout(ports: RolloutPorts, plan: Plan, start: RolloutState, cancel: AbortSignal): Promise<RolloutEnd> {
  const { clock, reporter } = ports;
  const narrator = new Narrator(plan, reporter, clock);
  const recorder = new Recorder(plan, ports.samples, reporter);
  const journal = new Journal(ports, plan);
  const finished = (outcome: Outcome, state: RolloutState, leftovers?: readonly string[]): RolloutEnd => {
    return { outcome, state, timeline: narrator.timeline, leftovers, course: recorder.course };
  };
  let state = start;
  let rejection: Rejection;
  let heardAtMs = clock.nowMs();
  let seenAtMs: number | undefined;
  for (let turn = 0; turn < turnsMax; turn += 1) {
    if (cancel.aborted && seenAtMs !== undefined && canCancelAtOnce(state.phase)) {
      state = await cancelAtOnce(ports, state, seenAtMs);
    }
    let observation: Observation;
    try {
      // A cancelled run must not be kept from its one request by reads that are under way.
      const signal = seenAtMs !== undefined && canCancelAtOnce(state.phase) ? cancel : neverAborted;
      const seen = await observe(ports, plan, state, rejection, signal);
      observation = { ...seen, unjournalled: journal.unjournalled(seen.nowMs), smoke: ports.smoke?.read(), cancelled: cancel.aborted };
      heardAtMs = clock.nowMs();
      seenAtMs = observation.nowMs;
    } catch (error) {
      if (cancel.aborted && seenAtMs !== undefined && canCancelAtOnce(state.phase)) continue;
      const silentMs = clock.nowMs() - heardAtMs;
      if (silentMs > Math.max(plan.spec.deadManMs, silenceMsMin)) return finished(unreachable(plan, state, error), state);
      await pause(ports, error, cancel);
      continue;
    }
    state = absorb(plan, state, observation);
    narrator.phase(state.phase);
    const decision = decide(plan, state, observation);
    recorder.turn(state, observation, decision);
    if (decision.kind === 'finish') return finished(decision.outcome, state, leftOver(plan, state, observation));
    if (decision.kind === 'wait') {
      narrator.waiting(decision.because, state, observation);
      await clock.sleep(decision.ms, unlessCancelled(cancel));
      continue;
    }
    try {
      const before = state.phase.kind;
      state = await act({ ...ports, journal }, plan, state, decision, narrator, observation);
      // A heartbeat that succeeds says nothing about the write that was refused.
      if (decision.kind === 'apply' || state.phase.kind !== before) rejection = undefined;
    } catch (error) {
      rejection = rejected(rejection, error);
      await pause(ports, error, cancel);
    }
    if (decision.kind === 'advance' && state.phase !== decision.to.phase) recorder.undone(observation.nowMs);
  }
  throw new AssertionError(`a rollout took more than ${turnsMax} turns`);
}

async function act(
  ports: RolloutPorts & { readonly journal: Journal },
  plan: Plan,
  state: RolloutState,
  decision: Extract<Decision, { kind: 'apply' | 'advance' }>,
  narrator: Narrator,
  observation: Observation,
): Promise<RolloutState> {
  if (decision.kind === 'apply') {
    narrator.note(describeCommand(plan, decision.command), decision.because, observation.nowMs);
    if (decision.command.kind === 'run-smoke-test') await runSmokeTest(ports, plan);
    else await ports.world.apply(decision.command, decision.because);
    return state;
  }
  const next = await ports.journal.advance(state, decision, observation);
  if (next.phase !== state.phase) narrator.note('decided', decision.because, observation.nowMs);
  return next;
}

async function runSmokeTest({ smoke, reporter }: RolloutPorts, plan: Plan): Promise<void> {
  if (smoke === undefined) throw new AssertionError('a smoke test is wanted, and there is nobody to run it');
  reporter.info(`the smoke test runs against Service ${plan.names.preview}`);
  await smoke.start(plan);
}

/** Whether one request undoes everything, and has not been decided yet. */
function canCancelAtOnce(phase: Phase): boolean {
  return phase.kind !== 'ending' && isUndoneByDeletion(phase);
}

/** A cancel ends a wait once; the waits of the clean-up after it are waits again. */
function unlessCancelled(cancel: AbortSignal): AbortSignal {
  return cancel.aborted ? neverAborted : cancel;
}

/** A cancelled run has one request before anything else: the Job goes without another look, and its canary with it. */
async function cancelAtOnce(ports: RolloutPorts, state: RolloutState, nowMs: number): Promise<RolloutState> {
  const outcome: Outcome = { result: 'rolled-back', reason: 'cancelled', because: 'the run was cancelled', evidence: [] };
  void ports.smoke?.stop();
  await ports.world
    .apply({ kind: 'ensure-job-deleted' }, outcome.because)
    .catch((error: unknown) => ports.reporter.warning(messageOf(error)));
  return { ...state, phase: { kind: 'ending', sinceMs: nowMs, outcome } };
}

/** Faults of the network say nothing about a write; a refusal that repeats is an answer. */
function rejected(before: Rejection, error: unknown): Rejection {
  if (!isFault(error)) throw error;
  if (unanswered.has(error.code)) return before;
  return { message: error.message, times: (before?.times ?? 0) + 1 };
}

async function pause({ clock, reporter }: RolloutPorts, error: unknown, cancel: AbortSignal): Promise<void> {
  if (!isFault(error)) throw error;
  reporter.info(`the API server: ${messageOf(error)}; looking again`);
  await clock.sleep(faultPauseMs, unlessCancelled(cancel));
}

function unreachable(plan: Plan, state: RolloutState, error: unknown): Outcome {
  const healed = isUndoneByDeletion(state.phase)
    ? `the dead-man takes the canary ${plan.names.canary} away, the Deployment ${plan.target.deployment} is untouched`
    : `the Job ${plan.names.job} records what must be finished or undone`;
  return {
    result: 'failed',
    reason: 'cluster-unreachable',
    because: `the API server cannot be reached (${messageOf(error)}): ${healed}`,
    evidence: [],
  };
}

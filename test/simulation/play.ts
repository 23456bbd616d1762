import type { Plan } from '../../src/rollout/plan/plan.ts';
import type { Holder } from '../../src/rollout/state.ts';
import type { Outcome } from '../../src/rollout/verdict.ts';
import type { Cluster } from '../../src/runner/ports.ts';
import { checkCommandEnd } from './check-commands.ts';
import { checkReplay } from './check-replay.ts';
import { Checker } from './checker.ts';
import { SimulatedClient, simulatedMetrics } from './client.ts';
import { deadlineOf } from './jobs.ts';
import { deployment, images, namespace } from './objects.ts';
import { scheduleDeeds } from './people.ts';
import { SimulatedProcess } from './process.ts';
import { type Rollout, recordOf } from './rollout-record.ts';
import { calm, type Faults, type RunScript, run, type Scenario, shortSpec } from './scenario.ts';
import { epochMs } from './schedule.ts';
import type { Subject } from './subject.ts';
import { simulatedReporter, World } from './world.ts';

export type Played = {
  readonly violations: readonly string[];
  readonly log: readonly string[];
  /** How each run ended: a result with its reason, or how it died. */
  readonly ends: Readonly<Record<string, string>>;
  /** The calls of the first run, for those who choose where it dies. */
  readonly trace: readonly ('read' | 'write')[];
  readonly virtualMs: number;
  readonly deaths: number;
  /** Verdicts of metrics that the recordings of these runs have given again, by phase. */
  readonly replayed: Readonly<Record<string, number>>;
};

type Remembered = { readonly plan: Plan; readonly jobUid: string; readonly holder: Holder };
type Stage = {
  readonly world: World;
  readonly checker: Checker;
  readonly subject: Subject;
  readonly ends: Record<string, string>;
  readonly running: Set<SimulatedProcess>;
  /** Main steps that have not even begun, and post steps that are to come. */
  expected: number;
  deaths: number;
  readonly replayed: Record<string, number>;
};

const postAfterMs = 1_000;
const oneHourMs = 3_600_000;

/** Plays one scenario to its end and says what the checker saw. The same scenario always plays the same. */
export async function play(scenario: Scenario, subject: Subject): Promise<Played> {
  const world = new World(scenario);
  const stage: Stage = {
    world,
    checker: new Checker(world),
    subject,
    ends: {},
    running: new Set(),
    expected: scenario.runs.length,
    deaths: 0,
    replayed: {},
  };
  let first: SimulatedProcess | undefined;
  scheduleDeeds(world, scenario.deeds);
  for (const script of scenario.runs) {
    world.schedule.at(epochMs + script.startMs, () => {
      const process = begin(stage, script, script.name, scenario.faults);
      first ??= process;
      main(stage, process, recordOf(script.name, world.schedule.nowMs));
    });
  }
  const idle = (): boolean => stage.running.size === 0 && stage.expected === 0;
  await world.schedule.run(epochMs + limitMs(scenario), idle);
  for (const process of stage.running) stage.checker.violate('I14', `${process.name} does not end`);
  checkEnds(stage, scenario);
  if (stage.running.size === 0) await heal(stage, scenario);
  const virtualMs = world.schedule.nowMs - epochMs;
  return {
    violations: stage.checker.violations,
    log: world.lines,
    ends: stage.ends,
    trace: first?.trace ?? [],
    virtualMs,
    deaths: stage.deaths,
    replayed: stage.replayed,
  };
}

/** I14: every wait of every run, one after the other (the way back may take an hour), and everything that keeps it from turns or answers. */
function limitMs(scenario: Scenario): number {
  const runs = scenario.runs.map((script) => {
    const { timeoutMs, readyTimeoutMs, deadManMs } = script.spec;
    const pauses = script.pauses.reduce((sum, pause) => sum + pause.ms, script.interference?.pauseMs ?? 0);
    return script.startMs + timeoutMs * 4 + readyTimeoutMs + deadManMs * 4 + pauses + script.patience * 20_000 + 600_000 + oneHourMs;
  });
  const outages = scenario.faults.partitions.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  return runs.reduce((sum, ms) => sum + ms, outages);
}

/** Safe is not enough: a good release to which nothing happens is promoted, and one that never serves is not. */
function checkEnds({ checker, ends }: Stage, scenario: Scenario): void {
  const [first, ...others] = scenario.runs;
  const behaviour = scenario.behaviours[first?.tag ?? ''];
  if (first === undefined || behaviour === undefined) return;
  const end = ends[first.name] ?? 'nothing';
  const isHopeless = ['crash', 'never-ready', 'pull', 'unschedulable'].includes(behaviour.fate);
  if (isHopeless && end.startsWith('promoted')) checker.violate('I3', `${first.name} promoted what never served`);
  const isDisturbed = scenario.faults !== calm || scenario.deeds.length > 0 || others.length > 0 || scenario.jobStartsAfterMs === undefined;
  const isStopped = first.dies ?? first.interference ?? first.killedAtMs ?? first.cancelledAtMs ?? first.pauses[0];
  if (isDisturbed || isStopped !== undefined || first.spec.judgedBy === 'metrics' || first.spec.timeoutMs < 100_000) return;
  const isGood = behaviour.fate === 'good' && behaviour.movesAtMs === undefined && behaviour.startMs[1] <= 3_000;
  if (isGood && end !== 'promoted gates-passed') checker.violate('liveness', `${first.name}, good and undisturbed, ended with ${end}`);
}

function strayMs(scenario: Scenario): number {
  const isOrderly = scenario.faults === calm;
  return 3_500 + (isOrderly ? 0 : Math.max(...scenario.runs.map((script) => script.spec.deadManMs / 4)));
}

/** I5, I7: what is left when everybody is gone heals by itself, and the next run finds its way. */
async function heal(stage: Stage, scenario: Scenario): Promise<void> {
  const { world, checker } = stage;
  const { api, schedule } = world;
  const never = (): boolean => false;
  const lastDeedMs = epochMs + Math.max(0, ...scenario.deeds.map((deed) => deed.atMs));
  // What was on its way when its process died still arrives.
  await schedule.run(Math.max(lastDeedMs, schedule.nowMs + strayMs(scenario)), never);
  const deadlineMs = deadlineOf(api.get('job')) ?? schedule.nowMs;
  await schedule.run(deadlineMs + 3_000, never);
  if (scenario.jobStartsAfterMs === undefined) return;
  if (api.get('job') !== undefined) checker.violate('I5', 'the Job is still there, long after its deadline');
  const isOrphan = api.get('canary')?.metadata?.ownerReferences?.length === 0;
  if (api.get('canary') !== undefined && !isOrphan) checker.violate('I5', 'the canary is still there, long after the deadline');
  if (!scenario.aftermath) return;
  const stable = api.get('stable');
  const script = run({ name: 'aftermath', tag: 'v4', startMs: schedule.nowMs - epochMs, spec: aftermathSpec(scenario), patience: 5 });
  const before = checker.violations.length;
  stage.expected = 1;
  const rollout = recordOf(script.name, schedule.nowMs);
  main(stage, begin(stage, script, script.name, calm), rollout);
  await schedule.run(schedule.nowMs + oneHourMs, () => stage.running.size === 0);
  const end = stage.ends[script.name];
  const mayRefuse = stable === undefined || stable.spec?.replicas === 0 || stable.spec?.paused === true;
  if (end !== 'promoted gates-passed' && !mayRefuse) checker.violate('I6', `the next run ended with ${end}`);
  const left = rollout.jobUid === '' ? [] : checker.leftOf(rollout.jobUid);
  if (left.length > 0 && checker.violations.length === before) checker.violate('I7', `the next run left ${left.join(', ')}`);
}

function aftermathSpec(scenario: Scenario): RunScript['spec'] {
  return scenario.recreates === true ? shortSpec({ force: true, strategy: 'recreate', steps: [] }) : shortSpec({ force: true });
}

function begin(stage: Stage, script: RunScript, name: string, faults: Faults): SimulatedProcess {
  const { world, subject } = stage;
  const { schedule } = world;
  const process: SimulatedProcess = new SimulatedProcess({
    name,
    script: name === script.name ? script : { ...script, dies: undefined, pauses: [] },
    schedule,
    dice: world.dice,
    faults,
    subject,
    log: (actor, text) => world.log(actor, text),
    onDeath: () => {
      stage.deaths += 1;
      stage.running.delete(process);
      stage.ends[name] ??= 'died';
      process.onGone?.();
    },
  });
  stage.running.add(process);
  stage.expected -= 1;
  world.traffic.scrapeWhile(() => stage.running.size > 0 || stage.expected > 0);
  if (name !== script.name) return process;
  for (const { atMs, ms, frozen } of script.pauses) schedule.at(epochMs + script.startMs + atMs, () => process.pause(ms, frozen));
  if (script.cancelledAtMs !== undefined) schedule.at(epochMs + script.startMs + script.cancelledAtMs, () => process.abort());
  if (script.killedAtMs !== undefined) schedule.at(epochMs + script.startMs + script.killedAtMs, () => process.die('killed'));
  return process;
}

function clusterOf(stage: Stage, process: SimulatedProcess): Cluster {
  const reporter = simulatedReporter(stage.world, process.name);
  const client = new SimulatedClient(process, stage.world);
  return stage.subject.createCluster({ client, namespace, deployment, evidence: 'events', reporter, clock: process.clock });
}

/** The main step of the action, as main.ts runs it, and the post step where it did not end by itself. */
function main(stage: Stage, process: SimulatedProcess, rollout: Rollout): void {
  const { world, checker, subject } = stage;
  const { script } = process.options;
  let remembered: Remembered | undefined;
  let patience = script.patience;
  const samples: string[] = [];
  checker.watch(process, rollout);
  process.onGone = () => schedulePost(stage, process, remembered);
  if (script.command !== undefined) {
    const holder = { id: script.name, runUrl: `https://example.invalid/${script.name}`, actor: 'hubot' };
    const remember = (plan: Plan, jobUid: string): void => {
      remembered = { plan, jobUid, holder };
    };
    command(stage, process, script.command, { holder, remember });
    return;
  }
  const attempt = (): void => {
    const holder = { id: `${script.name}-${patience}`, runUrl: `https://example.invalid/${script.name}`, actor: 'octocat' };
    const remember = (plan: Plan, jobUid: string): void => {
      remembered = { plan, jobUid, holder };
      // What it takes over has a plan of its own.
      if (jobUid === '' || jobUid === rollout.jobUid) rollout.plan = plan;
    };
    const request = {
      command: 'deploy' as const,
      namespace,
      deployment,
      images: { kind: 'by-container' as const, images: images(world.scenario, script.tag) },
      variables: [{ container: undefined, name: 'LEVEL', value: script.tag }],
      cause: { text: `release ${script.tag}`, commit: undefined, runUrl: undefined, actor: undefined },
      spec: script.spec,
      readinessOnPurpose: true,
      podsProxy: false,
      metricsIfPossible: false,
      logs: false,
      proxied: undefined,
      holder,
    };
    const metrics = script.spec.judgedBy === 'metrics' ? simulatedMetrics(process, world) : undefined;
    const ports = {
      cluster: clusterOf(stage, process),
      metrics,
      reporter: simulatedReporter(world, process.name),
      clock: process.clock,
      remember,
      samples: { write: (line: string) => samples.push(line) },
    };
    subject.release(request, ports, process.cancel.signal).then(
      (end) => {
        finish(stage, process, end.outcome);
        if (end.rollout !== undefined) checker.ended(process, rollout, end.rollout);
        const wrong = checkReplay(samples, stage.replayed);
        if (wrong !== undefined) checker.violate('replay', `${process.name}: ${wrong}`);
      },
      (error: unknown) => {
        if (error instanceof subject.UserError && error.code === 'rollout-busy' && patience > 0) {
          patience -= 1;
          process.later(15_000, attempt);
          return;
        }
        fail(stage, process, error);
        if (!(error instanceof subject.UserError)) schedulePost(stage, process, remembered);
      },
    );
  };
  attempt();
}

/** A command that releases nothing, as main.ts runs it. */
function command(
  stage: Stage,
  process: SimulatedProcess,
  name: 'abort' | 'reconcile',
  { holder, remember }: { readonly holder: Holder; readonly remember: (plan: Plan, jobUid: string) => void },
): void {
  const { spec, idle } = process.options.script;
  const request = { command: name, namespace, deployment, spec, logs: false, holder };
  const reporter = simulatedReporter(stage.world, process.name);
  const ports = { cluster: clusterOf(stage, process), reporter, clock: process.clock, remember };
  stage.subject.runCommand(request, ports).then(
    (end) => {
      finish(stage, process, end.outcome);
      const rollout = stage.checker.workOf(process);
      if (end.rollout !== undefined && rollout !== undefined)
        stage.checker.ended(process, rollout, { ...end.rollout, outcome: end.outcome });
      checkCommandEnd(stage.checker, process, name, end.outcome);
      if (idle === true && process.trace.includes('write')) stage.checker.violate('I6', `${process.name} found something to do`);
    },
    (error: unknown) => fail(stage, process, error),
  );
}

function schedulePost(stage: Stage, main: SimulatedProcess, remembered: Remembered | undefined): void {
  const { world } = stage;
  const { script } = main.options;
  const rollout = stage.checker.workOf(main);
  if (!script.post || remembered === undefined || rollout === undefined) return;
  stage.expected += 1;
  world.schedule.after(postAfterMs, () => {
    const process = begin(stage, script, `${script.name}/post`, world.scenario.faults);
    stage.checker.watch(process, rollout);
    post(stage, process, rollout, remembered, main.cancel.signal.aborted).catch((error: unknown) => fail(stage, process, error));
  });
}

/** The post step, as post.ts runs it. */
async function post(
  stage: Stage,
  process: SimulatedProcess,
  rollout: Rollout,
  { plan, jobUid, holder }: Remembered,
  cancelled: boolean,
): Promise<void> {
  const { world, subject, checker } = stage;
  const cluster = clusterOf(stage, process);
  const journalled = await cluster.readJournal(plan, holder.id);
  if (journalled === undefined && jobUid === '') {
    finish(stage, process, { result: 'unchanged', reason: 'unchanged', because: 'nothing was left', evidence: [] });
    return;
  }
  const state = journalled ?? subject.startState(holder, jobUid, world.schedule.nowMs);
  const ports = { world: cluster.world(plan), metrics: undefined, reporter: simulatedReporter(world, process.name), clock: process.clock };
  const end = await subject.finishLeft(ports, plan, state, cancelled);
  finish(stage, process, end.outcome);
  checker.ended(process, rollout, end);
}

function finish(stage: Stage, process: SimulatedProcess, outcome: Outcome): void {
  stage.ends[process.name] = `${outcome.result} ${outcome.reason}`;
  stage.world.log(process.name, `ends: ${outcome.result} ${outcome.reason}: ${outcome.because}`);
  stage.running.delete(process);
}

function fail(stage: Stage, process: SimulatedProcess, error: unknown): void {
  const { Fault, UserError } = stage.subject;
  const isExpected = error instanceof Fault || error instanceof UserError;
  const text = error instanceof Error ? error.message : String(error);
  stage.ends[process.name] = error instanceof UserError ? `refused ${error.code}` : `failed ${text}`;
  stage.world.log(process.name, `fails: ${text}`);
  if (!isExpected) stage.checker.violate('bug', error instanceof Error ? (error.stack ?? text) : text);
  stage.running.delete(process);
}

import type { Reporter } from '../../src/runner/ports.ts';
import { ApiServer } from './api-server.ts';
import { Jobs } from './jobs.ts';
import { Nodes } from './nodes.ts';
import { initialStable, type Kind, type Objects, type Pod } from './objects.ts';
import type { SimulatedProcess } from './process.ts';
import { type Dice, diceFrom } from './random.ts';
import type { Scenario } from './scenario.ts';
import { epochMs, Schedule } from './schedule.ts';
import { Traffic } from './traffic.ts';
import { Workload } from './workload.ts';

/** What watches the world from outside. */
export type Observer = {
  /** A process was given this answer. */
  saw(process: SimulatedProcess, kind: Kind, object: Objects[Kind] | undefined): void;
  /** A process was given a reading of the metrics. */
  measured(process: SimulatedProcess): void;
  /** A process has sent new images, whatever becomes of them. */
  tried(process: SimulatedProcess): void;
  /** A process was refused this phase in its journal, or has had no answer. */
  unjournalled(process: SimulatedProcess, phase: string): void;
  podsChanged(): void;
};

/** A cluster with one Deployment, its Service's traffic and Prometheus, in virtual time. */
export class World {
  readonly scenario: Scenario;
  readonly schedule = new Schedule();
  readonly dice: Dice;
  readonly api = new ApiServer();
  readonly nodes: Nodes;
  readonly stable: Workload;
  readonly canary: Workload;
  readonly traffic: Traffic;
  readonly lines: string[] = [];
  observer: Observer | undefined;
  /** Of the write that arrives now: when it was decided, and whether its process will hear of it. */
  arriving = { begunMs: 0, isAnswered: true };
  /** The most canary pods that any step has asked for: pods of a larger step may still be going. */
  canaryMost = 0;
  /** Since when no stable pod is ready; undefined while one is. */
  stableSilentSinceMs: number | undefined;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.dice = diceFrom(scenario.seed ^ 0x5eed);
    const { schedule, dice, api } = this;
    this.traffic = new Traffic(schedule, dice, scenario.behaviours, scenario.requestsPerSecond);
    this.nodes = new Nodes({
      schedule,
      dice,
      behaviours: scenario.behaviours,
      before: () => this.traffic.settle(),
      after: (pod) => this.#podChanged(pod),
    });
    this.traffic.nodes = this.nodes;
    this.stable = new Workload({ kind: 'stable', api, nodes: this.nodes, schedule, dice });
    this.canary = new Workload({ kind: 'canary', api, nodes: this.nodes, schedule, dice });
    new Jobs({ api, schedule, dice, startsAfterMs: scenario.jobStartsAfterMs });
    api.listen(({ kind, verb, actor, after }) => {
      if (verb === 'delete' || (verb === 'create' && kind !== 'job')) this.log(actor, `${kind} ${verb}d`);
      if (verb === 'status' && kind === 'stable') this.log(actor, `stable ${JSON.stringify((after as Objects['stable']).status)}`);
    });
    api.create('stable', initialStable(scenario), 'cluster', (_, message) => new Error(message));
    this.stable.sync();
    this.nodes.makeReady();
    this.stable.sync();
  }

  log(actor: string, text: string): void {
    this.lines.push(`${((this.schedule.nowMs - epochMs) / 1000).toFixed(3)} ${actor}: ${text}`);
  }

  witness(process: SimulatedProcess, kind: Kind, object: Objects[Kind] | undefined): void {
    this.observer?.saw(process, kind, object);
  }

  onReading(process: SimulatedProcess): void {
    this.observer?.measured(process);
  }

  /** The kubelets' events about one pod. */
  eventsOf(podUid: string): readonly object[] {
    const pod = this.nodes.pods.find(({ uid }) => uid === podUid);
    if (pod === undefined || pod.pullFailures === 0) return [];
    return [{ reason: 'Failed', message: 'Failed to pull image (simulated)', count: pod.pullFailures }];
  }

  /** Pods that the Service sends requests to. */
  ready(arm: Pod['arm']): number {
    return this.nodes.pods.reduce((sum, pod) => sum + (pod.arm === arm && pod.ready && !pod.detached ? 1 : 0), 0);
  }

  #podChanged(pod: Pod): void {
    (pod.arm === 'stable' ? this.stable : this.canary).touch();
    this.observer?.podsChanged();
  }
}

/** What people would read, as lines of the world's log. */
export function simulatedReporter(world: World, name: string): Reporter {
  const log = (text: string): void => world.log(name, text);
  return {
    phase: (title) => log(`== ${title}`),
    write: ({ object, from, to, because }) => log(`${object}: ${from} -> ${to} (${because})`),
    info: (line) => log(line),
    warning: (line) => log(`warning: ${line}`),
    quote: () => undefined,
    outcome: () => undefined,
  };
}

import type { Pod } from './objects.ts';
import type { Dice } from './random.ts';
import type { Behaviour } from './scenario.ts';
import { epochMs, type Schedule } from './schedule.ts';

export type NodesOptions = {
  readonly schedule: Schedule;
  readonly dice: Dice;
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  /** Told just before pods change, so that traffic is counted by what was. */
  readonly before: () => void;
  readonly after: (pod: Pod) => void;
};

const crashPauseMs = 10_000;

/** Kubelets: they start pods, late, and let them fail as their image does. */
export class Nodes {
  readonly #options: NodesOptions;
  #pods: readonly Pod[] = [];
  #count = 0;

  constructor(options: NodesOptions) {
    this.#options = options;
  }

  /** Every pod of both arms that still exists. */
  get pods(): readonly Pod[] {
    return this.#pods;
  }

  create(arm: Pod['arm'], set: string, tag: string, detached: boolean): void {
    const { schedule, dice } = this.#options;
    this.#count += 1;
    const name = `${arm === 'stable' ? 'web' : 'web-canary'}-${this.#count}`;
    const behaviour = this.#behaviour(tag);
    const moved = behaviour.movesAtMs !== undefined && schedule.nowMs - epochMs > behaviour.movesAtMs;
    const pod: Pod = {
      uid: name,
      name,
      arm,
      set,
      tag,
      createdAtMs: schedule.nowMs,
      detached,
      imageId: `sha256:${tag}${moved ? '-moved' : ''}`,
      ready: false,
      everReady: false,
      readySinceMs: 0,
      restarts: 0,
      waiting: 'ContainerCreating',
      dead: false,
      pullFailures: 0,
      unschedulable: behaviour.fate === 'unschedulable',
      terminating: false,
      requests: 0,
      errors: 0,
      scraped: undefined,
      raw: undefined,
    };
    this.#pods = [...this.#pods, pod];
    this.#change(pod, () => undefined);
    if (!pod.unschedulable) this.#later(pod, dice.between(...behaviour.startMs), () => this.#start(pod, behaviour));
  }

  terminate(pod: Pod): void {
    if (pod.terminating) return;
    this.#change(pod, () => {
      pod.terminating = true;
      pod.ready = false;
    });
    const { schedule, dice } = this.#options;
    schedule.after(dice.between(800, 3_500), () => {
      this.#pods = this.#pods.filter((other) => other !== pod);
      this.#options.after(pod);
    });
  }

  /** Pods that were there before the simulation began. */
  makeReady(): void {
    for (const pod of this.#pods) this.#ready(pod);
  }

  #start(pod: Pod, behaviour: Behaviour): void {
    switch (behaviour.fate) {
      case 'good':
      case 'unschedulable':
        this.#ready(pod);
        break;
      case 'fails-later':
        this.#ready(pod);
        this.#later(pod, behaviour.goodMs, () => this.#unready(pod));
        break;
      case 'flaps':
        this.#flap(pod, behaviour.goodMs);
        break;
      case 'never-ready':
        this.#change(pod, () => {
          pod.waiting = '';
        });
        break;
      case 'crash':
        this.#crash(pod, Number.POSITIVE_INFINITY);
        break;
      case 'crash-once':
        this.#crash(pod, 1);
        break;
      case 'pull':
        this.#failPull(pod);
        break;
    }
  }

  #flap(pod: Pod, goodMs: number): void {
    this.#ready(pod);
    this.#later(pod, goodMs, () => {
      this.#unready(pod);
      this.#later(pod, this.#options.dice.between(1_500, 6_000), () => this.#flap(pod, goodMs));
    });
  }

  #crash(pod: Pod, times: number): void {
    if (pod.restarts >= times) {
      this.#ready(pod);
      return;
    }
    this.#change(pod, () => {
      pod.waiting = '';
    });
    this.#later(pod, this.#options.dice.between(500, 2_000), () => {
      this.#change(pod, () => {
        pod.ready = false;
        pod.dead = true;
        pod.waiting = 'CrashLoopBackOff';
      });
      this.#later(pod, times === 1 ? 1_000 : crashPauseMs, () => {
        this.#change(pod, () => {
          pod.dead = false;
          pod.restarts += 1;
          pod.requests = 0;
          pod.errors = 0;
        });
        this.#crash(pod, times);
      });
    });
  }

  #failPull(pod: Pod): void {
    this.#change(pod, () => {
      pod.waiting = pod.pullFailures === 0 ? 'ErrImagePull' : 'ImagePullBackOff';
      pod.pullFailures += 1;
    });
    this.#later(pod, crashPauseMs, () => this.#failPull(pod));
  }

  #ready(pod: Pod): void {
    this.#change(pod, () => {
      pod.waiting = '';
      pod.ready = true;
      pod.everReady = true;
      pod.readySinceMs = this.#options.schedule.nowMs;
    });
  }

  #unready(pod: Pod): void {
    this.#change(pod, () => {
      pod.ready = false;
    });
  }

  #change(pod: Pod, change: () => void): void {
    this.#options.before();
    change();
    pod.raw = undefined;
    this.#options.after(pod);
  }

  #later(pod: Pod, ms: number, run: () => void): void {
    this.#options.schedule.after(ms, () => {
      if (!pod.terminating) run();
    });
  }

  #behaviour(tag: string): Behaviour {
    const behaviour = this.#options.behaviours[tag];
    if (behaviour === undefined) throw new Error(`the scenario does not say how ${tag} behaves`);
    return behaviour;
  }
}

import type { FaultCode } from '../../src/errors.ts';
import type { KubernetesClient, ReadOptions, RemoveOptions, WriteOptions } from '../../src/kubernetes/client/rest-client.ts';
import type { Journal } from '../../src/kubernetes/manifests/job.ts';
import type { JsonPatchOperation } from '../../src/kubernetes/patches/patch.ts';
import { paths } from '../../src/kubernetes/paths.ts';
import type { MetricsObservation } from '../../src/rollout/observation.ts';
import type { MetricsSource, PodNames } from '../../src/runner/ports.ts';
import { canaryName, deployment, jobName, type Kind, namespace, type Objects, rawPod, service } from './objects.ts';
import { act } from './people.ts';
import type { SimulatedProcess } from './process.ts';
import type { WayToDie } from './scenario.ts';
import { epochMs } from './schedule.ts';
import type { World } from './world.ts';

const kinds: Readonly<Record<string, Kind>> = {
  [paths.deployment(namespace, deployment)]: 'stable',
  [paths.deployment(namespace, canaryName)]: 'canary',
  [paths.job(namespace, jobName)]: 'job',
};
const readTimeoutMs = 10_000;

type Read = { readonly settle: (failure: Error | undefined) => void; readonly look: () => void; readonly signal: AbortSignal | undefined };

type Sending<T> = {
  readonly what: string;
  readonly timeoutMs: number;
  readonly death: WayToDie | undefined;
  readonly apply: (isAnswered: boolean) => T;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
  readonly note: (text: string) => void;
};

/** The REST client of one process. Reads that are asked for at one moment travel together. */
export class SimulatedClient implements KubernetesClient {
  readonly namespace = namespace;
  readonly #process: SimulatedProcess;
  readonly #world: World;
  readonly #timeoutMs: number;
  #trip: Read[] | undefined;
  /** Answers that count for the checker once the look that they belong to is complete: a later read that fails takes them along. */
  #shown: (() => void)[] = [];

  constructor(process: SimulatedProcess, world: World) {
    this.#process = process;
    this.#world = world;
    this.#timeoutMs = Math.min(readTimeoutMs, process.options.script.spec.deadManMs / 4);
  }

  get<T>(path: string, options: ReadOptions = {}): Promise<T> {
    return this.#read(() => this.#found(path, String(options.query?.['fieldSelector'] ?? '')), options.signal) as Promise<T>;
  }

  async find<T>(path: string, options: ReadOptions = {}): Promise<T | undefined> {
    // Strategies that do not play here have left nothing.
    if (path === paths.deployment(namespace, 'web-green')) return undefined;
    const kind = kinds[path];
    if (kind === undefined) throw new Error(`no such object in the simulation: ${path}`);
    const object = await this.#read(() => this.#world.api.get(kind), options.signal);
    this.#shown.push(() => this.#world.witness(this.#process, kind, object));
    return object as T | undefined;
  }

  ask(): Promise<{ readonly status: number; readonly text: string }> {
    throw new Error('nothing is behind a proxy in the simulation');
  }

  getText(): Promise<string> {
    return this.#read(() => '', undefined);
  }

  create<T>(path: string, body: object, options: WriteOptions = {}): Promise<T> {
    const kind = path === paths.jobs(namespace) ? 'job' : 'canary';
    if (options.dryRun === true) return this.#read(() => body as T, undefined);
    return this.#write(`create ${kind}`, options.timeoutMs, () => {
      return this.#world.api.create(kind, body as Objects[typeof kind], this.#process.name, this.#refuse) as T;
    });
  }

  jsonPatch<T>(path: string, operations: readonly JsonPatchOperation[], options: WriteOptions = {}): Promise<T> {
    const kind = kinds[path];
    if (kind === undefined) return Promise.reject(new Error(`no such object in the simulation: ${path}`));
    if (options.dryRun === true) return this.#read(() => ({}) as T, undefined);
    if (operations.some(({ op, path: target }) => op === 'replace' && target.endsWith('/image')))
      this.#world.observer?.tried(this.#process);
    return this.#write(`patch ${kind} ${describe(operations)}`, options.timeoutMs, () => {
      return this.#world.api.patch(kind, operations, this.#process.name, this.#refuse) as T;
    }).catch((error: unknown) => {
      if (kind === 'job') this.#world.observer?.unjournalled(this.#process, journalledPhase(operations));
      throw error;
    });
  }

  remove(path: string, options: RemoveOptions): Promise<'deleted' | 'absent'> {
    const kind = kinds[path];
    if (kind === undefined) return Promise.reject(new Error(`no such object in the simulation: ${path}`));
    return this.#write(`delete ${kind} ${options.uid}`, options.timeoutMs, () =>
      this.#world.api.remove(kind, options.uid, this.#process.name),
    );
  }

  review(): Promise<{ readonly allowed: boolean; readonly reason: string }> {
    return this.#read(() => ({ allowed: true, reason: '' }), undefined);
  }

  relay(): Promise<never> {
    return Promise.reject(new Error('nothing is proxied in the simulation'));
  }

  serverNowMs(): number {
    return this.#process.serverClock.nowMs();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  readonly #refuse = (code: FaultCode, message: string): Error => this.#process.fault(code, message, false);

  #found(path: string, fieldSelector: string): unknown {
    const kind = kinds[path];
    if (kind !== undefined) {
      const object = this.#world.api.get(kind);
      if (object === undefined) throw this.#refuse('not-found', `there is no ${kind}`);
      return object;
    }
    if (path === paths.pods(namespace)) return { items: this.#world.nodes.pods.map(rawPod) };
    if (path === paths.replicaSets(namespace)) return { items: [...this.#world.stable.replicaSets, ...this.#world.canary.replicaSets] };
    if (path === paths.events(namespace)) return { items: this.#world.eventsOf(fieldSelector.split('=')[1] ?? '') };
    if (path === paths.services(namespace)) return { items: [service] };
    if (path === paths.version()) return { major: '1', minor: '34' };
    return { items: [] };
  }

  #read<T>(evaluate: () => T, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const trip = this.#trip ?? this.#startTrip();
    return new Promise((resolve, reject) => {
      let seen: { readonly value: T } | { readonly error: unknown } | undefined;
      const forget = signal === undefined ? undefined : this.#process.onAbort(signal, () => reject(signal.reason as Error));
      const look = (): void => {
        try {
          seen = { value: evaluate() };
        } catch (error) {
          seen = { error };
        }
      };
      const settle = (failure: Error | undefined): void => {
        forget?.();
        if (failure !== undefined || seen === undefined) reject(failure as Error);
        else if ('value' in seen) resolve(seen.value);
        else reject(seen.error as Error);
      };
      trip.push({ look, settle, signal });
    });
  }

  #startTrip(): Read[] {
    const trip: Read[] = [];
    this.#trip = trip;
    const process = this.#process;
    const { dice, faults, schedule } = process.options;
    if (process.begin('read') !== undefined) {
      schedule.after(0, () => process.die('at a read'));
      return trip;
    }
    const fails = process.isCutOff() || process.strikes(faults.readFails);
    const isSlow = process.strikes(faults.slow);
    const arrivesMs = fails && dice.chance(0.3) ? this.#timeoutMs : dice.between(5, 50);
    // What has been sent is answered whether or not the process has turns; it sees the answer when it has one.
    schedule.after(0, () => {
      this.#trip = undefined;
    });
    schedule.after(arrivesMs, () => {
      const serverMs = schedule.nowMs;
      if (!fails) for (const read of trip) read.look();
      process.later(isSlow ? dice.between(500, 9_000) : 0, () => {
        if (!fails) {
          this.#note(serverMs);
          for (const tell of this.#shown) tell();
        }
        this.#shown = [];
        const failure = fails ? process.fault('network', 'the read failed (simulated)', true) : undefined;
        for (const read of trip) read.settle(failure);
      });
    });
    return trip;
  }

  #write<T>(what: string, timeoutMs: number | undefined, apply: () => T): Promise<T> {
    const process = this.#process;
    const { schedule } = process.options;
    const death = process.begin('write');
    const begunMs = schedule.nowMs;
    const arrive = (isAnswered: boolean): T => {
      this.#world.arriving = { begunMs, isAnswered };
      return apply();
    };
    return new Promise((resolve, reject) => {
      if (death === 'before') {
        schedule.after(0, () => process.die(`before ${what}`));
        return;
      }
      const note = (text: string): void => process.options.log(process.name, `${what}: ${text}`);
      const send = (): void =>
        this.#send({ what, timeoutMs: Math.max(1, timeoutMs ?? this.#timeoutMs), death, apply: arrive, resolve, reject, note });
      const { interference } = process.options.script;
      if (interference?.call !== process.calls) return send();
      if (interference.deed !== undefined) act(this.#world, { atMs: 0, kind: interference.deed, replicas: 2 });
      process.pause(interference.pauseMs ?? 0, false);
      process.later(interference.pauseMs ?? 0, send);
    });
  }

  #send<T>({ what, timeoutMs, death, apply, resolve, reject, note }: Sending<T>): void {
    const process = this.#process;
    const { schedule } = process.options;
    const passage = process.passage(timeoutMs);
    let answer: { readonly value: T } | { readonly error: unknown } = { error: undefined };
    if (passage.arrivesMs === undefined) note('lost on its way');
    else {
      schedule.after(passage.arrivesMs, () => {
        try {
          if (process.isForbidden()) throw this.#refuse('forbidden', 'a policy refuses it (simulated)');
          answer = { value: apply(passage.answersMs !== undefined) };
          note(passage.answersMs === undefined ? 'done, its answer is lost' : 'done');
        } catch (error) {
          if (!(error instanceof process.options.subject.Fault)) throw error;
          answer = { error };
          note(`refused: ${error.message}`);
        }
        if (death === 'during') process.die(`before the answer to ${what}`);
      });
    }
    const serverMs = schedule.nowMs + (passage.arrivesMs ?? 0);
    process.later(passage.answersMs ?? passage.givesUpMs, () => {
      if (death !== undefined) return process.die(`after ${what}`);
      if (passage.answersMs === undefined) return reject(process.fault('network', `${what}: no answer (simulated)`, true));
      this.#note(serverMs);
      if ('value' in answer) resolve(answer.value);
      else reject(answer.error as Error);
    });
  }

  #note(serverMs: number): void {
    // The lag stands for a network that takes its time, and for a header that is cut to the second.
    this.#process.serverClock.note(new Date(serverMs - (this.#process.options.script.lagMs % 1_000)).toUTCString());
  }
}

/** Prometheus, as one process reaches it. */
export function simulatedMetrics(process: SimulatedProcess, world: World): MetricsSource {
  const { schedule, dice, faults } = process.options;
  return {
    read: (pods: PodNames, signal: AbortSignal) =>
      new Promise<MetricsObservation>((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return;
        }
        if (process.begin('read') !== undefined) {
          schedule.after(0, () => process.die('at a reading of metrics'));
          return;
        }
        const forget = process.onAbort(signal, () => reject(signal.reason as Error));
        process.later(dice.between(5, 80), () => {
          forget();
          const ms = schedule.nowMs - epochMs;
          const isOut = faults.metricsOutages.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
          if (isOut || process.strikes(faults.readFails)) return resolve({ kind: 'unavailable', why: 'simulated' });
          world.onReading(process);
          resolve({ kind: 'reading', reading: world.traffic.read(pods) });
        });
      }),
    preflight: () => Promise.resolve(world.traffic.rate),
  };
}

function describe(operations: readonly JsonPatchOperation[]): string {
  return operations
    .filter(({ op }) => op !== 'test')
    .map((operation) => {
      const value = operation.op === 'remove' ? 'removed' : JSON.stringify(operation.value);
      const isJournal = operation.path.endsWith('journal');
      return `${operation.path.split('/').at(-1)}=${isJournal ? phaseOf(value) : value}`;
    })
    .join(' ');
}

function journalledPhase(operations: readonly JsonPatchOperation[]): string {
  const written = operations.find(({ op, path }) => op === 'replace' && path.endsWith('journal'));
  const { state } = JSON.parse(String(written !== undefined && 'value' in written ? written.value : '{}')) as Partial<Journal>;
  return state?.phase.kind ?? '';
}

function phaseOf(value: string): string {
  return /\\"phase\\":\{(.*?)\}/.exec(value)?.[1]?.replaceAll('\\"', '').slice(0, 60) ?? '';
}

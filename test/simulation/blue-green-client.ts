import type { ApiRequest, Sandbox } from '../../sandbox/sandbox.ts';
import type { KubernetesClient, ReadOptions, RemoveOptions, WriteOptions } from '../../src/kubernetes/client/rest-client.ts';
import type { JsonPatchOperation } from '../../src/kubernetes/patches/patch.ts';
import type { Clock } from '../../src/runner/ports.ts';
import { namespace } from '../process/scene.ts';
import type { Subject } from './subject.ts';

/** What becomes of one write: the process dies before or after it, its answer is lost, or it arrives that much later. */
export type Fate = { readonly kind: 'dies-before' | 'dies-after' | 'answer-lost' } | { readonly kind: 'sleeps'; readonly ms: number };

export type ClientOptions = {
  readonly sandbox: Sandbox;
  readonly subject: Subject;
  /** Asked before the nth write, from 1. */
  readonly fateOf: (n: number) => Fate | undefined;
  readonly log: (line: string) => void;
};

const readMs = 15;
const endlessMs = 900_000;
const never = new Promise<never>(() => undefined);

/** The REST client and the clock of one process, in the virtual time of the sandbox: waiting is what makes it go on. */
export class BlueGreenClient implements KubernetesClient {
  readonly namespace = namespace;
  readonly clock: Clock;
  writes = 0;
  isAlive = true;
  /** Resolves when the process has died. */
  readonly death: Promise<'died'>;
  readonly #options: ClientOptions;
  readonly #stray: { atMs: number; send: () => void }[];
  readonly #startedAtMs: number;
  #die: (value: 'died') => void = () => undefined;

  constructor(options: ClientOptions, stray: { atMs: number; send: () => void }[]) {
    this.#options = options;
    this.#startedAtMs = options.sandbox.now();
    this.#stray = stray;
    this.death = new Promise((resolve) => {
      this.#die = resolve;
    });
    this.clock = { nowMs: () => options.sandbox.now(), sleep: (ms) => this.#pass(ms) };
  }

  async get<T>(path: string, options: ReadOptions = {}): Promise<T> {
    await this.#pass(readMs);
    return this.#send<T>({ method: 'GET', path, query: queryOf(options.query) });
  }

  async find<T>(path: string, options: ReadOptions = {}): Promise<T | undefined> {
    try {
      return await this.get<T>(path, options);
    } catch (error) {
      if (error instanceof this.#options.subject.Fault && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  getText(): Promise<string> {
    return Promise.resolve('');
  }

  create<T>(path: string, body: object, options: WriteOptions = {}): Promise<T> {
    return this.#write<T>({ method: 'POST', path, body: JSON.stringify(body) }, options);
  }

  jsonPatch<T>(path: string, operations: readonly JsonPatchOperation[], options: WriteOptions = {}): Promise<T> {
    const headers = { 'content-type': 'application/json-patch+json' };
    return this.#write<T>({ method: 'PATCH', path, headers, body: JSON.stringify(operations) }, options);
  }

  async remove(path: string, { uid }: RemoveOptions): Promise<'deleted' | 'absent'> {
    const body = JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background', preconditions: { uid } });
    try {
      await this.#write({ method: 'DELETE', path, body }, {});
      return 'deleted';
    } catch (error) {
      if (error instanceof this.#options.subject.Fault && (error.code === 'not-found' || error.code === 'conflict')) return 'absent';
      throw error;
    }
  }

  review(): Promise<{ allowed: boolean; reason: string }> {
    return Promise.resolve({ allowed: true, reason: '' });
  }

  relay(): Promise<never> {
    return Promise.reject(new Error('nothing is proxied here'));
  }

  ask(): Promise<never> {
    return Promise.reject(new Error('nothing is asked through the API server in this simulation'));
  }

  serverNowMs(): number {
    return this.#options.sandbox.now();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #write<T>(request: ApiRequest, { dryRun }: WriteOptions): Promise<T> {
    const query = { fieldManager: 'gated-rollout', ...(dryRun === true ? { dryRun: 'All' } : {}) };
    const whole = { ...request, query: request.method === 'DELETE' ? {} : query };
    if (dryRun === true) return this.#send<T>(whole);
    await this.#pass(readMs);
    this.writes += 1;
    const { fateOf, log, sandbox, subject } = this.#options;
    const fate = fateOf(this.writes);
    log(
      `write ${this.writes} ${fate?.kind ?? ''} ${request.method} ${request.path.split('/').slice(-2).join('/')} ${request.body?.slice(0, 300)}`,
    );
    if (fate === undefined) return this.#send<T>(whole);
    if (fate.kind === 'sleeps') {
      this.#stray.push({
        atMs: sandbox.now() + fate.ms,
        send: () => void this.#send(whole).catch((error: unknown) => log(`late: ${String(error)}`)),
      });
    } else if (fate.kind !== 'dies-before') {
      await this.#send<T>(whole).catch(() => undefined);
    }
    if (fate.kind === 'answer-lost') throw new subject.Fault('timeout', 'no answer (simulated)', true);
    this.isAlive = false;
    this.#die('died');
    return never;
  }

  /** Virtual time goes on, and what was on its way arrives. */
  async #pass(ms: number): Promise<void> {
    if (!this.isAlive) return never;
    // I14: a run that does not end within minutes is dead for those who wait.
    if (this.#options.sandbox.now() - this.#startedAtMs > endlessMs) {
      this.isAlive = false;
      this.#die('died');
      return never;
    }
    advance(this.#options.sandbox, this.#stray, ms);
  }

  async #send<T>(request: ApiRequest): Promise<T> {
    if (!this.isAlive && request.method === 'GET') return never;
    const answer = this.#options.sandbox.handle(structuredClone(request));
    if (answer.status < 300) return JSON.parse(answer.body) as T;
    const { message = '', reason = '' } = JSON.parse(answer.body) as { message?: string; reason?: string };
    const code = (
      { 403: 'forbidden', 404: 'not-found', 409: reason === 'AlreadyExists' ? 'already-exists' : 'conflict', 422: 'invalid' } as const
    )[answer.status];
    throw new this.#options.subject.Fault(code ?? 'server', `${answer.status} ${message}`, false);
  }
}

export function advance(sandbox: Sandbox, stray: { atMs: number; send: () => void }[], ms: number): void {
  const endMs = sandbox.now() + ms;
  for (let due = stray.findIndex(({ atMs }) => atMs <= endMs); due >= 0; due = stray.findIndex(({ atMs }) => atMs <= endMs)) {
    const [request] = stray.splice(due, 1);
    sandbox.advance(Math.max(0, (request?.atMs ?? 0) - sandbox.now()));
    request?.send();
  }
  sandbox.advance(Math.max(0, endMs - sandbox.now()));
}

function queryOf(query: ReadOptions['query']): Record<string, string> {
  const entries = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

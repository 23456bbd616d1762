import type { ApiRequest, ApiResponse, Sandbox } from '../../../sandbox/sandbox.ts';
import { isFault } from '../../../src/errors.ts';
import { faultFromAnswer, faultFromError, timeoutFault } from '../../../src/kubernetes/client/faults.ts';
import type {
  KubernetesClient,
  ReadOptions,
  RemoveOptions,
  ReviewAttributes,
  WriteOptions,
} from '../../../src/kubernetes/client/rest-client.ts';
import { type JsonPatchOperation, jsonPatchMediaType } from '../../../src/kubernetes/patches/patch.ts';
import { fieldManager } from '../../../src/rollout/names.ts';
import type { Clock } from '../../../src/runner/ports.ts';

/** The process ends here: nothing of it is ever heard again. */
export class Death extends Error {}

/** What happens to one write: the process dies before it is sent or after it was done, or the network loses it or its answer, or it arrives late. */
export type Accident = 'dies-before' | 'dies-after' | 'lost' | 'answer-lost' | 'late';

export type Life = {
  readonly sandbox: Sandbox;
  readonly namespace: string;
  readonly accident: { readonly write: number; readonly kind: Accident } | undefined;
  /** Aborts at this virtual time. */
  readonly cancelledAtMs: number | undefined;
  /** Called before each write that is really sent. */
  readonly onWrite?: (write: number) => void;
};

const requestMs = 5;
const lateMs = 3_000;

/** One process of the action in virtual time: its client and its clock. */
export class PairProcess implements KubernetesClient, Clock {
  readonly namespace: string;
  readonly cancel = new AbortController();
  readonly writes: string[] = [];
  readonly #life: Life;
  readonly #late: { readonly atMs: number; readonly request: ApiRequest }[] = [];
  #dead = false;

  constructor(life: Life) {
    this.#life = life;
    this.namespace = life.namespace;
  }

  nowMs(): number {
    return this.#life.sandbox.now();
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    const untilMs = this.nowMs() + ms;
    while (this.nowMs() < untilMs && !signal.aborted) this.#pass(Math.min(100, untilMs - this.nowMs()));
  }

  relay(): Promise<never> {
    return Promise.reject(new Error('nothing is relayed in the simulation'));
  }

  serverNowMs(): number {
    return this.nowMs();
  }

  async get<T>(path: string, options: ReadOptions = {}): Promise<T> {
    return this.#json<T>({ method: 'GET', path, query: queryOf(options.query ?? {}) }, false);
  }

  async find<T>(path: string, options: ReadOptions = {}): Promise<T | undefined> {
    try {
      return await this.get<T>(path, options);
    } catch (error) {
      if (isFault(error, 'not-found')) return undefined;
      throw error;
    }
  }

  async getText(path: string, options: ReadOptions = {}): Promise<string> {
    return this.#answer({ method: 'GET', path, query: queryOf(options.query ?? {}) }, false).body;
  }

  ask(): Promise<{ readonly status: number; readonly text: string }> {
    throw new Error('no probe here');
  }

  async create<T>(path: string, body: object, options: WriteOptions = {}): Promise<T> {
    return this.#write<T>('POST', path, body, 'application/json', options);
  }

  async jsonPatch<T>(path: string, operations: readonly JsonPatchOperation[], options: WriteOptions = {}): Promise<T> {
    return this.#write<T>('PATCH', path, operations, jsonPatchMediaType, options);
  }

  async remove(path: string, { uid, propagation }: RemoveOptions): Promise<'deleted' | 'absent'> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: propagation, preconditions: { uid } };
    try {
      await this.#write('DELETE', path, body, 'application/json', {});
      return 'deleted';
    } catch (error) {
      if (isFault(error, 'not-found', 'conflict')) return 'absent';
      throw error;
    }
  }

  async review(_attributes: ReviewAttributes): Promise<{ readonly allowed: boolean; readonly reason: string }> {
    return { allowed: true, reason: '' };
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  async #write<T>(method: string, path: string, body: object, type: string, options: WriteOptions): Promise<T> {
    const query = queryOf({ fieldManager, dryRun: options.dryRun === true ? 'All' : undefined });
    const request = { method, path, query, headers: { 'content-type': type }, body: JSON.stringify(body) };
    return this.#json<T>(request, options.dryRun !== true);
  }

  #json<T>(request: ApiRequest, writes: boolean): T {
    return JSON.parse(this.#answer(request, writes).body) as T;
  }

  #answer(request: ApiRequest, writes: boolean): ApiResponse {
    this.#pass(requestMs);
    if (this.#dead) throw new Death();
    const { sandbox, accident } = this.#life;
    const line = { method: request.method, path: request.path, writes };
    const index = this.writes.length;
    if (writes) {
      this.#life.onWrite?.(index);
      this.writes.push(`${request.method} ${request.path.split('/').slice(-2).join('/')} ${request.body ?? ''}`);
    }
    const kind = writes && accident?.write === index ? accident.kind : undefined;
    if (kind === 'dies-before') this.#die();
    if (kind === 'lost') throw faultFromError(line, new Error('the connection broke'));
    if (kind === 'late') {
      this.#late.push({ atMs: this.nowMs() + lateMs, request });
      throw timeoutFault(line, 1_000);
    }
    const answer = sandbox.handle(request);
    if (kind === 'dies-after') this.#die();
    if (kind === 'answer-lost') throw faultFromError(line, new Error('the connection broke'));
    if (answer.status >= 300) throw faultFromAnswer(line, answer.status, answer.body);
    return answer;
  }

  #die(): never {
    this.#dead = true;
    throw new Death();
  }

  /** Virtual time goes on, and what was on its way arrives. */
  #pass(ms: number): void {
    this.#life.sandbox.advance(ms);
    const nowMs = this.nowMs();
    while (this.#late[0] !== undefined && this.#late[0].atMs <= nowMs) {
      const arrived = this.#late.shift();
      if (arrived !== undefined) this.#life.sandbox.handle(arrived.request);
    }
    if (this.#life.cancelledAtMs !== undefined && nowMs >= this.#life.cancelledAtMs) this.cancel.abort();
  }
}

function queryOf(query: Readonly<Record<string, string | number | boolean | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])));
}

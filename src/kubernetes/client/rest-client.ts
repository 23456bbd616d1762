import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { AssertionError, isFault } from '../../errors.ts';
import { fieldManager as ourFieldManager } from '../../rollout/names.ts';
import type { Clock } from '../../runner/ports.ts';
import { type JsonPatchOperation, jsonPatchMediaType } from '../patches/patch.ts';
import { paths } from '../paths.ts';
import { Credentials } from './credentials.ts';
import { type Call, Exchange } from './exchange.ts';
import type { Environment } from './exec-credential.ts';
import { protocolFault } from './faults.ts';
import { ServerClock } from './server-clock.ts';
import { Transport, type WireAnswer } from './transport.ts';
import { WarningHeaders } from './warning-headers.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type ReadOptions = {
  readonly query?: Query | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** `application/json` unless told. */
  readonly accept?: string | undefined;
};

export type TextOptions = ReadOptions & {
  /** What comes after it is cut off: 1 MB unless told. */
  readonly bytesMax?: number | undefined;
};

export type WriteOptions = {
  /** Server-side: admission and validation run, nothing is stored. */
  readonly dryRun?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
  /** `gated-rollout` unless told. */
  readonly fieldManager?: string | undefined;
};

export type RemoveOptions = { readonly uid: string; readonly propagation: 'Background'; readonly timeoutMs?: number | undefined };

/** One question about our permissions; RBAC answers by name, so name the object where the Role does. */
export type ReviewAttributes = {
  readonly verb: string;
  readonly resource: string;
  readonly group?: string | undefined;
  readonly subresource?: string | undefined;
  readonly name?: string | undefined;
  /** The client's namespace unless told. */
  readonly namespace?: string | undefined;
};

export type RelayRequest = {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
};

/**
 * The Kubernetes API as this project uses it. Every call ends within its time-out, with all its retries, and throws a Fault;
 * a read whose signal aborts throws the signal's reason.
 */
export type KubernetesClient = {
  readonly namespace: string;
  /** Sent again on network faults, 5xx and 429. */
  get<T>(path: string, options?: ReadOptions): Promise<T>;
  /** Like `get`; undefined where the API server says that there is no such object. */
  find<T>(path: string, options?: ReadOptions): Promise<T | undefined>;
  /** For logs. */
  getText(path: string, options?: TextOptions): Promise<string>;
  /** For questions to what is behind the proxy: never sent again, and any status is an answer. A Fault where none came. */
  ask(path: string, search: string, options?: Omit<TextOptions, 'query'>): Promise<{ readonly status: number; readonly text: string }>;
  /** Writes are sent again only after 429 and 401 and where no connection came about: then nothing was done. */
  create<T>(path: string, body: object, options?: WriteOptions): Promise<T>;
  jsonPatch<T>(path: string, operations: readonly JsonPatchOperation[], options?: WriteOptions): Promise<T>;
  /** Deletes the object of that uid and what it owns; `absent` too where another object has taken the name. Sent again like a read. */
  remove(path: string, options: RemoveOptions): Promise<'deleted' | 'absent'>;
  /** Asks whether we may. Sent again like a read. */
  review(
    attributes: ReviewAttributes,
    options?: Pick<ReadOptions, 'signal' | 'timeoutMs'>,
  ): Promise<{ readonly allowed: boolean; readonly reason: string }>;
  /** One request to what is behind the API server's proxy: whatever it answers is the answer. Never sent twice. */
  relay(path: string, request: RelayRequest): Promise<WireAnswer>;
  /** The server's clock, never ahead of it. A Fault before the first answer. */
  serverNowMs(): number;
  close(): Promise<void>;
};

export type KubernetesClientOptions = {
  readonly config: KubeConfig;
  readonly namespace: string;
  readonly requestTimeoutMs: number;
  readonly userAgent: string;
  /** What credential plugins inherit: PATH, HOME, the cloud's variables. */
  readonly env: Environment;
  /** Is told tokens that come to light later (plugins, token files), before they are used: for masking. */
  readonly onSecret?: ((secret: string) => void) | undefined;
  /** Is told what the API server warns of (a deprecated API, an ignored field, a pod that a policy would refuse), each text once. */
  readonly onWarning?: ((text: string) => void) | undefined;
  readonly clock?: Clock | undefined;
};

const jsonBytesMax = 32 * 1024 * 1024;
const textBytesMax = 1024 * 1024;

/** A client for the kubeconfig's current context. Opens no connection before the first call. */
export function createKubernetesClient(options: KubernetesClientOptions): KubernetesClient {
  return new RestClient(options);
}

class RestClient implements KubernetesClient {
  readonly namespace: string;
  readonly #options: KubernetesClientOptions;
  readonly #exchange: Exchange;
  readonly #transport: Transport;
  readonly #serverClock: ServerClock;

  constructor(options: KubernetesClientOptions) {
    this.namespace = options.namespace;
    this.#options = options;
    const clock = options.clock ?? systemClock;
    const nowMs = (): number => clock.nowMs();
    const credentials = new Credentials({ config: options.config, env: options.env, nowMs, onSecret: options.onSecret });
    this.#transport = new Transport(credentials.cluster.server, credentials.cluster.proxyUrl);
    this.#serverClock = new ServerClock(nowMs);
    const warnings = new WarningHeaders(options.onWarning ?? (() => undefined));
    const parts = { credentials, transport: this.#transport, serverClock: this.#serverClock, warnings, clock };
    this.#exchange = new Exchange(parts);
  }

  async get<T>(path: string, options: ReadOptions = {}): Promise<T> {
    return this.#json<T>(this.#call('GET', path, options));
  }

  async find<T>(path: string, options: ReadOptions = {}): Promise<T | undefined> {
    try {
      return await this.get<T>(path, options);
    } catch (error) {
      if (isFault(error, 'not-found')) return undefined;
      throw error;
    }
  }

  async getText(path: string, options: TextOptions = {}): Promise<string> {
    const bytesMax = options.bytesMax ?? textBytesMax;
    // The log endpoint refuses `application/json` alone.
    const answer = await this.#exchange.run(this.#call('GET', path, { ...options, accept: '*/*', bytesMax }));
    return answer.text;
  }

  async ask(path: string, search: string, options: Omit<TextOptions, 'query'> = {}): Promise<{ status: number; text: string }> {
    const call = this.#call('GET', path, { ...options, accept: '*/*', bytesMax: options.bytesMax ?? textBytesMax });
    const { status, text } = await this.#exchange.once({ ...call, query: search });
    return { status, text };
  }

  async create<T>(path: string, body: object, options: WriteOptions = {}): Promise<T> {
    return this.#json<T>(this.#call('POST', path, { ...writing(options), body, contentType: 'application/json' }));
  }

  async jsonPatch<T>(path: string, operations: readonly JsonPatchOperation[], options: WriteOptions = {}): Promise<T> {
    for (const operation of operations) {
      // JSON drops it, and the API server takes a `test` without a value for a test of null, which a missing field passes.
      if (operation.op !== 'remove' && operation.value === undefined)
        throw new AssertionError(`${operation.op} of ${operation.path} has no value`);
    }
    return this.#json<T>(this.#call('PATCH', path, { ...writing(options), body: operations, contentType: jsonPatchMediaType }));
  }

  async remove(path: string, options: RemoveOptions): Promise<'deleted' | 'absent'> {
    // An empty uid is no precondition at all.
    if (options.uid === '') throw new AssertionError(`DELETE ${path} without a uid`);
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: options.propagation, preconditions: { uid: options.uid } };
    try {
      const call = this.#call('DELETE', path, {
        body,
        contentType: 'application/json',
        timeoutMs: options.timeoutMs,
        writes: true,
        repeatable: true,
      });
      await this.#exchange.run(call);
      return 'deleted';
    } catch (error) {
      // "Precondition failed: UID in precondition: …, UID in object meta: …"
      if (isFault(error, 'not-found') || (isFault(error, 'conflict') && /\bUID in precondition\b/i.test(error.message))) return 'absent';
      throw error;
    }
  }

  async review(
    attributes: ReviewAttributes,
    options: Pick<ReadOptions, 'signal' | 'timeoutMs'> = {},
  ): Promise<{ allowed: boolean; reason: string }> {
    const { group = '', namespace = this.namespace, ...rest } = attributes;
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { group, namespace, ...rest } },
    };
    const path = paths.selfSubjectAccessReviews();
    const call = this.#call('POST', path, { ...options, body, contentType: 'application/json' });
    const { status } = await this.#json<{ status?: { allowed?: boolean; reason?: string; evaluationError?: string } }>(call);
    if (typeof status?.allowed !== 'boolean') throw protocolFault(call, 'the answer does not say whether it is allowed');
    return { allowed: status.allowed, reason: status.reason || status.evaluationError || '' };
  }

  async relay(path: string, { method, headers, body, signal }: RelayRequest): Promise<WireAnswer> {
    const call = this.#call(method, path, { signal, writes: method === 'POST', bytesMax: textBytesMax });
    return this.#exchange.once({ ...call, headers: { ...call.headers, ...headers }, body });
  }

  serverNowMs(): number {
    return this.#serverClock.nowMs();
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  #call(method: Call['method'], path: string, details: CallDetails): Call {
    const timeoutMs = Math.max(1, Math.ceil(details.timeoutMs ?? this.#options.requestTimeoutMs));
    return {
      method,
      path,
      writes: details.writes ?? false,
      query: queryString(details.query ?? {}),
      headers: {
        accept: details.accept ?? 'application/json',
        'user-agent': this.#options.userAgent,
        ...(details.contentType === undefined ? {} : { 'content-type': details.contentType }),
      },
      body: details.body === undefined ? undefined : JSON.stringify(details.body),
      bytesMax: details.bytesMax ?? jsonBytesMax,
      timeoutMs,
      signal: details.signal,
      repeatable: details.repeatable ?? details.writes !== true,
    };
  }

  async #json<T>(call: Call): Promise<T> {
    const answer = await this.#exchange.run(call);
    return objectFrom(call, answer) as T;
  }
}

type CallDetails = TextOptions & {
  readonly contentType?: string;
  readonly body?: object;
  readonly writes?: boolean;
  readonly repeatable?: boolean;
};

function writing({ dryRun, timeoutMs, fieldManager }: WriteOptions): CallDetails {
  return { timeoutMs, writes: true, query: { fieldManager: fieldManager ?? ourFieldManager, dryRun: dryRun === true ? 'All' : undefined } };
}

function queryString(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

function objectFrom(call: Call, answer: WireAnswer): object {
  if (answer.isCut) throw protocolFault(call, `the answer is larger than ${call.bytesMax} bytes`);
  const value = parsed(answer.text);
  if (value === undefined) throw protocolFault(call, 'the answer is not JSON');
  if (typeof value !== 'object' || value === null) throw protocolFault(call, 'the answer is not a JSON object');
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const systemClock: Clock = {
  nowMs: () => performance.now(),
  async sleep(ms, signal) {
    await delay(ms, undefined, { signal }).catch(() => undefined);
  },
};

import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, ApiError, type ListOf, pathsOf } from './kubernetes.ts';
import type { Deployment, EndpointSlice, Job, KubernetesObject, Pod, Service } from './shapes.ts';

export interface Seen<T> {
  readonly atMs: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

export interface History {
  readonly deployments: Seen<Deployment>[];
  readonly jobs: Seen<Job>[];
  readonly services: Seen<Service>[];
  readonly endpointSlices: Seen<EndpointSlice>[];
  readonly pods: Seen<Pod>[];
  /** Moments in which a watch had to begin anew: what happened there was not seen. */
  readonly gaps: string[];
}

const kinds = ['deployments', 'jobs', 'services', 'endpointSlices', 'pods'] as const;
type Kind = (typeof kinds)[number];

/** Sees every state that the objects of a namespace go through, with the time at which it learnt of it. */
export class Watcher {
  readonly history: History = { deployments: [], jobs: [], services: [], endpointSlices: [], pods: [], gaps: [] };
  private readonly abort = new AbortController();
  private readonly streams: Promise<void>[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly api: Api;
  private readonly namespace: string;

  constructor(api: Api, namespace: string) {
    this.api = api;
    this.namespace = namespace;
  }

  async start(): Promise<void> {
    const began = kinds.map((kind) => this.begin(kind));
    await Promise.all(began);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await Promise.allSettled(this.streams);
  }

  /** Resolves as soon as `holds` is true of what was seen so far, without polling. */
  async until(what: string, limitMs: number, holds: (history: History) => boolean): Promise<number> {
    if (holds(this.history)) return Date.now();
    return await new Promise<number>((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.listeners.delete(check);
        settle();
      };
      const check = (): void => {
        if (holds(this.history)) end(() => resolve(Date.now()));
      };
      const timer = setTimeout(() => end(() => reject(new Error(`not within ${limitMs / 1000} s: ${what}`))), limitMs);
      this.listeners.add(check);
    });
  }

  private async begin(kind: Kind): Promise<void> {
    const version = await this.relist(kind, new Map());
    this.streams.push(this.follow(kind, version));
  }

  private async follow(kind: Kind, from: string): Promise<void> {
    let version = from;
    while (!this.abort.signal.aborted) {
      try {
        await this.api.watch<KubernetesObject>(pathsOf(this.namespace)[kind], version, this.abort.signal, (event) => {
          if (event.type === 'ERROR') throw new ApiError(410, 'WATCH', kind, 'expired');
          version = event.object.metadata.resourceVersion;
          if (event.type !== 'BOOKMARK') this.keep(kind, { atMs: Date.now(), type: event.type, object: event.object });
        });
      } catch (error) {
        if (this.abort.signal.aborted) return;
        this.history.gaps.push(`${kind} at ${new Date().toISOString()}: ${error instanceof Error ? error.message : String(error)}`);
        await sleep(200);
        if (error instanceof ApiError && error.status === 410) version = await this.relist(kind, this.known(kind));
      }
    }
  }

  private async relist(kind: Kind, known: ReadonlyMap<string, KubernetesObject>): Promise<string> {
    const list = await this.api.get<ListOf<KubernetesObject>>(pathsOf(this.namespace)[kind]);
    const now = new Set(list.items.map((object) => object.metadata.uid));
    for (const [uid, object] of known) if (!now.has(uid)) this.keep(kind, { atMs: Date.now(), type: 'DELETED', object });
    for (const object of list.items) {
      if (known.get(object.metadata.uid)?.metadata.resourceVersion === object.metadata.resourceVersion) continue;
      this.keep(kind, { atMs: Date.now(), type: known.has(object.metadata.uid) ? 'MODIFIED' : 'ADDED', object });
    }
    return list.metadata.resourceVersion;
  }

  private known(kind: Kind): Map<string, KubernetesObject> {
    const known = new Map<string, KubernetesObject>();
    for (const seen of this.history[kind]) {
      if (seen.type === 'DELETED') known.delete(seen.object.metadata.uid);
      else known.set(seen.object.metadata.uid, seen.object);
    }
    return known;
  }

  private keep(kind: Kind, seen: Seen<KubernetesObject>): void {
    (this.history[kind] as Seen<KubernetesObject>[]).push(seen);
    for (const listener of [...this.listeners]) listener();
  }
}

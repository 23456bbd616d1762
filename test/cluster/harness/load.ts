import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, ApiError, pathsOf } from './kubernetes.ts';

export interface Failure {
  readonly atMs: number;
  readonly kind: string;
  readonly version: string;
  readonly address: string;
  /** In the client's own words; empty where there was an answer. */
  readonly detail: string;
  readonly tookMs: number;
}

export interface LoadStats {
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly rate: number;
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  readonly byVersion: Readonly<Record<string, { readonly ok: number; readonly failed: number }>>;
  readonly seconds: readonly { readonly tMs: number; readonly ok: number; readonly failed: number }[];
  readonly failures: readonly Failure[];
}

/** The client's side, read through the API server's pod proxy. */
export class Load {
  private readonly api: Api;
  private readonly path: string;

  constructor(api: Api, namespace: string) {
    this.api = api;
    this.path = `${pathsOf(namespace).pod('load:8080')}/proxy`;
  }

  async stats(): Promise<LoadStats> {
    return await this.api.get<LoadStats>(`${this.path}/stats`);
  }

  async reset(): Promise<void> {
    await this.api.text('POST', `${this.path}/reset`);
  }

  /** The load ends by itself when nobody asks for more of it. */
  async goOn(): Promise<void> {
    await this.api.text('POST', `${this.path}/target`);
  }

  async flows(limitMs: number): Promise<void> {
    const end = Date.now() + limitMs;
    for (let seen = 'no answer from the load generator'; ; await sleep(250)) {
      try {
        const stats = await this.stats();
        if (stats.ok > 20) return;
        seen = `${stats.ok} requests answered well, ${stats.failed} failed`;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
      if (Date.now() > end) throw new Error(`the load does not flow: ${seen}`);
    }
  }

  /** A request that hangs is counted only when it ends: waits until all those that began have ended. */
  async settled(): Promise<LoadStats> {
    const end = Date.now() + 7_000;
    for (;;) {
      const stats = await this.stats();
      const begun = ((stats.nowMs - stats.startedAtMs) / 1000) * stats.rate;
      if (begun - stats.sent < stats.rate * 0.3 || Date.now() > end) return stats;
      await sleep(500);
    }
  }
}

export function describeLoad(stats: LoadStats): string {
  const versions = Object.entries(stats.byVersion).map(
    ([version, tally]) => `${version === '' ? 'no version' : version}: ${tally.ok} well, ${tally.failed} failed`,
  );
  return `${stats.sent} requests, ${stats.failed} failed (${versions.join('; ')})`;
}

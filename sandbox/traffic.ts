import type { Clock } from './clock.ts';
import type { KubeProxy } from './endpoints.ts';
import type { Kubelet } from './kubelet.ts';
import type { Random } from './random.ts';

export interface TrafficOptions {
  readonly namespace: string;
  readonly service: string;
  readonly ratePerSecond: number;
}

export interface Tally {
  readonly ok: number;
  readonly failed: number;
}

export interface ClientStats extends Tally {
  /** By the version that answered; `none` where no endpoint was there or the connection was refused. */
  readonly byVersion: Readonly<Record<string, Tally>>;
  readonly bySecond: readonly (Tally & { readonly second: number; readonly version: string })[];
}

export interface Traffic {
  /** Clients that do not wait for one another; the answer ends them. */
  start(options: TrafficOptions): () => void;
  settle(): void;
  stats(): ClientStats;
}

interface Flow extends TrafficOptions {
  nextMs: number;
}

/** Requests are worked off lazily: before anything that could change an answer, all that came until now are answered. */
export function createTraffic(clock: Clock, random: Random, proxy: () => KubeProxy, kubelet: () => Kubelet): Traffic {
  const flows = new Set<Flow>();
  const counts = new Map<string, { second: number; version: string; ok: number; failed: number }>();

  function record(atMs: number, version: string, ok: boolean): void {
    const second = Math.floor(atMs / 1000);
    const key = `${second} ${version}`;
    const count = counts.get(key) ?? { second, version, ok: 0, failed: 0 };
    count.ok += ok ? 1 : 0;
    count.failed += ok ? 0 : 1;
    counts.set(key, count);
  }

  function settle(): void {
    for (const flow of flows) {
      const backends = proxy().backends(flow.namespace, flow.service);
      for (; flow.nextMs <= clock.now(); flow.nextMs += 1000 / flow.ratePerSecond) {
        const uid = backends[Math.floor(random.next() * backends.length)];
        const code = uid === undefined ? undefined : kubelet().answer(uid, flow.nextMs);
        const version = uid === undefined ? undefined : kubelet().runOf(uid)?.containers[0]?.behaviour.version;
        record(flow.nextMs, code === undefined ? 'none' : (version ?? 'none'), code === 200);
      }
    }
  }

  return {
    settle,
    start(options) {
      settle();
      const flow: Flow = { ...options, nextMs: clock.now() };
      flows.add(flow);
      return () => {
        settle();
        flows.delete(flow);
      };
    },
    stats() {
      settle();
      const bySecond = [...counts.values()].map((count) => ({ ...count }));
      const byVersion: Record<string, { ok: number; failed: number }> = {};
      for (const { version, ok, failed } of bySecond) {
        const tally = byVersion[version] ?? { ok: 0, failed: 0 };
        byVersion[version] = { ok: tally.ok + ok, failed: tally.failed + failed };
      }
      const ok = bySecond.reduce((sum, count) => sum + count.ok, 0);
      const failed = bySecond.reduce((sum, count) => sum + count.failed, 0);
      return { ok, failed, byVersion, bySecond };
    },
  };
}

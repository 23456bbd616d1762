import type { MetricsReading, PodCounters } from '../../src/rollout/observation.ts';
import type { PodNames, StableTraffic } from '../../src/runner/ports.ts';
import type { Nodes } from './nodes.ts';
import type { Pod } from './objects.ts';
import type { Dice } from './random.ts';
import type { Behaviour } from './scenario.ts';
import type { Schedule } from './schedule.ts';

export const scrapeMs = 5_000;

/** The Service's traffic, spread evenly over ready pods, and Prometheus, which sees each pod's counters every 5 s. */
export class Traffic {
  readonly #schedule: Schedule;
  readonly #dice: Dice;
  readonly #behaviours: Readonly<Record<string, Behaviour>>;
  readonly #requestsPerSecond: number;
  #sinceMs: number;
  #scraping = false;
  nodes: Nodes | undefined;
  /** All that Prometheus has ever seen of each arm. */
  readonly totals = { canary: { errors: 0, requests: 0 }, stable: { errors: 0, requests: 0 } };

  /** The same of the Deployment's own pods, by the tag of their image. */
  readonly totalsByTag = new Map<string, { errors: number; requests: number }>();

  constructor(schedule: Schedule, dice: Dice, behaviours: Readonly<Record<string, Behaviour>>, requestsPerSecond: number) {
    this.#schedule = schedule;
    this.#dice = dice;
    this.#behaviours = behaviours;
    this.#requestsPerSecond = requestsPerSecond;
    this.#sinceMs = schedule.nowMs;
  }

  /** Prometheus looks only while somebody may ask: an hour of waiting for a deadline costs nothing. */
  scrapeWhile(asked: () => boolean): void {
    if (this.#scraping) return;
    this.#scraping = true;
    this.#scrape(asked);
  }

  /** Counts what was answered since the last change of the pods. */
  settle(): void {
    const ms = this.#schedule.nowMs - this.#sinceMs;
    if (ms <= 0) return;
    this.#sinceMs = this.#schedule.nowMs;
    if (!this.#scraping) return;
    const ready = (this.nodes?.pods ?? []).filter((pod) => pod.ready && !pod.detached);
    for (const pod of ready) {
      const requests = this.#dice.poisson((this.#requestsPerSecond * ms) / 1000 / ready.length);
      pod.requests += requests;
      pod.errors += Math.min(requests, this.#dice.poisson(requests * (this.#behaviours[pod.tag]?.errorRate ?? 0)));
    }
  }

  read(names: PodNames): MetricsReading {
    const pods = new Map((this.nodes?.pods ?? []).map((pod) => [pod.name, pod]));
    const counters = (wanted: readonly string[]): PodCounters =>
      Object.fromEntries(
        wanted.flatMap((name) => {
          const scraped = pods.get(name)?.scraped;
          return scraped === undefined ? [] : [[name, scraped]];
        }),
      );
    return { canary: counters(names.canary), stable: counters(names.stable) };
  }

  get rate(): StableTraffic {
    const errorRate = this.#behaviours['v1']?.errorRate ?? 0;
    const requests = this.#requestsPerSecond * 60;
    const counted = { errors: Math.round(requests * errorRate), requests };
    return { requestsPerSecond: this.#requestsPerSecond, errorRate, podsWithoutSeries: [], counted };
  }

  #scrape(asked: () => boolean): void {
    if (!asked()) {
      this.#scraping = false;
      return;
    }
    this.settle();
    for (const pod of this.nodes?.pods ?? []) this.#scrapePod(pod);
    this.#schedule.after(scrapeMs, () => this.#scrape(asked));
  }

  #scrapePod(pod: Pod): void {
    if (pod.terminating || pod.waiting !== '') return;
    // A container that has restarted counts from zero.
    const base = pod.scraped === undefined || pod.requests < pod.scraped.requests ? { errors: 0, requests: 0 } : pod.scraped;
    const total = this.totals[pod.arm];
    total.errors += pod.errors - base.errors;
    total.requests += pod.requests - base.requests;
    if (pod.arm === 'stable') {
      const ofTag = this.totalsByTag.get(pod.tag) ?? { errors: 0, requests: 0 };
      ofTag.errors += pod.errors - base.errors;
      ofTag.requests += pod.requests - base.requests;
      this.totalsByTag.set(pod.tag, ofTag);
    }
    pod.scraped = { errors: pod.errors, requests: pod.requests };
  }
}

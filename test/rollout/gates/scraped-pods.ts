import type { PodCounters } from '../../../src/rollout/observation.ts';
import { binomial, type Random } from './random.ts';

export type ErrorRates = { readonly canary: number; readonly stable: number };

type Pod = { readonly name: string; readonly canary: boolean; readonly phase: number; errors: number; requests: number };

/** Pods of both arms with a counter each, scraped every `scrapeSeconds` at a phase of their own, as Prometheus does. */
export class ScrapedPods {
  readonly #pods: readonly Pod[];
  readonly #shown = new Map<string, { readonly errors: number; readonly requests: number }>();
  readonly #random: Random;
  readonly #requestsPerPod: number;
  readonly #scrapeSeconds: number;

  constructor(random: Random, counts: { canary: number; stable: number; requestsPerSecond: number; scrapeSeconds: number }) {
    this.#random = random;
    this.#scrapeSeconds = counts.scrapeSeconds;
    this.#requestsPerPod = Math.round(counts.requestsPerSecond / (counts.canary + counts.stable));
    this.#pods = Array.from({ length: counts.canary + counts.stable }, (_, index) => ({
      name: `pod-${index}`,
      canary: index < counts.canary,
      phase: Math.floor(random() * counts.scrapeSeconds),
      errors: 0,
      requests: 0,
    }));
  }

  /** One second of traffic, then what a query shows. */
  second(at: number, rates: ErrorRates): { readonly canary: PodCounters; readonly stable: PodCounters } {
    for (const pod of this.#pods) {
      pod.requests += this.#requestsPerPod;
      pod.errors += binomial(this.#random, this.#requestsPerPod, pod.canary ? rates.canary : rates.stable);
      if (at % this.#scrapeSeconds === pod.phase) this.#shown.set(pod.name, { errors: pod.errors, requests: pod.requests });
    }
    const shown = (canary: boolean): PodCounters => {
      const pods = this.#pods.filter((pod) => pod.canary === canary && this.#shown.has(pod.name));
      return Object.fromEntries(pods.map(({ name }) => [name, this.#shown.get(name) ?? { errors: 0, requests: 0 }]));
    };
    return { canary: shown(true), stable: shown(false) };
  }
}

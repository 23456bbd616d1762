import type { MetricsReading } from '../../src/rollout/observation.ts';
import { binomial, type Random } from '../rollout/gates/random.ts';

export const tickSeconds = 5;
const scrapeSeconds = 15;

/** What is true: requests/s of both arms together, the canary's share of them at a moment, and the error rates (fractions). */
export type World = {
  readonly requestsPerSecond: number;
  readonly share: number;
  readonly canaryRate: number;
  readonly stableRate: number;
};

export type Sample = { readonly atSeconds: number; readonly errors: number; readonly requests: number };

/** Requests of both arms in ticks of 5 s, and what scrapes every 15 s, each arm at a phase of its own, have shown of them. */
export class Traffic {
  readonly #random: Random;
  readonly #phases: { readonly canary: number; readonly stable: number };
  readonly #canary = { errors: 0, requests: 0 };
  readonly #stable = { errors: 0, requests: 0 };
  #stableShown = { errors: 0, requests: 0 };
  #seconds = 0;
  /** Scrapes of the canary, with counters since its start. */
  readonly scrapes: Sample[] = [];

  constructor(random: Random) {
    this.#random = random;
    const phase = (): number => tickSeconds * Math.floor((random() * scrapeSeconds) / tickSeconds);
    this.#phases = { canary: phase(), stable: phase() };
  }

  get seconds(): number {
    return this.#seconds;
  }

  /** Errors that clients have got from the canary so far. */
  get errors(): number {
    return this.#canary.errors;
  }

  get requests(): number {
    return this.#canary.requests;
  }

  tick(world: World): void {
    const { requestsPerSecond, share, canaryRate, stableRate } = world;
    this.#count(this.#canary, requestsPerSecond * share, canaryRate);
    this.#count(this.#stable, requestsPerSecond * (1 - share), stableRate);
    this.#seconds += tickSeconds;
    if (this.#seconds % scrapeSeconds === this.#phases.canary) this.scrapes.push({ atSeconds: this.#seconds, ...this.#canary });
    if (this.#seconds % scrapeSeconds === this.#phases.stable) this.#stableShown = { ...this.#stable };
  }

  #count(arm: { errors: number; requests: number }, requestsPerSecond: number, rate: number): void {
    const requests = poisson(this.#random, requestsPerSecond * tickSeconds);
    arm.requests += requests;
    arm.errors += binomial(this.#random, requests, rate);
  }

  /** What a query answers now. */
  reading(): MetricsReading {
    const last = this.scrapes.at(-1);
    return {
      canary: last === undefined ? {} : { canary: { errors: last.errors, requests: last.requests } },
      stable: { stable: this.#stableShown },
    };
  }

  /** The error ratio over `rate[window]`, of the samples in it; undefined without requests. */
  ratio(windowSeconds: number): number | undefined {
    const inWindow = this.scrapes.filter((sample) => sample.atSeconds > this.#seconds - windowSeconds);
    const [first, last] = [inWindow[0], inWindow.at(-1)];
    if (first === undefined || last === undefined || last.requests === first.requests) return undefined;
    return (last.errors - first.errors) / (last.requests - first.requests);
  }
}

/** Exact for small means; a rounded normal for large ones. */
function poisson(random: Random, mean: number): number {
  if (mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  let count = 0;
  for (let product = random(); product > Math.exp(-mean); product *= random()) count += 1;
  return count;
}

import type { Family } from '../rollout/metric-families/families.ts';
import { isErrorSeries, type Labels } from '../rollout/metric-families/outcome.ts';
import type { MetricsReading, PodCounters } from '../rollout/observation.ts';
import type { PodNames } from '../runner/ports.ts';
import { replicaLabels, sideLabel, timesSides } from './query.ts';

/** What an instant query's answer says; `atSeconds` is Prometheus' own time, undefined where no sample tells it. */
export type Answer =
  | { readonly kind: 'reading'; readonly reading: MetricsReading; readonly atSeconds: number | undefined }
  | { readonly kind: 'unavailable'; readonly why: string };

/** How the samples tell errors: by the labels of a family, or by our own label of a custom query. */
export type Shape = Family | 'by-side';

/** Untrusted JSON: any field may be missing or of any type. */
type Loose<Key extends string> = { readonly [key in Key]?: unknown };
type Sample = {
  readonly labels: Labels;
  readonly pod: string;
  readonly atSeconds: number;
  readonly value: number;
};
type Counter = { errors: number; requests: number; isTold: boolean; slow?: number };

/** Untrusted text is passed on up to this length; it is escaped where it is shown. */
export const foreignTextMax = 300;

class Unusable extends Error {}

/**
 * The counters of both arms from a response body of `/api/v1/query`. Anything that could make errors look fewer than they are (partial
 * data, values that are no counts, samples of no pod, pods without a status) makes the answer unavailable. No series is a reading without pods.
 */
export function parseAnswer(body: unknown, pods: PodNames, shape: Shape): Answer {
  try {
    const samples = vectorOf(body).map(sampleOf);
    const counters = shape === 'by-side' ? countersBySide(samples) : countersByJob(samples, shape);
    const reading = { canary: pick(counters, pods.canary), stable: pick(counters, pods.stable) };
    return { kind: 'reading', reading, atSeconds: samples[0]?.atSeconds };
  } catch (error) {
    if (error instanceof Unusable) return { kind: 'unavailable', why: error.message.slice(0, foreignTextMax) };
    throw error;
  }
}

/** The labels of each sample of an instant vector; what makes an answer unusable is a text. */
export function parseLabels(body: unknown): readonly Labels[] | string {
  try {
    return vectorOf(body).map((raw) => {
      if (!isObject<'metric'>(raw)) throw new Unusable('a sample has no labels');
      return labelsOf(raw.metric);
    });
  } catch (error) {
    if (error instanceof Unusable) return error.message.slice(0, foreignTextMax);
    throw error;
  }
}

/** The error that a response body of Prometheus' API reports, if it does. Untrusted text. */
export function apiErrorOf(body: unknown): string | undefined {
  if (!isObject<'status' | 'errorType' | 'error'>(body) || body.status !== 'error') return undefined;
  return `${body.errorType}: ${body.error}`.slice(0, foreignTextMax);
}

function vectorOf(body: unknown): readonly unknown[] {
  const apiError = apiErrorOf(body);
  if (apiError !== undefined) throw new Unusable(`Prometheus says ${apiError}`);
  if (!isObject<'status' | 'warnings' | 'data'>(body) || body.status !== 'success') {
    throw new Unusable('the answer is not one of Prometheus');
  }
  const { warnings, data } = body;
  if (Array.isArray(warnings) && warnings.length > 0) throw new Unusable(`the data may be partial: ${warnings.join('; ')}`);
  if (!isObject<'resultType' | 'result'>(data)) throw new Unusable('the answer has no data');
  if (data.resultType !== 'vector') throw new Unusable(`the query gives a ${data.resultType} and not an instant vector`);
  if (!Array.isArray(data.result)) throw new Unusable('the answer has no result');
  return data.result;
}

function sampleOf(raw: unknown): Sample {
  if (!isObject<'metric' | 'value'>(raw)) throw new Unusable('a sample has no labels');
  const { value: pair } = raw;
  const labels = labelsOf(raw.metric);
  const { pod } = labels;
  if (typeof pod !== 'string' || pod === '') throw new Unusable('a sample has no label `pod`: the query must keep it');
  if (!Array.isArray(pair)) throw new Unusable(`the sample of pod ${pod} is a histogram and not a counter`);
  const atSeconds: unknown = pair[0];
  if (typeof atSeconds !== 'number' || !Number.isFinite(atSeconds)) throw new Unusable(`the sample of pod ${pod} has no time`);
  return { labels, pod, atSeconds, value: finiteValue(pair[1], pod) };
}

function finiteValue(text: unknown, pod: string): number {
  const value = typeof text === 'string' && /^[+-]?[\d.]+(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw new Unusable(`the value of pod ${pod} is ${String(text)}`);
  if (value < 0) throw new Unusable(`the value of pod ${pod} is negative (${value}): not a counter`);
  return value;
}

function labelsOf(metric: unknown): Labels {
  if (!isObject<string>(metric)) throw new Unusable('a sample has no labels');
  return Object.fromEntries(Object.entries(metric).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/**
 * Two jobs that scrape one pod, or two replicas of Prometheus, have each counted its requests: of each pod only the one counts that has seen
 * the most, which is the one that has scraped last. Response times are taken from the same one.
 */
function countersByJob(samples: readonly Sample[], family: Family): ReadonlyMap<string, Counter> {
  const byJob = new Map<string, { readonly pod: string; readonly counter: Counter }>();
  const times = new Map<string, Readonly<Record<string, number>>>();
  for (const { pod, labels, value } of samples) {
    const key = JSON.stringify([pod, ...['job', ...replicaLabels].map((label) => labels[label] ?? '')]);
    const side = labels[sideLabel];
    if (side !== undefined) {
      times.set(key, { ...times.get(key), [side]: value });
      continue;
    }
    const { counter } = byJob.get(key) ?? { counter: { errors: 0, requests: 0, isTold: false } };
    byJob.set(key, { pod, counter });
    const isError = isErrorSeries(family, labels);
    counter.isTold ||= isError !== undefined;
    counter.requests += value;
    if (isError === true) counter.errors += value;
  }
  const counters = new Map<string, Counter>();
  for (const [key, { pod, counter }] of byJob) {
    const other = counters.get(pod);
    if (other === undefined || isBetter(counter, other)) counters.set(pod, { ...counter, ...slowOf(times.get(key)) });
  }
  for (const [pod, counter] of counters) {
    if (counter.isTold) continue;
    const labels = family.outcomeLabels.map((label) => `\`${label}\``).join(' and ');
    throw new Unusable(`${family.counter} of pod ${pod} does not tell what failed in the labels ${labels}`);
  }
  return counters;
}

function slowOf(times: Readonly<Record<string, number>> = {}): { readonly slow?: number } {
  const all = times[timesSides.all];
  const quick = times[timesSides.quick];
  return all === undefined || quick === undefined ? {} : { slow: Math.max(0, all - quick) };
}

function isBetter(counter: Counter, other: Counter): boolean {
  if (counter.isTold !== other.isTold) return counter.isTold;
  return counter.requests > other.requests || (counter.requests === other.requests && counter.errors > other.errors);
}

function countersBySide(samples: readonly Sample[]): ReadonlyMap<string, Counter> {
  const counters = new Map<string, Counter>();
  for (const sample of samples) {
    const counter = counters.get(sample.pod) ?? { errors: 0, requests: 0, isTold: false };
    counters.set(sample.pod, counter);
    addBySide(counter, sample);
  }
  for (const [pod, counter] of counters) {
    if (!counter.isTold) throw new Unusable(`the total query gives nothing for pod ${pod}, the error query does`);
    if (counter.errors > counter.requests) {
      throw new Unusable(`the error query counts more than the total query for pod ${pod} (${counter.errors} of ${counter.requests})`);
    }
  }
  return counters;
}

function addBySide(counter: Counter, sample: Sample): void {
  const side = sample.labels[sideLabel];
  if (side === 'error') counter.errors += sample.value;
  else if (side === 'total') {
    counter.requests += sample.value;
    counter.isTold = true;
  } else throw new Unusable(`a sample of pod ${sample.pod} has no label \`${sideLabel}\``);
}

function pick(counters: ReadonlyMap<string, Counter>, pods: readonly string[]): PodCounters {
  return Object.fromEntries(
    pods.flatMap((pod) => {
      const counter = counters.get(pod);
      if (counter === undefined) return [];
      const { errors, requests, slow } = counter;
      return [[pod, { errors, requests, ...(slow === undefined ? {} : { slow }) }]];
    }),
  );
}

function isObject<Key extends string>(value: unknown): value is Loose<Key> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

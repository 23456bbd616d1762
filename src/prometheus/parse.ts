import type { MetricsReading, PodCounters } from '../rollout/observation.ts';
import type { PodNames } from '../runner/ports.ts';
import { sideLabel } from './query.ts';

/** What an instant query's answer says; `atSeconds` is Prometheus' own time, undefined where no sample tells it. */
export type Answer =
  | { readonly kind: 'reading'; readonly reading: MetricsReading; readonly atSeconds: number | undefined }
  | { readonly kind: 'unavailable'; readonly why: string };

/** How the samples tell errors: by the labels `code` and `status`, or by our own label of a custom query. */
export type Shape = 'by-status' | 'by-side';

/** Untrusted JSON: any field may be missing or of any type. */
type Loose<Key extends string> = { readonly [key in Key]?: unknown };
type LabelName = 'pod' | 'code' | 'status' | typeof sideLabel;
type Sample = {
  readonly labels: Loose<LabelName>;
  readonly pod: string;
  readonly atSeconds: number;
  readonly value: number;
};
type Counter = { errors: number; requests: number; hasStatus: boolean; hasTotal: boolean };

/** Untrusted text is passed on up to this length; it is escaped where it is shown. */
export const foreignTextMax = 300;

class Unusable extends Error {}

/**
 * The counters of both arms from a response body of `/api/v1/query`. Anything that could make errors look fewer than they are (partial
 * data, values that are no counts, samples of no pod, pods without a status) makes the answer unavailable. No series is a reading without pods.
 */
export function parseAnswer(body: unknown, pods: PodNames, shape: Shape): Answer {
  try {
    const samples = samplesOf(body);
    const counters = countersOf(samples, shape);
    const reading = { canary: pick(counters, pods.canary), stable: pick(counters, pods.stable) };
    return { kind: 'reading', reading, atSeconds: samples[0]?.atSeconds };
  } catch (error) {
    if (error instanceof Unusable) return { kind: 'unavailable', why: error.message.slice(0, foreignTextMax) };
    throw error;
  }
}

/** The error that a response body of Prometheus' API reports, if it does. Untrusted text. */
export function apiErrorOf(body: unknown): string | undefined {
  if (!isObject<'status' | 'errorType' | 'error'>(body) || body.status !== 'error') return undefined;
  return `${body.errorType}: ${body.error}`.slice(0, foreignTextMax);
}

function samplesOf(body: unknown): readonly Sample[] {
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
  return data.result.map(sampleOf);
}

function sampleOf(raw: unknown): Sample {
  if (!isObject<'metric' | 'value'>(raw) || !isObject<LabelName>(raw.metric)) throw new Unusable('a sample has no labels');
  const { metric: labels, value: pair } = raw;
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

function countersOf(samples: readonly Sample[], shape: Shape): ReadonlyMap<string, Counter> {
  const counters = new Map<string, Counter>();
  for (const sample of samples) {
    const counter = counters.get(sample.pod) ?? { errors: 0, requests: 0, hasStatus: false, hasTotal: false };
    counters.set(sample.pod, counter);
    if (shape === 'by-status') addByStatus(counter, sample);
    else addBySide(counter, sample);
  }
  for (const [pod, counter] of counters) {
    if (shape === 'by-status' && !counter.hasStatus) {
      throw new Unusable(`http_requests_total of pod ${pod} has no HTTP status in the labels \`code\` and \`status\``);
    }
    if (shape === 'by-side' && !counter.hasTotal) throw new Unusable(`the total query gives nothing for pod ${pod}, the error query does`);
    if (counter.errors > counter.requests) {
      throw new Unusable(`the error query counts more than the total query for pod ${pod} (${counter.errors} of ${counter.requests})`);
    }
  }
  return counters;
}

function addByStatus(counter: Counter, sample: Sample): void {
  const statuses = [sample.labels.code, sample.labels.status].filter((label) => typeof label === 'string' && isHttpStatus(label));
  counter.hasStatus ||= statuses.length > 0;
  counter.requests += sample.value;
  if (statuses.some((status) => String(status).startsWith('5'))) counter.errors += sample.value;
}

function addBySide(counter: Counter, sample: Sample): void {
  const side = sample.labels[sideLabel];
  if (side === 'error') counter.errors += sample.value;
  else if (side === 'total') {
    counter.requests += sample.value;
    counter.hasTotal = true;
  } else throw new Unusable(`a sample of pod ${sample.pod} has no label \`${sideLabel}\``);
}

const isHttpStatus = (label: string): boolean => /^[1-5](?:\d\d|xx)$/i.test(label);

function pick(counters: ReadonlyMap<string, Counter>, pods: readonly string[]): PodCounters {
  return Object.fromEntries(
    pods.flatMap((pod) => {
      const counter = counters.get(pod);
      return counter === undefined ? [] : [[pod, { errors: counter.errors, requests: counter.requests }]];
    }),
  );
}

function isObject<Key extends string>(value: unknown): value is Loose<Key> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { Cluster } from './cluster.ts';
import type { PodRun } from './container-run.ts';
import type { Kubelet } from './kubelet.ts';
import type { JsonObject } from './objects.ts';
import { ExecutionError, evaluate, keyOf, type Sample, type Value } from './promql.ts';
import { ParseError, parsePromql } from './promql-parser.ts';
import { hashText } from './random.ts';
import { type ApiRequest, type ApiResponse, reply } from './request.ts';

const LOOKBACK_MS = 300_000;
const FIRST_SCRAPE_MS = 200;

export interface PrometheusFaults {
  /** `down`: 503 of the proxy in front; `error`: Prometheus' own 503; `empty`: success without a sample. */
  answer: 'normal' | 'down' | 'error' | 'empty';
  delayMs: number;
}

export interface Prometheus {
  handle(request: ApiRequest): ApiResponse;
  readonly faults: PrometheusFaults;
}

interface Series {
  readonly labels: Sample['labels'];
  /** undefined marks staleness: the target is gone. */
  readonly points: { readonly atMs: number; readonly value: number | undefined }[];
}

/** Scrapes every pod that runs, each at its own moment of the interval, and answers instant queries. */
export function startPrometheus(
  { store, clock }: Cluster,
  kubelet: Kubelet,
  { scrapeIntervalMs, replicaLabel }: { readonly scrapeIntervalMs: number; readonly replicaLabel?: string | undefined },
  settleTraffic: () => void,
): Prometheus {
  const series = new Map<string, Series>();
  const targets = new Map<string, Set<string>>();
  const faults: PrometheusFaults = { answer: 'normal', delayMs: 0 };

  function append(run: PodRun, labels: Sample['labels'], value: number): string {
    const key = keyOf(labels);
    const known = series.get(key) ?? { labels, points: [] };
    known.points.push({ atMs: clock.now(), value });
    series.set(key, known);
    targets.get(run.uid)?.add(key);
    return key;
  }

  function markStale(uid: string, alive: ReadonlySet<string>): void {
    for (const key of targets.get(uid) ?? []) {
      const points = series.get(key)?.points;
      if (!alive.has(key) && points?.at(-1)?.value !== undefined) points.push({ atMs: clock.now(), value: undefined });
    }
  }

  function scrape(uid: string): void {
    settleTraffic();
    const run = kubelet.runOf(uid);
    const serving = run?.containers[0];
    const alive = new Set<string>();
    if (run !== undefined && serving?.phase.kind === 'running') {
      const target = { namespace: run.namespace, pod: run.name, job: 'pods', instance: `${run.podIP}:8080` };
      const version = serving.behaviour.version ?? '';
      for (const replica of replicaLabel === undefined ? [{}] : [{ [replicaLabel]: 'a' }, { [replicaLabel]: 'b' }]) {
        const labels = { ...target, ...replica };
        for (const [code, count] of serving.codes) {
          alive.add(append(run, { __name__: 'http_requests_total', ...labels, code: String(code), version }, count));
        }
        alive.add(append(run, { __name__: 'up', ...labels }, 1));
      }
    }
    markStale(uid, alive);
    if (run !== undefined) clock.after(scrapeIntervalMs, () => scrape(uid));
  }

  store.watch(({ resource, type, object }) => {
    const { uid } = object.metadata;
    if (resource !== 'pods' || type === 'DELETED' || targets.has(uid) || kubelet.runOf(uid) === undefined) return;
    targets.set(uid, new Set());
    clock.after(FIRST_SCRAPE_MS + (hashText(uid) % scrapeIntervalMs), () => scrape(uid));
  });

  function select(isWanted: (labels: Sample['labels']) => boolean, atMs: number): readonly Sample[] {
    const found: Sample[] = [];
    for (const { labels, points } of series.values()) {
      if (!isWanted(labels)) continue;
      const last = points.findLast((point) => point.atMs <= atMs);
      if (last?.value === undefined || atMs - last.atMs >= LOOKBACK_MS) continue;
      found.push({ labels, value: last.value, atMs: last.atMs });
    }
    return found;
  }

  function query(parameters: URLSearchParams): ApiResponse {
    const text = parameters.get('query') ?? '';
    const time = parameters.get('time');
    const atMs = time === null ? clock.now() : parseTime(time);
    try {
      if (Number.isNaN(atMs)) return failure(400, 'bad_data', `invalid parameter "time": cannot parse "${time}" to a valid timestamp`);
      if (text.trim() === '')
        return failure(400, 'bad_data', 'invalid parameter "query": unknown position: parse error: no expression found in input');
      const value = evaluate(parsePromql(text), faults.answer === 'empty' ? () => [] : select, atMs);
      return success(value, atMs);
    } catch (error) {
      if (error instanceof ParseError) return failure(400, 'bad_data', `invalid parameter "query": ${error.message}`);
      if (error instanceof ExecutionError) return failure(422, 'execution', error.message);
      throw error;
    }
  }

  function answer(request: ApiRequest): ApiResponse {
    if (faults.answer === 'down') return { status: 503, headers: { 'content-type': 'text/plain' }, body: 'no healthy upstream' };
    if (request.path === '/-/ready')
      return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'Prometheus Server is Ready.\n' };
    if (request.path !== '/api/v1/query') return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
    if (faults.answer === 'error') return failure(503, 'timeout', 'query timed out in expression evaluation');
    return query(new URLSearchParams(request.method === 'POST' ? (request.body ?? '') : (request.query ?? {})));
  }

  return {
    faults,
    handle(request) {
      const response = answer(request);
      return faults.delayMs > 0 ? { ...response, delayMs: faults.delayMs } : response;
    },
  };
}

function parseTime(text: string): number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

function success(value: Value, atMs: number): ApiResponse {
  const at = atMs / 1000;
  const data: JsonObject =
    value.kind === 'scalar'
      ? { resultType: 'scalar', result: [at, String(value.value)] }
      : { resultType: 'vector', result: value.samples.map(({ labels, value: v }) => ({ metric: { ...labels }, value: [at, String(v)] })) };
  return reply(200, { status: 'success', data });
}

function failure(status: number, errorType: string, error: string): ApiResponse {
  return reply(status, { status: 'error', errorType, error });
}

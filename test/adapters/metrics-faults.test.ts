import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createPrometheus } from '../../src/prometheus/client.ts';
import { absorbReading, absorbUnavailable, judgeMetrics, startEvidence } from '../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import { json, startServer, vector } from './prometheus-server.ts';

/** What each fault does to the verdict: the table in docs/gates.md, "Sources and faults". */

const never = new AbortController().signal;
const pollMs = 15_000;
const polls = 12;
const rules = rulesFor({
  compare: true,
  spec: { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate: undefined, timeoutMs: 1_800_000 },
});

type Counters = Record<string, Record<string, number>>;
/** After the poll: a canary without an error, and stable with half a percent; their counters before it. */
const truth = (poll: number): Counters => ({ c: { 200: 100 * (poll + 1) }, s: { 200: 995_000 + 398 * poll, 500: 5_000 + 2 * poll } });
type Fault = (response: ServerResponse, poll: number, counters: Counters) => void;

/** Polls a Prometheus whose answers a fault changes in some polls; the verdict and the totals at the end. */
async function observe(fault: Fault, isFaulty: (poll: number) => boolean) {
  if (rules === undefined) throw new Error('no rules');
  let poll = 0;
  await using server = await startServer((_, response) => {
    if (isFaulty(poll)) fault(response, poll, truth(poll));
    else json(response, vector(truth(poll)));
  });
  const source = createPrometheus({
    address: { kind: 'url', url: server.url },
    fetchService: () => Promise.reject(new Error('not asked')),
    namespace: 'shop',
    queries: undefined,
  });
  let evidence = startEvidence(rules);
  let unavailable = 0;
  for (; poll < polls; poll += 1) {
    const seen = await source.read({ canary: ['c', 'c2'], stable: ['s', 's2'] }, never);
    const nowMs = poll * pollMs;
    if (seen.kind === 'unavailable') unavailable += 1;
    evidence = seen.kind === 'reading' ? absorbReading(rules, evidence, seen.reading, nowMs) : absorbUnavailable(evidence, seen.why, nowMs);
  }
  return { verdict: judgeMetrics(rules, evidence, (polls - 1) * pollMs), totals: evidence.totals, unavailable };
}

const always = () => true;
const inTheMiddle = (poll: number) => poll === 5 || poll === 6;
const atTheEnd = (poll: number) => poll >= polls - 4;
const whole = { canaryErrors: 0, canaryRequests: 1_200, stableErrors: 22, stableRequests: 4_400 };
const sent =
  (body: unknown): Fault =>
  (response) =>
    json(response, body);
const valued =
  (value: string): Fault =>
  (response) =>
    json(response, {
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: { pod: 'c', code: '200' }, value: [1, value] }] },
    });

const faults: readonly [string, Fault][] = [
  ['the query fails', (response) => json(response, { status: 'error', errorType: 'execution', error: 'too many samples' }, 422)],
  ['Prometheus is down', (response) => response.writeHead(503).end('no healthy upstream')],
  ['the connection breaks', (response) => void response.socket?.destroy()],
  [
    'the data are partial, as a warning says',
    (response, _, counters) => json(response, { ...(vector(counters) as object), warnings: ['a store is down'] }),
  ],
  ['the answer is empty', sent({ status: 'success', data: { resultType: 'vector', result: [] } })],
  ['the value is NaN', valued('NaN')],
  ['the value is infinite', valued('+Inf')],
  ['the value is negative', valued('-5')],
  ['the answer is a range', sent({ status: 'success', data: { resultType: 'matrix', result: [] } })],
  ['the answer is no JSON', (response) => response.end('<html>')],
];

describe('faults that last', () => {
  it.each(faults)('%s, always: unknown', async (_, fault) => {
    const { verdict, totals } = await observe(fault, always);
    expect(verdict).toMatchObject({ kind: 'unknown', reason: 'metrics-unavailable' });
    expect(totals.canaryRequests).toBe(0);
  });

  it.each(faults)('%s, from then on: what had passed passes no longer after 45 s', async (_, fault) => {
    expect((await observe(fault, () => false)).verdict.kind).toBe('pass');
    expect((await observe(fault, atTheEnd)).verdict).toMatchObject({ kind: 'unknown', reason: 'metrics-unavailable' });
  });
});

describe('faults for a while', () => {
  it.each(faults)('%s: nothing is lost, and nothing counts twice', async (_, fault) => {
    expect((await observe(fault, inTheMiddle)).totals).toEqual(whole);
  });

  it.each<[string, Fault]>([
    ['series of stable are stale', (response, _, { c = {} }) => json(response, vector({ c }))],
    ['series of the canary are stale', (response, _, { s = {} }) => json(response, vector({ s }))],
    ['a scrape was missed: the old values again', (response) => json(response, vector(truth(4)))],
    ['the other of an HA pair answers, which is behind', (response) => json(response, vector(truth(3)))],
    ['the clock is an hour off', (response, _, counters) => json(response, vector(counters, 1))],
  ])('%s: nothing is lost, and nothing counts twice', async (_, fault) => {
    const { totals, verdict, unavailable } = await observe(fault, inTheMiddle);
    expect(totals).toEqual(whole);
    expect(verdict.kind).toBe('pass');
    expect(unavailable).toBe(0);
  });
});

describe('counters that begin anew', () => {
  it('a restarted container counts from zero', async () => {
    const { totals } = await observe(
      (response, poll, { s = {} }) => json(response, vector({ c: { 200: 10 * (poll - 5), 500: 10 }, s })),
      (poll) => poll >= 6,
    );
    expect(totals).toMatchObject({ canaryErrors: 10, canaryRequests: 600 + 70 });
  });

  it('a canary pod that is replaced: the new one counts from zero, the old one stays counted', async () => {
    const { totals } = await observe(
      (response, poll, { s = {} }) => json(response, vector({ c2: { 200: 100 * (poll - 5) }, s })),
      (poll) => poll >= 6,
    );
    expect(totals).toMatchObject({ canaryErrors: 0, canaryRequests: 600 + 600 });
  });

  it('an old stable pod whose series were missing brings nothing of its past along', async () => {
    const { totals } = await observe(
      (response, poll, counters) => json(response, vector({ ...counters, s2: { 200: 50_000 + poll, 500: 40_000 } })),
      (poll) => poll >= 6,
    );
    expect(totals).toMatchObject({ stableErrors: 22, stableRequests: 4_405 });
  });
});

it('an answer after 20 s is not waited for: unavailable after 5 s', async () => {
  await using server = await startServer((_, response) => void setTimeout(() => json(response, vector(truth(0))), 20_000).unref());
  const source = createPrometheus({
    address: { kind: 'url', url: server.url },
    fetchService: () => Promise.reject(new Error('not asked')),
    namespace: 'shop',
    queries: undefined,
  });
  const startedMs = performance.now();
  expect(await source.read({ canary: ['c'], stable: ['s'] }, never)).toMatchObject({
    kind: 'unavailable',
    why: expect.stringMatching(/^no answer within 5 s/),
  });
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});

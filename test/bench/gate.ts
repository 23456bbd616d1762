/**
 * The gate against rules of other tools, on the same simulated canaries, and how healthy releases end: `npm run bench:gate -- [runs] [seed]`.
 * The default of 2,000 runs a cell takes about two minutes of one core; alarms of 0.1 % want 10,000 or more.
 */

import { convictedAfter } from './connections.ts';
import { absoluteRules, analysisSeconds, compareRules, contest, median, minSecondsDefault, ours, type Tally } from './contest.ts';
import { peers } from './peers.ts';
import { healthyReleases } from './releases.ts';
import type { World } from './traffic.ts';

const runs = positive(process.argv[2], 2000);
const seed = positive(process.argv[3], 1);
const names = [ours, ...Object.keys(peers)];

function positive(text: string | undefined, fallback: number): number {
  const number = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${text} is no number of runs; valid is a whole number above 0`);
  return number;
}

const percent = (fraction: number): string => `${Number((100 * fraction).toPrecision(3))} %`;

function table(title: string, rows: readonly (readonly string[])[]): void {
  const [head = [], ...body] = rows;
  console.log(`${title}\n`);
  for (const cells of [head, head.map(() => '---'), ...body]) console.log(`| ${cells.join(' | ')} |`);
  console.log('');
}

function convictedShare(tally: Tally | undefined): string {
  return percent((tally?.convictions.length ?? 0) / runs);
}

/** `25 s, 249 errors`, with the share that was convicted at all where it was not all. */
function detection(tally: Tally | undefined): string {
  const found = tally?.convictions ?? [];
  if (found.length === 0) return 'none';
  const share = found.length === runs ? '' : `${convictedShare(tally)}: `;
  return `${share}${median(found.map(({ seconds }) => seconds))} s, ${median(found.map(({ errors }) => errors))}`;
}

function endsOfOurs(tally: Tally | undefined): string {
  const passes = tally?.passes ?? [];
  return passes.length === 0 ? '0 %' : `${percent(passes.length / runs)}, ${median(passes)} s`;
}

type Row = { readonly label: readonly [string, string]; readonly minSeconds?: number; readonly worldAt: (seconds: number) => World };

function compete(rules: typeof absoluteRules, rows: readonly Row[], cell: (tally: Tally | undefined) => string): string[][] {
  return rows.map(({ label, worldAt, minSeconds = minSecondsDefault }) => {
    const tallies = contest({ rules, minSeconds, worldAt }, runs, seed);
    return [...label, ...names.map((name) => cell(tallies[name])), endsOfOurs(tallies[ours])];
  });
}

const alone = (requestsPerSecond: number, canaryRate: number): Row => ({
  label: [String(requestsPerSecond), percent(canaryRate)],
  worldAt: () => ({ requestsPerSecond, share: 1, canaryRate, stableRate: 0 }),
});

/** A tenth of the traffic goes to the canary, so the total is ten times its rate. */
const beside = (requestsPerSecond: number, canaryRate: number): Row => ({
  label: [String(requestsPerSecond), percent(canaryRate)],
  worldAt: () => ({ requestsPerSecond: 10 * requestsPerSecond, share: 0.1, canaryRate, stableRate: 0.005 }),
});

/** Watched for all of the 600 s, as with `min-duration: 10m`. */
const late = (requestsPerSecond: number, canaryRate: number): Row => ({
  label: [String(requestsPerSecond), `0.2 %, after 300 s ${percent(canaryRate)}`],
  minSeconds: analysisSeconds,
  worldAt: (seconds) => ({
    requestsPerSecond: 10 * requestsPerSecond,
    share: 0.1,
    canaryRate: seconds < 300 ? 0.002 : canaryRate,
    stableRate: 0.002,
  }),
});

const head = (rate: string): string[] => ['canary requests/s', rate, ...names, 'ours passes, median'];
const each = (rates: readonly number[], row: (requestsPerSecond: number, rate: number) => Row): Row[] =>
  [1, 10, 100].flatMap((requestsPerSecond) => rates.map((rate) => row(requestsPerSecond, rate)));

const startedAtMs = performance.now();
console.log(`${runs} runs a cell, seed ${seed}, 600 s each, a scrape every 15 s\n`);
table('Limit 1 %: healthy canaries convicted', [
  head('true rate'),
  ...compete(absoluteRules, each([0.001, 0.005, 0.01], alone), convictedShare),
]);
table('Limit 1 %: bad canaries convicted: median seconds, median errors that clients got', [
  head('true rate'),
  ...compete(absoluteRules, each([0.02, 0.05, 0.5, 1], alone), detection),
]);
table('Beside a stable version at 0.5 %, allowed 1.25 x stable + 0.5 % (the others: 1 %): healthy canaries convicted', [
  head('true rate'),
  ...compete(compareRules, each([0.005, 0.01, 0.01125], beside), convictedShare),
]);
table('The same: bad canaries convicted: median seconds, median errors', [
  head('true rate'),
  ...compete(compareRules, [...each([0.025, 0.5, 1], beside), late(10, 0.025), late(10, 0.05), late(100, 0.05), late(100, 1)], detection),
]);
table('How healthy releases end: steps 10, 25, 50 %, all else as by default', [
  ['requests/s of both', 'error rate of both', 'promoted', 'inconclusive', 'convicted', 'median until the promotion'],
  ...[1, 5, 10, 20, 100].flatMap((requestsPerSecond) =>
    [0.001, 0.005].map((rate) => {
      const ends = healthyReleases(runs, seed, requestsPerSecond, rate);
      const shares = [ends.promoted, ends.inconclusive, ends.convicted].map((count) => percent(count / runs));
      return [String(requestsPerSecond), percent(rate), ...shares, ends.seconds.length === 0 ? '–' : `${median(ends.seconds)} s`];
    }),
  ),
]);
const counts = [1, 3, 10, 30, 100, 1000];
const seeds = Array.from({ length: Math.min(runs, 1000) }, (_, index) => seed * 1_000_003 + index);
table('min-traffic: 50% on a healthy canary for 600 s, 1 pod of 5, 100 requests/s: convicted, by the number of connections', [
  ['a connection lives for', ...counts.map(String)],
  ...[0, 1, 10, 60, 300].map((meanLifeSeconds) => [
    meanLifeSeconds === 0 ? 'one request' : `${meanLifeSeconds} s`,
    ...counts.map((count) => {
      const convicted = seeds.filter((one) => convictedAfter(one, { count, meanLifeSeconds }, 600) !== undefined);
      return percent(convicted.length / seeds.length);
    }),
  ]),
]);
const delays = seeds.map((one) => (convictedAfter(one, { count: 1, meanLifeSeconds: 0 }, 1800, 300) ?? Number.POSITIVE_INFINITY) - 300);
console.log(`The same, one that hangs after 300 s: convicted ${median(delays)} s later, ${Math.max(...delays)} s at most\n`);
console.log(`${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);

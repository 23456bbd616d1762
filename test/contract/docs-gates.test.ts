import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { percent } from '../../src/rollout/gates/amounts.ts';
import { absorbReading, describeProgress, judgeMetrics, type MetricsRules, startEvidence } from '../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import { forecast, requestsToConvict, requestsToPass } from '../../src/rollout/gates/traffic.ts';
import { planSteps } from '../../src/rollout/plan/replica-share.ts';

const docs = readFileSync(join(import.meta.dirname, '../../docs/gates.md'), 'utf8');
const timeoutMs = 1_800_000;
const rules = defaultRules();

function defaultRules(): MetricsRules {
  const found = rulesFor({
    compare: true,
    spec: { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate: undefined, timeoutMs },
  });
  if (found === undefined) throw new Error('no rules');
  return found;
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function requestsTable(): string {
  const rates = [0.02, 0.05, 0.1, 0.5, 1];
  const number = (requests: number): string => (Number.isFinite(requests) ? requests.toLocaleString('en-US') : '–');
  const rows = [0.001, 0.005, 0.01, 0.01125, 0.02, 0.05].map((limit) => [
    percent(limit),
    number(requestsToPass(limit, rules)),
    ...rates.map((rate) => number(requestsToConvict(rate, limit, rules))),
  ]);
  return table([['limit', 'pass', ...rates.map((rate) => `fail at ${percent(rate)}`)], ...rows]);
}

function secondsTable(): string {
  const stableRates = [0, 0.005];
  const rows = [0.5, 1, 2, 5, 10, 20, 50, 100].map((requestsPerSecond) => [
    String(requestsPerSecond),
    ...stableRates.map((stableErrorRate) => seconds(requestsPerSecond, stableErrorRate)),
  ]);
  return table([['requests/s', ...stableRates.map((rate) => `stable at ${percent(rate)}`)], ...rows]);
}

function seconds(requestsPerSecond: number, stableErrorRate: number): string {
  const shares = [
    { weightPercent: 10, holdMs: undefined },
    { weightPercent: 50, holdMs: undefined },
  ];
  const { secondsToPass } = forecast({ requestsPerSecond, stableErrorRate, steps: planSteps(shares, 4, false), timeoutMs, rules });
  return secondsToPass === undefined ? 'refused' : `${secondsToPass} s`;
}

type Counts = readonly [canaryErrors: number, canaryRequests: number, stableErrors: number, stableRequests: number];

const examples: readonly { readonly title: string; readonly batches: readonly Counts[] }[] = [
  { title: 'Half of the answers are errors: one scrape accuses, the second convicts.', batches: repeat([150, 300, 6, 1200], 2) },
  { title: 'An outage that both share, 30 % on both sides: not convicted.', batches: repeat([90, 300, 360, 1200], 3) },
  { title: 'No error at all on the canary.', batches: repeat([0, 300, 6, 1200], 2) },
  { title: 'Twice the errors of stable, within the tolerance: nobody can say yet.', batches: repeat([3, 300, 6, 1200], 10) },
];

function repeat(counts: Counts, times: number): readonly Counts[] {
  return Array.from({ length: times }, () => counts);
}

/** What the gate says after the last reading, and where the evidence stands. */
function play(batches: readonly Counts[]): string {
  let nowMs = 0;
  const total: [number, number, number, number] = [0, 0, 100, 20_000];
  const read = (): void => {
    const canary = { canary: { errors: total[0], requests: total[1] } };
    evidence = absorbReading(rules, evidence, { canary, stable: { stable: { errors: total[2], requests: total[3] } } }, nowMs);
  };
  let evidence = startEvidence(rules);
  read();
  const lines: string[] = [];
  for (const [index, counts] of batches.entries()) {
    nowMs += 15_000;
    counts.forEach((value, place) => {
      total[place] = (total[place] ?? 0) + value;
    });
    read();
    if (batches.length > 3 && index < batches.length - 1) continue;
    const verdict = judgeMetrics(rules, evidence, nowMs);
    lines.push(`after ${nowMs / 1000} s: ${verdict.kind}: ${verdict.because}`, `    ${describeProgress(rules, evidence)}`);
  }
  return lines.join('\n');
}

function examplesText(): string {
  return examples.map(({ title, batches }) => `${title}\n\`\`\`\n${play(batches)}\n\`\`\``).join('\n\n');
}

test.each([
  ['requests', requestsTable()],
  ['seconds', secondsTable()],
  ['examples', examplesText()],
])('docs/gates.md has the %s that the code gives', (name, text) => {
  if (process.env['PRINT_DOCS'] !== undefined) process.stdout.write(`<!-- ${name} -->\n${text}\n<!-- /${name} -->\n`);
  const found = new RegExp(`<!-- ${name} -->\\n([\\s\\S]*?)\\n<!-- /${name} -->`).exec(docs)?.[1];
  expect(found).toBe(text);
});

test('docs/gates.md has the default rules of the code', () => {
  expect(Math.round(Math.exp(rules.failNats))).toBe(1_000);
  expect(Math.round(Math.exp(rules.passNats))).toBe(20);
  expect(rules).toMatchObject({ batchShareMax: 0.75, errorsMin: 5, staleMs: 45_000, dispersion: 1 });
});

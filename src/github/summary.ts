import type { ArmNumbers, Report } from '../rollout/explain/report.ts';
import { bounded, escapeCode, escapeMarkdown, fence } from './escape.ts';
import { renderPicture } from './evidence-picture.ts';
import { evidenceTitle, resultTitles } from './result-titles.ts';
import { earlierSection, historySection, isRelease, statusSection } from './summary-commands.ts';
import { cell, code, table, textLengthMax } from './summary-table.ts';

/** The runner drops a summary above 1 MiB altogether. */
const summaryBytesMax = 200_000;
const evidenceLengthMax = 400;
const rowsMax = 256;
const listMax = 50;

/** The job summary: Markdown, whatever the report holds, below 200 kB. */
export function renderSummary(report: Report): string {
  for (let rows = rowsMax; rows >= 1; rows = Math.floor(rows / 2)) {
    const text = render(report, rows);
    if (Buffer.byteLength(text) <= summaryBytesMax) return text;
  }
  return heading(report);
}

function render(report: Report, rows: number): string {
  const sections = [
    heading(report),
    verdict(report),
    statusSection(report, rows),
    historySection(report, rows),
    earlierSection(report),
    images(report, rows),
    configuration(report, rows),
    numbers(report),
    downtime(report),
    probe(report),
    report.numbers === undefined ? '' : renderPicture(report.numbers),
    steps(report, rows),
    timeline(report, rows),
    leftovers(report, rows),
    evidence(report, rows),
    footer(report),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function heading(report: Report): string {
  const { namespace, deployment } = report.target;
  const target = report.command === 'replay' ? deployment : `${namespace}/${deployment}`;
  return `## ${resultTitles[report.outcome.result]}: ${escapeMarkdown(bounded(target, textLengthMax))}`;
}

function verdict(report: Report): string {
  const by = report.judgedBy === 'metrics' ? 'by readiness and metrics' : 'by readiness alone';
  const [first = '', ...more] = report.outcome.because.trim().split('\n');
  const took = duration(report.endedAtMs - report.startedAtMs);
  const how = isRelease(report)
    ? `Reason ${escapeCode(report.outcome.reason)}, ${report.strategy}, judged ${by}, ${took}.`
    : `Reason ${escapeCode(report.outcome.reason)}, command ${escapeCode(report.command)}, ${took}.`;
  if (more.length === 0) return `${cell(sentence(first))} ${how}`;
  return [cell(first), '', ...more.slice(0, listMax).map((line) => `- ${cell(line.replace(/^\s*-\s*/u, ''))}`), '', how].join('\n');
}

function images(report: Report, rows: number): string {
  const lines = report.images.map((image) => [cell(image.container), code(image.from), code(image.to)]);
  return table('Images', ['container', 'old', 'new'], lines, rows);
}

function configuration(report: Report, rows: number): string {
  const lines = (report.configuration ?? []).map((field) => [cell(field.what), code(field.from), code(field.to)]);
  return table('Configuration', ['field', 'old', 'new'], lines, rows);
}

function numbers(report: Report): string {
  const found = report.numbers;
  if (found === undefined) return '';
  const row = (name: string, arm: ArmNumbers, limit: string) => [name, count(arm.requests), count(arm.errors), rate(arm), limit];
  const limit = found.limitRate === undefined ? 'not known' : percent(found.limitRate);
  const sure = found.confidence === undefined ? '' : `\n\nConfidence of the verdict: ${confidence(found.confidence)}.`;
  const lines = [row(found.judged ?? 'canary', found.canary, limit), row('stable', found.stable, '')];
  return `${table('Numbers', ['', 'requests', 'errors', 'error rate', 'limit'], lines, lines.length)}${sure}`;
}

function downtime({ downtime: found }: Report): string {
  if (found === undefined) return '';
  return `Downtime: no pod was ready for at most ${count(found.atMostMs)} ms, at least ${count(found.atLeastMs)} ms.`;
}

function probe(report: Report): string {
  const found = report.probe;
  if (found === undefined) return '';
  const ms = (value: number | undefined) => (value === undefined ? 'not known' : `${count(value)} ms`);
  const { questions, failed, clientErrors, unknown, longestGapMs, p50Ms, p99Ms } = found;
  const line = [...[questions, failed, clientErrors, unknown].map(count), ms(longestGapMs), ms(p50Ms), ms(p99Ms)];
  const header = ['questions', 'failed', 'answered 4xx', 'not known', 'longest gap', 'p50', 'p99'];
  const first = found.firstFailure === undefined ? '' : ` The first failure: ${cell(found.firstFailure)}.`;
  const asked = `Asked ${code(found.address)} every ${count(found.intervalMs)} ms: shorter gaps are not seen.${first}`;
  return `${table('Probe', header, [line], 1)}\n\n${asked}`;
}

function steps(report: Report, rows: number): string {
  const lines = report.plannedSteps.map((step, index) => [
    String(index + 1),
    `${trimmed(step.weightPercent)} %`,
    `${trimmed(step.sharePercent)} %`,
    count(step.canaryReplicas),
    duration(step.holdMs),
  ]);
  return table('Steps', ['step', 'asked', 'real share', 'canary pods', 'at least'], lines, rows);
}

function timeline(report: Report, rows: number): string {
  const { timeline: entries } = report;
  const head = entries.slice(0, Math.ceil(rows / 2));
  const tail = entries.slice(Math.max(head.length, entries.length - Math.floor(rows / 2)));
  const lines = [...head, ...tail].map((entry) => [clock(entry.atMs), cell(entry.phase), cell(entry.text), cell(entry.because)]);
  const left = entries.length - lines.length;
  if (left > 0) lines.splice(head.length, 0, ['', '', `${left} entries left out`, '']);
  return table('Timeline (UTC)', ['time', 'phase', 'what', 'why'], lines, lines.length);
}

function leftovers(report: Report, rows: number): string {
  const found = report.leftovers;
  // These say what is left in words of their own.
  if (!isRelease(report)) return '';
  if (found === undefined) return 'Left in the cluster: not known, nobody could look.';
  if (found.length === 0) return 'Left in the cluster: nothing of ours.';
  return ['Left in the cluster:', '', ...found.slice(0, rows).map((name) => `- ${code(name)}`)].join('\n');
}

function evidence(report: Report, rows: number): string {
  const lines = report.outcome.evidence;
  if (lines.length === 0) return '';
  const left = lines.length > rows ? [`(${lines.length - rows} more lines)`] : [];
  return `### ${evidenceTitle(report.outcome.result)}\n\n${fence([...lines.slice(0, rows), ...left], evidenceLengthMax)}`;
}

function footer(report: Report): string {
  const { runUrl } = report;
  if (runUrl === undefined || !/^https?:\/\/[\w.:/-]+$/u.test(runUrl)) return '';
  return `[This run](${runUrl})`;
}

function sentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/u.test(upper) ? upper : `${upper}.`;
}

function rate(arm: ArmNumbers): string {
  return arm.requests > 0 ? percent(arm.errors / arm.requests) : 'none yet';
}

function percent(fraction: number): string {
  return `${trimmed(fraction * 100)} %`;
}

/** Rounded down: nothing is ever 100 % sure. */
function confidence(fraction: number): string {
  return fraction > 0.9999 ? 'more than 99.99 %' : percent(fraction);
}

function count(number: number): string {
  return trimmed(number);
}

function trimmed(number: number): string {
  return String(Number(number.toFixed(2)));
}

function clock(atMs: number): string {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(11, 19);
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

import { setOutput } from '@actions/core';
import type { Report } from '../rollout/explain/report.ts';
import type { Revision } from '../rollout/history/revisions.ts';
import type { StatusReport } from '../rollout/situation/status.ts';
import type { Result } from '../rollout/verdict.ts';
import { bounded } from './escape.ts';

/** The outputs of action.yml. */
export type OutputName = 'result' | 'reason' | 'image' | 'previous-image' | 'judged-by' | 'samples' | 'json';

// Steps get outputs through their environment, where Linux refuses a value of 128 KiB.
const jsonBytesMax = 60_000;
const jsonTextMax = 1_000;

const reached: Readonly<Record<Report['command'], ReadonlySet<Result>>> = {
  deploy: new Set<Result>(['promoted', 'unchanged']),
  plan: new Set<Result>(['planned']),
  rollback: new Set<Result>(['rolled-back', 'unchanged']),
  abort: new Set<Result>(['rolled-back', 'unchanged']),
  reconcile: new Set<Result>(['done']),
  status: new Set<Result>(['done']),
  history: new Set<Result>(['done']),
  replay: new Set<Result>(['done']),
};

/** 0 when the command reached what it was asked for (invariant I12). */
export function exitCodeOf(command: Report['command'], result: Result): 0 | 1 {
  return reached[command].has(result) ? 0 : 1;
}

/** A report as outputs; `image` and `previous-image` have lines `container=image` where several containers change. */
export function renderOutputs(report: Report): Readonly<Record<OutputName, string>> {
  const [only, ...others] = report.images;
  const list = (pick: 'from' | 'to') =>
    only !== undefined && others.length === 0 ? only[pick] : report.images.map((image) => `${image.container}=${image[pick]}`).join('\n');
  return {
    result: report.outcome.result,
    reason: report.outcome.reason,
    image: list('to'),
    'previous-image': list('from'),
    'judged-by': report.judgedBy,
    samples: report.samples ?? '',
    json: renderJson(report),
  };
}

/** Hands the outputs to the runner. */
export function writeOutputs(outputs: Readonly<Record<OutputName, string>>, set: (name: string, value: string) => void = setOutput): void {
  for (const [name, value] of Object.entries(outputs)) set(name, value);
}

/** The report as JSON; of a long one, the middle of the timeline and the end of the evidence are left out. */
function renderJson(report: Report): string {
  for (let keep = 256; keep >= 1; keep = Math.floor(keep / 2)) {
    const text = JSON.stringify(shorten(report, keep));
    if (Buffer.byteLength(text) <= jsonBytesMax) return text;
  }
  const { result, reason } = report.outcome;
  return JSON.stringify({ target: report.target, outcome: { result, reason }, truncated: true });
}

function shorten(report: Report, keep: number): Report & { readonly truncated: boolean } {
  const { timeline, outcome } = report;
  const head = timeline.slice(0, Math.ceil(keep / 2));
  const tail = timeline.slice(Math.max(head.length, timeline.length - Math.floor(keep / 2)));
  const cut = (text: string) => bounded(text, jsonTextMax);
  return {
    ...report,
    timeline: [...head, ...tail].map((entry) => ({ ...entry, text: cut(entry.text), because: cut(entry.because) })),
    outcome: { ...outcome, because: cut(outcome.because), evidence: outcome.evidence.slice(0, keep).map(cut) },
    ...(report.revisions === undefined ? {} : { revisions: report.revisions.slice(0, keep).map((one) => cutRevision(one, cut)) }),
    ...(report.status === undefined ? {} : { status: cutStatus(report.status, keep) }),
    truncated: head.length + tail.length < timeline.length || keep < outcome.evidence.length || keep < (report.revisions?.length ?? 0),
  };
}

function cutRevision(revision: Revision, cut: (text: string) => string): Revision {
  const { changeCause, images } = revision;
  return {
    ...revision,
    changeCause: changeCause === undefined ? undefined : cut(changeCause),
    images: images.map(({ container, image }) => ({ container, image: cut(image) })),
  };
}

function cutStatus(status: StatusReport, keep: number): StatusReport {
  const { canary } = status;
  return { ...status, canary: canary === undefined ? undefined : { ...canary, pods: canary.pods.slice(0, keep) } };
}

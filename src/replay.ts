import { readFileSync, statSync } from 'node:fs';
import type { JudgeSettings, ReplayInputs } from './config/replay-inputs.ts';
import { judgeSamples } from './config/samples-file.ts';
import { messageOf, UserError } from './errors.ts';
import type { Report } from './rollout/explain/report.ts';
import type { ReplayLine } from './rollout/gates/replay-batches.ts';
import type { Reporter } from './runner/ports.ts';

const bytesMax = 200_000_000;

/** Judges a file of samples again, offline; throws UserError where it cannot be read or judged. */
export function replayFile(path: string, settings: JudgeSettings): readonly ReplayLine[] {
  return judgeSamples(readText(path), settings);
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > bytesMax) throw new Error(`it has ${size} bytes, more than ${bytesMax}`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(cause: unknown): UserError {
  return new UserError('samples-invalid', `The samples cannot be read: ${messageOf(cause)}`, 'Valid is the path of a file', { cause });
}

/** `command: replay` in a workflow: the lines go to the log, the last of them into the report. Throws UserError. */
export function replayStep(inputs: ReplayInputs, reporter: Reporter, startedAtMs: number): Report {
  reporter.phase('Replay');
  const lines = replayFile(inputs.samples, inputs.settings);
  for (const line of lines) reporter.info(JSON.stringify(line));
  const last = lines.at(-1);
  const nats = (value: number | undefined): string => (value ?? 0).toFixed(2);
  const because = `replayed ${lines.length} batches or readings: ${last?.verdict}, evidence of bad ${nats(last?.logEvidenceBad)}, of good ${nats(last?.logEvidenceOk)}`;
  return {
    ...emptyReport(startedAtMs),
    outcome: { result: 'done', reason: 'replayed', because, evidence: [] },
    replay: last === undefined ? undefined : { ...last, lines: lines.length },
  };
}

/** A replay that was refused. */
export function refusedReplay(error: UserError, startedAtMs: number): Report {
  const outcome = { result: 'refused', reason: error.code, because: error.message, evidence: error.hint.split('\n') } as const;
  return { ...emptyReport(startedAtMs), outcome };
}

function emptyReport(startedAtMs: number): Omit<Report, 'outcome'> {
  return {
    command: 'replay',
    target: { namespace: '', deployment: 'replay' },
    strategy: 'canary',
    judgedBy: 'metrics',
    images: [],
    plannedSteps: [],
    timeline: [],
    numbers: undefined,
    leftovers: [],
    runUrl: undefined,
    startedAtMs,
    endedAtMs: Date.now(),
  };
}

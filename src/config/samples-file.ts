import { UserError } from '../errors.ts';
import { type ReplayLine, replayBatches } from '../rollout/gates/replay-batches.ts';
import { recordedRules, replayRecording } from '../rollout/replay-recording.ts';
import { JsonShape } from './json-shape.ts';
import { quoted } from './parsed.ts';
import { parsePlainSamples } from './plain-samples.ts';
import { isRecording, parseRecordedSamples } from './recorded-samples.ts';
import type { JudgeSettings } from './replay-inputs.ts';

const problemsMax = 20;
const batchesExample = '{"rule": {"maxErrorIncrease": "1.25x + 0.5%"}, "batches": [{"seconds": 15, "canary": {…}, "stable": {…}}]}';

/** Judges the text of a file of samples: a line for each batch or reading. Throws UserError `samples-invalid` with every problem and its place. */
export function judgeSamples(text: string, settings: JudgeSettings): readonly ReplayLine[] {
  if (text.trim() === '') throw invalid(['the file is empty']);
  return isRecording(text) ? judgeRecording(text, settings) : judgePlain(text, settings);
}

function judgeRecording(text: string, settings: JudgeSettings): readonly ReplayLine[] {
  const shape = new JsonShape();
  const recording = parseRecordedSamples(text, settings, shape);
  if (recording === undefined) throw invalid(shape.problems);
  const rules = recordedRules(recording.run);
  if (rules === undefined) throw invalid(['the run had no stable to compare with: give max-error-rate']);
  return replayRecording(rules, recording);
}

function judgePlain(text: string, settings: JudgeSettings): readonly ReplayLine[] {
  const unused = (['maxSlow', 'minTraffic', 'errorBudget'] as const).filter((name) => settings[name] !== undefined);
  if (unused.length > 0) throw invalid(unused.map((name) => `${name}: a plain file has nothing to judge it by; a recording of a run does`));
  const shape = new JsonShape();
  const samples = parsePlainSamples(parseJson(text), settings, shape);
  if (samples === undefined) throw invalid(shape.problems);
  return replayBatches(samples.rules, samples.batches);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid([`the file is not JSON: ${quoted(error instanceof Error ? error.message : String(error))}`]);
  }
}

/** The refusal of a file. */
export function invalid(problems: readonly string[]): UserError {
  const more = problems.length > problemsMax ? [`and ${problems.length - problemsMax} more`] : [];
  const shown = [...problems.slice(0, problemsMax), ...more];
  const message =
    shown.length === 1 ? `The samples cannot be judged: ${shown[0]}` : `The samples cannot be judged:\n- ${shown.join('\n- ')}`;
  return new UserError('samples-invalid', message, `Valid is a recording of a run, or a file like ${batchesExample}`);
}

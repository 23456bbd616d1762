import { UserError } from '../errors.ts';
import type { ErrorLimit, SlowLimit } from '../rollout/spec.ts';
import { parseDispersion, parseErrorBudget, parseMaxSlow, parseMinTraffic } from './gate-units.ts';
import { InputReader } from './input-reader.ts';
import { type InputName, inputSchema } from './schema.ts';
import { formatDuration, parseDuration, parseErrorLimit, parseErrorRate } from './units.ts';
import { unknownInputs } from './unknown-inputs.ts';

/** What is to be judged otherwise than the file says; undefined: as the file says. */
export type JudgeSettings = {
  readonly maxErrorIncrease: ErrorLimit | undefined;
  readonly maxErrorRate: number | undefined;
  readonly maxSlow: SlowLimit | undefined;
  readonly minTraffic: number | undefined;
  readonly errorBudget: number | undefined;
  readonly dispersion: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly minDurationMs: number | undefined;
};

export type ReplayInputs = { readonly samples: string; readonly settings: JudgeSettings };

/** The inputs that change how a file is judged; from a shell they are flags of the same names. */
const judgeInputs = [
  'max-error-increase',
  'max-error-rate',
  'max-slow',
  'min-traffic',
  'error-budget',
  'dispersion',
  'timeout',
  'min-duration',
] as const satisfies readonly InputName[];

const dayMs = 86_400_000;

/** Whether the inputs ask for a replay, which needs no cluster and none of the inputs of a release. */
export function asksForReplay(read: (name: string) => string): boolean {
  return read('command').trim() === 'replay';
}

/** The inputs of `command: replay`; throws one UserError that lists every problem. */
export function parseReplayInputs(read: (name: string) => string, environmentNames: readonly string[] = []): ReplayInputs {
  const reader = new InputReader(read);
  const samples = reader.text('samples') ?? '';
  if (samples === '') reader.reject('samples', 'it is required for command: replay; valid is the path of a file');
  const used: readonly string[] = ['command', 'samples', ...judgeInputs];
  for (const { name } of inputSchema.filter((input) => !used.includes(input.name) && reader.isGiven(input.name)))
    reader.reject(name, 'command: replay judges a file and does not use it; leave it out');
  const settings = readSettings(reader, (name) => reader.isGiven(name));
  const problems = [...reader.problems, ...unknownInputs(environmentNames)];
  if (problems.length > 0) throw invalid(problems);
  return { samples, settings };
}

/** The flags of a shell, by the names of the inputs: there a default that is given counts, too. Throws UserError. */
export function parseReplayFlags(flags: ReadonlyMap<string, string>): JudgeSettings {
  const reader = new InputReader((name) => flags.get(name) ?? '');
  for (const [name, text] of flags) {
    if (!judgeInputs.some((known) => known === name)) reader.problems.push(`--${name}: there is no such flag; valid: ${flagNames}`);
    else if (text.trim() === '') reader.problems.push(`--${name}: it has no value`);
  }
  const settings = readSettings(reader, (name) => (flags.get(name) ?? '').trim() !== '');
  if (reader.problems.length > 0) throw invalid(reader.problems);
  return settings;
}

const flagNames = judgeInputs.map((name) => `--${name}`).join(', ');

function readSettings(reader: InputReader, isGiven: (name: InputName) => boolean): JudgeSettings {
  const given: typeof reader.parse = (name, parser) => (isGiven(name) ? reader.parse(name, parser) : undefined);
  return {
    maxErrorIncrease: given('max-error-increase', parseErrorLimit),
    maxErrorRate: given('max-error-rate', parseErrorRate),
    maxSlow: given('max-slow', parseMaxSlow),
    minTraffic: given('min-traffic', parseMinTraffic),
    errorBudget: given('error-budget', parseErrorBudget),
    dispersion: given('dispersion', parseDispersion),
    timeoutMs: given('timeout', (text) => parseBounded(text, 1000)),
    minDurationMs: given('min-duration', (text) => parseBounded(text, 0)),
  };
}

function parseBounded(text: string, minMs: number): ReturnType<typeof parseDuration> {
  const parsed = parseDuration(text);
  if ('problem' in parsed || (parsed.value >= minMs && parsed.value <= dayMs)) return parsed;
  return { problem: `it is out of range; valid is ${formatDuration(minMs)} to ${formatDuration(dayMs)}` };
}

function invalid(problems: readonly string[]): UserError {
  return new UserError(
    'inputs-invalid',
    problems.length === 1 ? `An input is wrong: ${problems[0]}` : `${problems.length} inputs are wrong:\n- ${problems.join('\n- ')}`,
    'Nothing was judged. The inputs are described in the README of the action, the file in docs/gates.md',
  );
}

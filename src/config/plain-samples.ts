import { noBatch } from '../rollout/gates/counters.ts';
import { type ReplayRules, replayRules, type TimedBatch } from '../rollout/gates/replay-batches.ts';
import type { ErrorLimit } from '../rollout/spec.ts';
import { countRange, JsonShape } from './json-shape.ts';
import type { Parsed } from './parsed.ts';
import { quoted } from './parsed.ts';
import type { JudgeSettings } from './replay-inputs.ts';
import { parseErrorLimit, parseErrorRate } from './units.ts';

/** A file of batches that somebody wrote, and what it is to be judged by. */
export type PlainSamples = { readonly rules: ReplayRules; readonly batches: readonly TimedBatch[] };

/** The defaults of gates.md §1. */
const defaults = { alpha: 0.001, beta: 0.05, minErrors: 5, minSeconds: 60, deadlineSeconds: 600, dispersion: 1 };
const defaultLimit: ErrorLimit = { ratio: 1.25, absolute: 0.005 };
const probability = { min: 0, max: 0.5, aboveMin: true };
const seconds = { min: 0, max: 31_536_000 };
const ranges = {
  alpha: probability,
  beta: probability,
  minErrors: { ...countRange, whole: true },
  minSeconds: seconds,
  deadlineSeconds: { ...seconds, aboveMin: true },
  dispersion: { min: 1, max: 10 },
};
const ruleNames = ['maxErrorIncrease', 'maxErrorRate', ...Object.keys(ranges)];
const batchesMax = 1_000_000;
const nothing: TimedBatch = { seconds: 0, counts: noBatch };

/** `{"rule": {…}, "batches": [{"seconds", "canary", "stable"}, …]}`; every problem names its place. */
export function parsePlainSamples(file: unknown, settings: JudgeSettings, shape: JsonShape = new JsonShape()): PlainSamples | undefined {
  const found = shape.object('', file, ['rule', 'batches']);
  if (found === undefined) return undefined;
  const rule = readRule(shape, found['rule'], settings);
  const batches = readBatches(
    shape,
    found['batches'],
    rule.limits.some((limit) => limit.ratio > 0),
  );
  if (shape.problems.length > 0) return undefined;
  return { rules: replayRules({ ...rule, firstBatchSeconds: batches[0]?.seconds }), batches };
}

function readRule(shape: JsonShape, value: unknown, settings: JudgeSettings): Omit<ReplayRules, 'restarts' | 'capNats'> {
  const rule = value === undefined ? {} : (shape.object('rule', value, ruleNames) ?? {});
  const increase = settings.maxErrorIncrease ?? readText(shape, 'rule.maxErrorIncrease', rule['maxErrorIncrease'], parseErrorLimit);
  const rate = settings.maxErrorRate ?? readText(shape, 'rule.maxErrorRate', rule['maxErrorRate'], parseErrorRate);
  const limits = [...(increase === undefined ? [] : [increase]), ...(rate === undefined ? [] : [{ ratio: 0, absolute: rate }])];
  const number = (name: keyof typeof ranges): number => {
    return rule[name] === undefined ? defaults[name] : shape.number(`rule.${name}`, rule[name], ranges[name]);
  };
  return {
    limits: limits.length === 0 ? [defaultLimit] : limits,
    alpha: number('alpha'),
    beta: number('beta'),
    minErrors: number('minErrors'),
    minSeconds: inSeconds(settings.minDurationMs) ?? number('minSeconds'),
    deadlineSeconds: inSeconds(settings.timeoutMs) ?? number('deadlineSeconds'),
    dispersion: settings.dispersion ?? number('dispersion'),
  };
}

const inSeconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

function readText<T>(shape: JsonShape, place: string, value: unknown, parser: (text: string) => Parsed<T>): T | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') {
    shape.reject(place, `${quoted(JSON.stringify(value))} is not a text; valid is a text like "1.25x + 0.5%" or "1%"`);
    return undefined;
  }
  const parsed = parser(value);
  if ('value' in parsed) return parsed.value;
  shape.reject(place, parsed.problem);
  return undefined;
}

function readBatches(shape: JsonShape, value: unknown, compares: boolean): readonly TimedBatch[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > batchesMax) {
    shape.reject('batches', `valid is a list of 1 to ${batchesMax} batches`);
    return [];
  }
  return value.map((batch: unknown, index) => readBatch(shape, `batches[${index}]`, batch, compares));
}

/** A rule that knows no stable needs none. */
function readBatch(shape: JsonShape, place: string, value: unknown, compares: boolean): TimedBatch {
  const found = shape.object(place, value, ['seconds', 'canary', 'stable']);
  if (found === undefined) return nothing;
  const canary = shape.counts(`${place}.canary`, found['canary'], countRange);
  const needed = compares || found['stable'] !== undefined;
  const stable = needed ? shape.counts(`${place}.stable`, found['stable'], countRange) : { errors: 0, requests: 0 };
  return {
    seconds: shape.number(`${place}.seconds`, found['seconds'], { ...seconds, aboveMin: true }),
    counts: {
      canaryErrors: canary.errors,
      canaryRequests: canary.requests,
      stableErrors: stable.errors,
      stableRequests: stable.requests,
    },
  };
}

import type { Before } from '../rollout/gates/before-after.ts';
import type { MetricsReading, PodCounters } from '../rollout/observation.ts';
import {
  type RecordedFlip,
  type RecordedPhase,
  type RecordedRun,
  type RecordedSpec,
  type RecordedTurn,
  type RecordedUndone,
  type Recording,
  recordedPhases,
} from '../rollout/recording.ts';
import type { ErrorLimit, InconclusivePolicy, SlowLimit, Strategy } from '../rollout/spec.ts';
import { countRange, type JsonShape } from './json-shape.ts';
import { quoted } from './parsed.ts';
import type { JudgeSettings } from './replay-inputs.ts';

const time = { min: 0, max: Number.MAX_SAFE_INTEGER };
const fraction = { min: 0, max: 1 };
const stages = ['none', 'busy', 'step', 'last'] as const;
const strategies: readonly Strategy[] = ['canary', 'rolling', 'recreate', 'blue-green'];
const policies: readonly InconclusivePolicy[] = ['rollback', 'promote'];

/** The lines of a recording of a run, with the settings in the place of its own; undefined beside problems. A last line that was cut off is left out. */
export function parseRecordedSamples(text: string, settings: JudgeSettings, shape: JsonShape): Recording | undefined {
  const lines = text.split('\n');
  const read: (RecordedPhase | RecordedTurn | RecordedUndone)[] = [];
  let run: RecordedRun | undefined;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const place = `line ${index + 1}`;
    const value = parseLine(line);
    if (value === undefined) {
      // The run may have died in the middle of it.
      if (index < lines.length - 1) shape.reject(place, `${quoted(line)} is not JSON`);
      continue;
    }
    const found = shape.record(place, value);
    if (found === undefined) continue;
    if (run === undefined) run = readRun(shape, place, found, settings);
    else if (found['kind'] === 'turn') read.push(readTurn(shape, place, found));
    else if (found['kind'] === 'phase') read.push(readPhase(shape, place, found));
    else if (found['kind'] === 'undone') read.push({ kind: 'undone', atMs: shape.number(`${place}.atMs`, found['atMs'], time) });
    else if (found['kind'] !== 'decision') shape.reject(`${place}.kind`, 'valid: turn, phase, decision, undone');
  }
  if (!read.some(({ kind }) => kind === 'turn')) shape.reject('the recording', 'it holds no turn');
  return run === undefined || shape.problems.length > 0 ? undefined : { run, lines: read };
}

/** Whether the text begins as a recording does. */
export function isRecording(text: string): boolean {
  const [first = ''] = text.trimStart().split('\n', 1);
  const value = parseLine(first);
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'run';
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

type Found = Readonly<Record<string, unknown>>;

function readRun(shape: JsonShape, place: string, found: Found, settings: JudgeSettings): RecordedRun {
  if (found['version'] !== 1) shape.reject(`${place}.version`, `${String(found['version'])} is not valid; valid is 1`);
  if (typeof found['compare'] !== 'boolean') shape.reject(`${place}.compare`, 'valid: true, false');
  if (!['boolean', 'undefined'].includes(typeof found['older'])) shape.reject(`${place}.older`, 'valid: true, false');
  return {
    kind: 'run',
    version: 1,
    startedAtMs: shape.number(`${place}.startedAtMs`, found['startedAtMs'], time),
    strategy: found['strategy'] === undefined ? 'canary' : nameAmong(shape, `${place}.strategy`, found['strategy'], strategies),
    compare: found['compare'] === true,
    ...(found['older'] === true ? { older: true } : {}),
    ...(found['flip'] === undefined ? {} : { flip: readFlip(shape, `${place}.flip`, found['flip']) }),
    spec: withSettings(shape, readSpec(shape, `${place}.spec`, shape.record(`${place}.spec`, found['spec']) ?? {}), settings),
  };
}

function readFlip(shape: JsonShape, place: string, value: unknown): RecordedFlip {
  const found = shape.object(place, value, ['errors', 'requests', 'tested']) ?? {};
  if (typeof found['tested'] !== 'boolean') shape.reject(`${place}.tested`, 'valid: true, false');
  return { ...readCounts(shape, place, found), tested: found['tested'] === true };
}

function readCounts(shape: JsonShape, place: string, found: Found): Before {
  return {
    errors: shape.number(`${place}.errors`, found['errors'], countRange),
    requests: shape.number(`${place}.requests`, found['requests'], countRange),
  };
}

function readSpec(shape: JsonShape, place: string, found: Found): RecordedSpec {
  const optional = <T>(name: string, read: (inner: string, value: unknown) => T): T | undefined => {
    return found[name] === undefined ? undefined : read(`${place}.${name}`, found[name]);
  };
  const limitAt = (inner: string, value: unknown): ErrorLimit => {
    const limit = shape.object(inner, value, ['ratio', 'absolute']) ?? {};
    return {
      ratio: shape.number(`${inner}.ratio`, limit['ratio'], { min: 0, max: 100 }),
      absolute: shape.number(`${inner}.absolute`, limit['absolute'], fraction),
    };
  };
  const slowAt = (inner: string, value: unknown): SlowLimit => {
    const limit = shape.object(inner, value, ['absolute', 'boundMs']) ?? {};
    return {
      absolute: shape.number(`${inner}.absolute`, limit['absolute'], fraction),
      boundMs: shape.number(`${inner}.boundMs`, limit['boundMs'], time),
    };
  };
  const rateAt = (inner: string, value: unknown): number => shape.number(inner, value, fraction);
  return {
    maxErrorIncrease: limitAt(`${place}.maxErrorIncrease`, found['maxErrorIncrease']),
    maxErrorRate: optional('maxErrorRate', rateAt),
    maxSlow: optional('maxSlow', slowAt),
    minTraffic: optional('minTraffic', rateAt),
    errorBudget: optional('errorBudget', (inner, value) => shape.number(inner, value, countRange)),
    dispersion: optional('dispersion', (inner, value) => shape.number(inner, value, { min: 1, max: 10 })),
    timeoutMs: shape.number(`${place}.timeoutMs`, found['timeoutMs'], { ...time, aboveMin: true }),
    minDurationMs: shape.number(`${place}.minDurationMs`, found['minDurationMs'], time),
    // Recordings from when only steps were recorded have neither.
    bakeMs: optional('bakeMs', (inner, value) => shape.number(inner, value, time)) ?? 0,
    onInconclusive: optional('onInconclusive', (inner, value) => nameAmong(shape, inner, value, policies)) ?? 'rollback',
  };
}

/** Slow requests were counted by the time of the run, and vanished traffic by its pods: only what was counted can be judged otherwise. */
function withSettings(shape: JsonShape, spec: RecordedSpec, settings: JudgeSettings): RecordedSpec {
  const asked = settings.maxSlow?.boundMs;
  if (asked !== undefined && asked !== spec.maxSlow?.boundMs) {
    const counted =
      spec.maxSlow === undefined ? 'no slow requests were counted' : `slow requests were counted over ${spec.maxSlow.boundMs}ms`;
    shape.reject('max-slow', `in this recording ${counted}; keep that time`);
  }
  if (settings.minTraffic !== undefined && spec.minTraffic === undefined)
    shape.reject('min-traffic', 'in this recording the share of the pods was not noted, as min-traffic was not set; leave it out');
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { ...spec, ...given };
}

function readTurn(shape: JsonShape, place: string, found: Found): RecordedTurn {
  return {
    kind: 'turn',
    atMs: shape.number(`${place}.atMs`, found['atMs'], time),
    stage: nameAmong(shape, `${place}.stage`, found['stage'], stages),
    servedMs: shape.number(`${place}.servedMs`, found['servedMs'], time),
    share: found['share'] === undefined ? undefined : shape.number(`${place}.share`, found['share'], fraction),
    metrics: readMetrics(shape, `${place}.metrics`, found['metrics']),
  };
}

function readPhase(shape: JsonShape, place: string, found: Found): RecordedPhase {
  const before = found['before'] === undefined ? undefined : shape.object(`${place}.before`, found['before'], ['errors', 'requests']);
  return {
    kind: 'phase',
    name: nameAmong(shape, `${place}.name`, found['name'], recordedPhases),
    atMs: shape.number(`${place}.atMs`, found['atMs'], time),
    before: before === undefined ? undefined : readCounts(shape, `${place}.before`, before),
  };
}

function nameAmong<T extends string>(shape: JsonShape, place: string, value: unknown, names: readonly [T, ...T[]] | readonly T[]): T {
  const found = names.find((name) => name === value);
  if (found === undefined) shape.reject(place, `valid: ${names.join(', ')}`);
  return found ?? (names[0] as T);
}

function readMetrics(shape: JsonShape, place: string, value: unknown): RecordedTurn['metrics'] {
  if (value === undefined || value === 'same' || value === 'unavailable') return value;
  const found = shape.object(place, value, ['canary', 'stable']) ?? {};
  const reading: MetricsReading = {
    canary: readPods(shape, `${place}.canary`, found['canary']),
    stable: readPods(shape, `${place}.stable`, found['stable']),
  };
  return reading;
}

function readPods(shape: JsonShape, place: string, value: unknown): PodCounters {
  const pods = shape.record(place, value) ?? {};
  return Object.fromEntries(
    Object.entries(pods).map(([pod, counter]) => {
      const inner = `${place}[${quoted(pod)}]`;
      const found = shape.object(inner, counter, ['errors', 'requests', 'slow']) ?? {};
      const errors = shape.number(`${inner}.errors`, found['errors'], countRange);
      const requests = shape.number(`${inner}.requests`, found['requests'], countRange);
      if (found['slow'] === undefined) return [pod, { errors, requests }];
      return [pod, { errors, requests, slow: shape.number(`${inner}.slow`, found['slow'], countRange) }];
    }),
  );
}

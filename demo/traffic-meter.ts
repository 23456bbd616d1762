import type { Sandbox } from '../sandbox/sandbox.ts';

export type Rate = { readonly answered: number; readonly failed: number };

/** How long clients got answers of a version, and what they got of all versions meanwhile. */
export type Presence = { readonly ms: number; readonly quietMs: number; readonly clients: Rate };

export type TrafficMeter = {
  sample(): void;
  /** Answers and errors in the last second, by version. */
  rate(version: string): Rate;
  /** Errors of all versions, one number for each quarter of a second, the newest last. */
  errorHistory(): readonly number[];
  /** Of all versions, since the meter was made. */
  total(): Rate;
  presence(): Presence;
};

type Sample = { readonly atMs: number; readonly byVersion: Readonly<Record<string, Rate>> };

const windowMs = 1_000;
const historyStepMs = 250;
const nothing: Rate = { answered: 0, failed: 0 };

/** What clients got, from their own counters: the action and its Prometheus have no part in it. */
export function createTrafficMeter(sandbox: Sandbox, newVersion: string): TrafficMeter {
  const samples: Sample[] = [];
  const history: number[] = [];
  let historyAtMs = sandbox.now();
  let historyFailed = 0;

  const read = (): Sample => {
    const entries = Object.entries(sandbox.traffic.clientStats().byVersion);
    return {
      atMs: sandbox.now(),
      byVersion: Object.fromEntries(entries.map(([version, { ok, failed }]) => [version, { answered: ok + failed, failed }])),
    };
  };
  const first = read();
  samples.push(first);

  // The last sample without an answer of the new version, and the first one with its last answer.
  let before = first;
  let last: Sample | undefined;

  function followNewVersion(sample: Sample): void {
    const previous = samples.at(-1) ?? first;
    const isAnswering = (sample.byVersion[newVersion]?.answered ?? 0) > (previous.byVersion[newVersion]?.answered ?? 0);
    if (isAnswering) last = sample;
    else if (last === undefined) before = sample;
  }

  const total = (): Rate => minus(sum(samples.at(-1) ?? first), sum(first));

  return {
    total,
    sample() {
      const sample = read();
      followNewVersion(sample);
      samples.push(sample);
      while ((samples[1]?.atMs ?? sample.atMs) <= sample.atMs - windowMs) samples.shift();
      if (sample.atMs - historyAtMs < historyStepMs) return;
      const { failed } = total();
      history.push(failed - historyFailed);
      historyFailed = failed;
      historyAtMs = sample.atMs;
    },
    rate(version) {
      const [old, now] = [samples[0] ?? first, samples.at(-1) ?? first];
      const seconds = Math.max(now.atMs - old.atMs, 1) / 1000;
      const { answered, failed } = minus(now.byVersion[version] ?? nothing, old.byVersion[version] ?? nothing);
      return { answered: Math.round(answered / seconds), failed: Math.round(failed / seconds) };
    },
    errorHistory: () => history,
    presence() {
      const end = last ?? before;
      return { ms: end.atMs - before.atMs, quietMs: sandbox.now() - end.atMs, clients: minus(sum(end), sum(before)) };
    },
  };
}

function minus(a: Rate, b: Rate): Rate {
  return { answered: a.answered - b.answered, failed: a.failed - b.failed };
}

function sum({ byVersion }: Sample): Rate {
  return Object.values(byVersion).reduce((a, b) => ({ answered: a.answered + b.answered, failed: a.failed + b.failed }), nothing);
}

import { reasonToHold } from '../../src/rollout/gates/hold.ts';
import { absorbReading, judgeMetrics, startEvidence } from '../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import { seeded } from '../rollout/gates/random.ts';
import { Traffic } from './traffic.ts';

const shares = [0.1, 0.25, 0.5];
const holdSeconds = 30;
const minSeconds = 60;
const timeoutSeconds = 1800;

export type Ends = { promoted: number; inconclusive: number; convicted: number; readonly seconds: number[] };

/** Healthy releases, steps 10, 25, 50 %, all else as by default: how they end, and after how many seconds of serving. */
export function healthyReleases(runs: number, seed: number, requestsPerSecond: number, rate: number): Ends {
  const spec = { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate: undefined, timeoutMs: timeoutSeconds * 1000 };
  const rules = rulesFor({ compare: true, spec });
  if (rules === undefined) throw new Error('no rules');
  const ends: Ends = { promoted: 0, inconclusive: 0, convicted: 0, seconds: [] };
  for (let run = 0; run < runs; run += 1) {
    const traffic = new Traffic(seeded(seed * 1_000_003 + run));
    let evidence = startEvidence(rules);
    let step = 0;
    let stepSince = 0;
    let end: 'promoted' | 'convicted' | 'inconclusive' = 'inconclusive';
    while (traffic.seconds < timeoutSeconds) {
      traffic.tick({ requestsPerSecond, share: shares[step] ?? 0, canaryRate: rate, stableRate: rate });
      const { seconds } = traffic;
      evidence = absorbReading(rules, evidence, traffic.reading(), seconds * 1000);
      const { kind } = judgeMetrics(rules, evidence, seconds * 1000);
      const isLast = step === shares.length - 1;
      if (kind === 'fail') end = 'convicted';
      else if (kind === 'pass' && isLast && seconds >= minSeconds) end = 'promoted';
      if (end !== 'inconclusive') break;
      if (isLast || seconds - stepSince < holdSeconds || reasonToHold(evidence, rules) !== undefined) continue;
      step += 1;
      stepSince = seconds;
    }
    ends[end] += 1;
    if (end === 'promoted') ends.seconds.push(traffic.seconds);
  }
  return ends;
}

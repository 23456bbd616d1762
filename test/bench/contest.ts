import { absorbReading, judgeMetrics, type MetricsRules, startEvidence } from '../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import { seeded } from '../rollout/gates/random.ts';
import { type PeerRule, peers } from './peers.ts';
import { Traffic, type World } from './traffic.ts';

/** When a rule ended a canary, and what clients had got by then. */
export type Conviction = { readonly seconds: number; readonly errors: number };

export type Tally = { readonly convictions: Conviction[]; passes: number[] };

export const analysisSeconds = 600;
/** As `min-duration` by default. */
export const minSecondsDefault = 60;
export const ours = 'Gated Rollout';

export const absoluteRules = rulesOf({ compare: false, maxErrorRate: 0.01 });
export const compareRules = rulesOf({ compare: true, maxErrorRate: undefined });

function rulesOf({ compare, maxErrorRate }: { compare: boolean; maxErrorRate: number | undefined }): MetricsRules {
  const spec = { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate, timeoutMs: analysisSeconds * 1000 };
  const rules = rulesFor({ compare, spec });
  if (rules === undefined) throw new Error('no rules');
  return rules;
}

export type Setting = {
  readonly rules: MetricsRules;
  /** Before it our gate does not end with a pass. */
  readonly minSeconds: number;
  /** What is true at a second. */
  readonly worldAt: (seconds: number) => World;
};

/** Every rule on the same canaries. The production gate is asked as the loop does. */
export function contest({ rules, minSeconds, worldAt }: Setting, runs: number, seed: number): Readonly<Record<string, Tally>> {
  const tallies: Record<string, Tally> = { [ours]: { convictions: [], passes: [] } };
  for (const name of Object.keys(peers)) tallies[name] = { convictions: [], passes: [] };
  for (let run = 0; run < runs; run += 1) {
    const traffic = new Traffic(seeded(seed * 1_000_003 + run));
    const open = new Map<string, PeerRule>([[ours, ourRule(rules, minSeconds, (seconds) => tallies[ours]?.passes.push(seconds))]]);
    for (const [name, create] of Object.entries(peers)) open.set(name, create());
    while (traffic.seconds < analysisSeconds && open.size > 0) {
      traffic.tick(worldAt(traffic.seconds));
      for (const [name, convicts] of open) {
        if (!convicts(traffic)) continue;
        open.delete(name);
        tallies[name]?.convictions.push({ seconds: traffic.seconds, errors: traffic.errors });
      }
    }
  }
  return tallies;
}

/** Our gate, with its pass, which ends the analysis for it. */
function ourRule(rules: MetricsRules, minSeconds: number, passed: (seconds: number) => void): PeerRule {
  let evidence = startEvidence(rules);
  let isPassed = false;
  return (traffic) => {
    if (isPassed) return false;
    const nowMs = traffic.seconds * 1000;
    evidence = absorbReading(rules, evidence, traffic.reading(), nowMs);
    const { kind } = judgeMetrics(rules, evidence, nowMs);
    if (kind === 'pass' && traffic.seconds >= minSeconds) {
      isPassed = true;
      passed(traffic.seconds);
    }
    return kind === 'fail';
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

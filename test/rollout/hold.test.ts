import { describe, expect, it } from 'vitest';
import { decide } from '../../src/rollout/decide.ts';
import { absorbReading, startEvidence } from '../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import type { MetricsReading } from '../../src/rollout/observation.ts';
import { nowMs, observation, plan, spec, state, workload } from './scene.ts';

const rules = rulesFor({ compare: true, spec: spec() });
if (rules === undefined) throw new Error('a spec with a comparison has rules');

/** The first step of a canary that has been available for 60 s, of which the metrics have said this. */
function decisionAfter(...readings: MetricsReading[]): string {
  let evidence = startEvidence(rules as NonNullable<typeof rules>);
  readings.forEach((reading, index) => {
    evidence = absorbReading(rules as NonNullable<typeof rules>, evidence, reading, nowMs - 5_000 + index * 1_000);
  });
  const held = state(
    { kind: 'step', index: 0, sinceMs: nowMs - 61_000 },
    {
      steadiness: { replicas: 1, availableSinceMs: nowMs - 60_000, missingSinceMs: undefined, wasAvailable: true },
      evidence,
    },
  );
  const decision = decide(plan({ rules: rules as NonNullable<typeof rules> }), held, observation({ canary: workload(1) }));
  return decision.kind === 'wait' ? `wait: ${decision.because}` : decision.kind;
}

const stable = (requests: number) => ({ web: { errors: 0, requests } });
const canary = (errors: number, requests: number) => ({ canary: { errors, requests } });

describe('a step whose time is over', () => {
  it('goes on where the canary answers well', () => {
    expect(decisionAfter({ canary: {}, stable: stable(100) }, { canary: canary(0, 50), stable: stable(300) })).toBe('advance');
  });

  it('waits until the metrics have seen the canary at all: a short step would pass between two scrapes', () => {
    expect(decisionAfter({ canary: {}, stable: stable(100) }, { canary: {}, stable: stable(300) })).toMatch(
      /^wait: .*no request of the canary/u,
    );
  });

  it('waits while the errors lean against the canary, though nothing is proved', () => {
    expect(decisionAfter({ canary: {}, stable: stable(100) }, { canary: canary(4, 50), stable: stable(300) })).toMatch(
      /^wait: .*lean against/u,
    );
  });
});

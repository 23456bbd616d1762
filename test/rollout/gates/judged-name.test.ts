import { describe, expect, test } from 'vitest';
import { beforeAfterRules } from '../../../src/rollout/gates/before-after.ts';
import { explainSpent, fullBudget } from '../../../src/rollout/gates/error-budget.ts';
import {
  absorbReading,
  describeProgress,
  judgeMetrics,
  type MetricsRules,
  startEvidence,
} from '../../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../../src/rollout/gates/metrics-rules.ts';
import { explainStale } from '../../../src/rollout/gates/metrics-sentences.ts';
import { explainVanished, startTraffic } from '../../../src/rollout/gates/traffic-share.ts';
import { planRelease } from '../../../src/rollout/plan/plan.ts';
import type { Strategy } from '../../../src/rollout/spec.ts';
import { healthy, spec } from '../scene.ts';

const maxSlow = { absolute: 0.05, boundMs: 300 };

function rulesOf(strategy: Strategy): MetricsRules {
  const given = spec({ strategy, maxSlow, minTraffic: 0.5, errorBudget: 10 });
  const { rules } = planRelease(healthy, [], given, rulesFor({ compare: true, spec: given }), []);
  if (rules === undefined) throw new Error('no rules');
  return rules;
}

/** What is said after so many scrapes with so many errors, at this time after the last one. */
function said(rules: MetricsRules, scrapes: number, errors: number, quietMs: number, slow?: number): string {
  let evidence = startEvidence(rules);
  for (let at = 0; at < scrapes; at += 1) {
    const canary = { c: { errors: errors * at, requests: 100 * at, ...(slow === undefined ? {} : { slow: slow * at }) } };
    evidence = absorbReading(rules, evidence, { canary, stable: { s: { errors: 0, requests: 100 * (at + 1), slow: 0 } } }, at * 15_000);
  }
  const last = Math.max(0, scrapes - 1) * 15_000;
  // Only stable goes on.
  if (quietMs > 0 && scrapes > 0) {
    const reading = { canary: {}, stable: { s: { errors: 0, requests: 100 * scrapes + 50, slow: 0 } } };
    evidence = absorbReading(rules, evidence, reading, last + quietMs);
  }
  return `${judgeMetrics(rules, evidence, last + quietMs).because}; ${describeProgress(rules, evidence)}`;
}

function everySentence(rules: MetricsRules): readonly string[] {
  return [
    said(rules, 5, 90, 0, 0),
    said(rules, 3, 0, 0, 0),
    said(rules, 200, 0, 0, 0),
    said(rules, 30, 0, 60_000, 0),
    said(rules, 5, 0, 0),
    explainStale(rules, { ...startEvidence(rules), unavailable: undefined }, 60_000, false),
    explainVanished(rules, startTraffic(rules)),
    explainSpent(rules, fullBudget, { canaryErrors: 7, canaryRequests: 20, stableErrors: 0, stableRequests: 0 }),
  ];
}

describe('who is judged', () => {
  test.each<[Strategy, string, RegExp]>([
    ['canary', 'canary', /new version|green/],
    ['rolling', 'new version', /canary|green/],
    ['recreate', 'new version', /canary|green/],
    ['blue-green', 'green', /canary|new version|the green/],
  ])('in every sentence of %s it is the %s', (strategy, name, others) => {
    for (const sentence of everySentence(rulesOf(strategy))) {
      expect(sentence).toContain(name);
      expect(sentence).not.toMatch(others);
    }
  });

  test('in a bake after a canary it is the new version', () => {
    const after = beforeAfterRules(rulesOf('canary'), { errors: 0, requests: 1_000 });
    expect(said(after ?? rulesOf('canary'), 5, 90, 0, 0)).toMatch(/^new version .+; new version .+/);
    expect(beforeAfterRules(rulesOf('blue-green'), { errors: 0, requests: 1_000 })?.judged).toBe('green');
  });
});

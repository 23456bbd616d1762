import { describe, expect, it } from 'vitest';
import type { MetricsEvidence } from '../../../src/rollout/gates/metrics-gate.ts';
import { absorbReading, absorbUnavailable, startEvidence } from '../../../src/rollout/gates/metrics-gate.ts';
import { rulesFor } from '../../../src/rollout/gates/metrics-rules.ts';
import { unlessSilent } from '../../../src/rollout/gates/silent-pods.ts';
import type { MetricsReading } from '../../../src/rollout/observation.ts';
import type { Verdict } from '../../../src/rollout/verdict.ts';
import { nowMs, pod, spec, workload } from '../scene.ts';

const rules = rulesFor({ compare: true, spec: spec() });
if (rules === undefined) throw new Error('no rules');
const none = startEvidence(rules);
const pass: Verdict = { kind: 'pass', because: 'all is well' };
const fail: Verdict = { kind: 'fail', reason: 'metrics-failed', because: 'all is bad', evidence: [] };
const without = (...silent: readonly string[]): MetricsEvidence => ({ ...none, silent });
const canary = workload(4, {
  pods: [pod({ name: 'a' }), pod({ name: 'b' }), pod({ name: 'late', ready: false }), pod({ name: 'old', terminating: true })],
});

describe('pods of the new version that say nothing', () => {
  it.each<[string, Verdict, MetricsEvidence | undefined, Verdict['kind']]>([
    ['nobody is silent', pass, without(), 'pass'],
    ['one is', pass, without('b'), 'unknown'],
    ['one that is not ready, or ends', pass, without('late', 'old'), 'pass'],
    ['one that is gone', pass, without('gone'), 'pass'],
    ['a failure stands', fail, without('b'), 'fail'],
    ['no metrics judge', pass, undefined, 'pass'],
  ])('%s', (_, verdict, evidence, kind) => expect(unlessSilent(verdict, rules, evidence, canary).kind).toBe(kind));

  it('are named, a few of them, as what they are', () => {
    const many = workload(5, { pods: ['a', 'b', 'c', 'd', 'e'].map((name) => pod({ name })) });
    const said = (judged: 'green' | 'new version' | undefined) =>
      unlessSilent(pass, { ...rules, judged }, without('a', 'b', 'c', 'd'), many);
    expect(said(undefined)).toMatchObject({
      reason: 'metrics-unavailable',
      because: 'the others pass, but 4 of 5 canary pods do not answer with their metrics: a, b, c, …',
    });
    expect(said('green').because).toContain('4 of 5 pods of green do not');
    expect(said('new version').because).toContain('4 of 5 pods of the new version do not');
  });
});

describe('who is silent', () => {
  const counter = { errors: 0, requests: 5 };
  const reading = (pods: readonly string[], silent?: readonly string[]): MetricsReading => ({
    canary: Object.fromEntries(pods.map((name) => [name, counter])),
    stable: { s: counter },
    ...(silent === undefined ? {} : { silent }),
  });
  const after = (...looks: readonly (MetricsReading | readonly string[])[]) =>
    looks.reduce<MetricsEvidence>(
      (evidence, look, index) =>
        'canary' in look
          ? absorbReading(rules, evidence, look, nowMs + index * 1_000)
          : absorbUnavailable(evidence, 'no answer', nowMs + index * 1_000, look),
      none,
    ).silent;

  it.each<[string, readonly (MetricsReading | readonly string[])[], readonly string[]]>([
    ['whoever was asked and did not answer', [reading(['a'], ['b'])], ['b']],
    ['nobody any more who has answered since', [reading(['a'], ['b']), reading(['a', 'b'], [])], []],
    ['still, where nothing was read in between', [reading(['a'], ['b']), []], ['b']],
    ['whoever did not answer then', [reading(['a'], ['b']), ['a']], ['b', 'a']],
    ['each once', [reading(['a'], ['b']), ['b']], ['b']],
    ['of a source that names nobody: who was there and is not', [reading(['a', 'b']), reading(['a'])], ['b']],
    ['until the series are back', [reading(['a', 'b']), reading(['a']), reading(['a', 'b'])], []],
    ['nobody who was never there: it may not have been asked yet', [reading(['a']), reading(['a'])], []],
    ['nobody who is asked, and has no counter any more', [reading(['a', 'b'], []), reading(['a'], [])], []],
  ])('%s', (_, looks, silent) => expect(after(...looks)).toEqual(silent));
});

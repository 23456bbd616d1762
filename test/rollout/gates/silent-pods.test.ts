import { describe, expect, it } from 'vitest';
import { unlessSilent } from '../../../src/rollout/gates/silent-pods.ts';
import type { MetricsObservation } from '../../../src/rollout/observation.ts';
import type { Verdict } from '../../../src/rollout/verdict.ts';
import { pod, workload } from '../scene.ts';

const pass: Verdict = { kind: 'pass', because: 'all is well' };
const fail: Verdict = { kind: 'fail', reason: 'metrics-failed', because: 'all is bad', evidence: [] };
const reading = (...silent: readonly string[]): MetricsObservation => ({ kind: 'reading', reading: { canary: {}, stable: {}, silent } });
const canary = workload(4, {
  pods: [pod({ name: 'a' }), pod({ name: 'b' }), pod({ name: 'late', ready: false }), pod({ name: 'old', terminating: true })],
});

describe('canary pods that say nothing', () => {
  it.each<[string, Verdict, MetricsObservation | undefined, Verdict['kind']]>([
    ['nobody is silent', pass, reading(), 'pass'],
    ['one is', pass, reading('b'), 'unknown'],
    ['one that is not ready, or ends', pass, reading('late', 'old'), 'pass'],
    ['a failure stands', fail, reading('b'), 'fail'],
    ['another source, which cannot tell', pass, { kind: 'reading', reading: { canary: {}, stable: {} } }, 'pass'],
    ['no reading now', pass, undefined, 'pass'],
  ])('%s', (_, verdict, metrics, kind) => expect(unlessSilent(verdict, metrics, canary).kind).toBe(kind));

  it('are named, a few of them', () => {
    const many = workload(5, { pods: ['a', 'b', 'c', 'd', 'e'].map((name) => pod({ name })) });
    expect(unlessSilent(pass, reading('a', 'b', 'c', 'd'), many)).toMatchObject({
      reason: 'metrics-unavailable',
      because: 'the others pass, but 4 of 5 canary pods do not answer with their metrics: a, b, c, …',
    });
  });
});

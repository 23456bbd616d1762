import { describe, expect, test } from 'vitest';
import { needsOf } from '../../src/rollout/plan/command-needs.ts';
import { describePermission, permissionsFor, permissionsForCommand } from '../../src/rollout/plan/permissions.ts';
import { cleaningPlan, leftRollouts } from '../../src/rollout/situation/clean-up.ts';
import { isFlippedWithoutJob } from '../../src/rollout/situation/left-colours.ts';
import type { FoundBlueGreen, FoundJob, Situation } from '../../src/rollout/situation/situation.ts';
import { leftOf, remedyOf, standingOf } from '../../src/rollout/situation/standing.ts';
import { jobUid, nowMs, plan, spec, state } from './scene.ts';

const stable = {
  uid: 'web-1',
  rollout: undefined,
  owned: false,
  terminating: false,
  unhealthy: undefined,
  desiredReplicas: 4,
  updatedReplicas: 4,
  availableReplicas: 4,
  images: [],
};
const situation = (changes: Partial<Situation>): Situation => ({
  nowMs,
  target: plan().target,
  names: plan().names,
  stable,
  job: undefined,
  canary: undefined,
  ...changes,
});
const green = { rollout: 'job-0', ours: true, terminating: false, desiredReplicas: 4, availableReplicas: 4 };
const service = { name: 'web', colour: 'blue', rollout: undefined, owned: false, terminating: false } as const;
const colours = (changes: Partial<FoundBlueGreen>): FoundBlueGreen => ({
  colours: { key: 'app', blue: 'web', green: 'web-green' },
  green: undefined,
  preview: undefined,
  services: [],
  ...changes,
});
const flipped = colours({ green, services: [{ ...service, colour: 'green', rollout: 'job-0' }] });
const job = (changes: Partial<FoundJob> = {}): FoundJob => ({
  facts: { uid: jobUid, startedAtMs: nowMs, deadlineAtMs: nowMs + 10_000, over: undefined },
  ours: true,
  createdAtMs: nowMs,
  journal: { plan: plan(), state: state({ kind: 'step', index: 0, sinceMs: nowMs }) },
  ...changes,
});
const second = { name: 'web-v2', uid: 'v2', rollout: 'job-9', owned: true, desiredReplicas: 0 };

describe('what strategies have left', () => {
  test.each<[string, Partial<Situation>, readonly string[], readonly string[]]>([
    ['nothing', { blueGreen: colours({ green: { ...green, ours: false } }) }, [], []],
    ['green', { blueGreen: colours({ green }) }, ['Deployment web-green (replicas: 4), without a Job that would take it away'], ['job-0']],
    [
      'preview',
      { blueGreen: colours({ preview: { rollout: 'job-0', ours: true } }) },
      ['Service web-preview, without a Job that would take it away'],
      ['job-0'],
    ],
    [
      'our entry on a Service',
      { blueGreen: colours({ services: [{ ...service, owned: true }] }) },
      ['our entry in the managedFields of Service web'],
      [''],
    ],
    ['a label on a second Deployment', { pair: second }, ['the label of an ended rollout on Deployment web-v2'], ['job-9']],
    ['nothing of a rollout that has its Job', { job: job(), blueGreen: flipped, pair: second }, [], ['job-0', 'job-9']],
  ])('%s', (_, changes, left, rollouts) => {
    const found = situation(changes);
    expect(leftOf(found)).toEqual(left);
    expect(leftRollouts(found)).toEqual(rollouts);
    if (changes.job === undefined) expect(standingOf(found)).toBe(left.length > 0 ? 'left' : 'none');
  });

  test('a Service that leads to green comes first', () => {
    const found = situation({ blueGreen: flipped });
    expect(isFlippedWithoutJob(found)).toBe(true);
    expect(isFlippedWithoutJob(situation({ blueGreen: flipped, job: job() }))).toBe(false);
    expect(remedyOf('left', found)).toContain('lead the Services back');
    expect(cleaningPlan(found, spec()).blueGreen).toMatchObject({ key: 'app', blue: 'web', green: 'web-green', services: ['web'] });
  });
});

describe('what a command needs beside every other one', () => {
  const blueGreen = { strategy: 'blue-green', flipped: ['web'] };
  const over = { uid: jobUid, startedAtMs: nowMs, deadlineAtMs: undefined, over: 'suspended' };
  const version = { source: 'web', name: 'web-0123456789' };
  const journal = (changes: Parameters<typeof plan>[0]) => ({
    plan: plan(changes),
    state: state({ kind: 'step', index: 0, sinceMs: nowMs }),
  });
  test.each<[string, Partial<Situation>, object]>([
    ['nothing', { job: job() }, {}],
    ['ConfigMaps', { job: job({ journal: journal({ configMaps: [version] }) }) }, { configMaps: true }],
    ['not those of somebody else', { job: job({ ours: false, journal: journal({ configMaps: [version] }) }) }, {}],
    ['blue-green', { job: job(), blueGreen: flipped }, blueGreen],
    ['blue-green without its Job', { blueGreen: flipped }, { ...blueGreen, createsJob: true }],
    ['blue-green whose Job is over', { job: job({ facts: over }), blueGreen: flipped }, { ...blueGreen, createsJob: true }],
    ['a pair', { pair: second }, { pair: 'web-v2' }],
    ['no pair where nothing is left', { pair: { ...second, rollout: undefined, owned: false } }, {}],
  ])('%s', (_, changes, expected) => {
    expect(needsOf(situation(changes))).toEqual(expected);
  });

  test('is a part of what the release needs', () => {
    const needs = {
      namespace: 'shop',
      deployment: 'web',
      names: plan().names,
      configMaps: true,
      flipped: ['web'],
      createsJob: true,
      strategy: 'blue-green' as const,
    };
    const both = ['create jobs.batch', 'list configmaps', 'patch services web', 'delete services web-preview'];
    for (const [pair, lines] of [
      [undefined, [...both, 'delete deployments.apps web-green']],
      ['web-v2', [...both, 'patch deployments.apps web-v2']],
    ] as const) {
      const whole = permissionsFor({ ...needs, pair, logs: false, claims: [], proxied: undefined }).map(describePermission);
      const wanted = permissionsForCommand('reconcile', { ...needs, pair }).map(describePermission);
      expect(whole).toEqual(expect.arrayContaining(wanted));
      for (const one of lines) expect(wanted).toContain(`${one} in namespace shop`);
    }
    const status = permissionsForCommand('status', needs).map(({ verb }) => verb);
    expect(new Set(status)).toEqual(new Set(['get', 'list']));
  });
});

import { describe, expect, test } from 'vitest';
import { peakPods } from '../cluster/harness/peak-pods.ts';
import type { Pod } from '../cluster/harness/shapes.ts';
import type { Seen } from '../cluster/harness/watcher.ts';

interface Step {
  readonly pod: string;
  readonly type?: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly phase?: string;
  readonly terminating?: boolean;
  readonly owner?: string;
}

const baselineMs = 100;

/** The first three happen before the baseline, each of the others a millisecond after the one before. */
function history(steps: readonly Step[]): readonly Seen<Pod>[] {
  return steps.map(({ pod, type = 'ADDED', phase = 'Running', terminating = false, owner = 'ReplicaSet' }, index) => ({
    atMs: baselineMs - 3 + index,
    type,
    object: {
      metadata: {
        name: pod,
        uid: pod,
        resourceVersion: String(index),
        creationTimestamp: '2024-01-01T00:00:00Z',
        ...(terminating ? { deletionTimestamp: '2024-01-01T00:00:01Z' } : {}),
        ...(owner === '' ? {} : { ownerReferences: [{ kind: owner, name: 'web-1', uid: 'owner' }] }),
      },
      spec: { containers: [] },
      status: { phase },
    },
  }));
}

const standing: readonly Step[] = [{ pod: 'a' }, { pod: 'b' }, { pod: 'load', owner: '' }];

const table: readonly { readonly name: string; readonly steps: readonly Step[]; readonly expect: number }[] = [
  { name: 'what stands at the baseline, without the clients', steps: standing, expect: 2 },
  { name: 'a pod more, pending or running', steps: [...standing, { pod: 'c', phase: 'Pending' }], expect: 3 },
  {
    name: 'one at a time beside the others is one more, however many there were',
    steps: [...standing, { pod: 'c' }, { pod: 'c', type: 'DELETED' }, { pod: 'd' }, { pod: 'd', type: 'DELETED' }],
    expect: 3,
  },
  {
    name: 'a terminating pod has been replaced already',
    steps: [...standing, { pod: 'a', type: 'MODIFIED', terminating: true }, { pod: 'c' }],
    expect: 2,
  },
  {
    name: 'a pod that has ended holds nothing',
    steps: [...standing, { pod: 'a', type: 'MODIFIED', phase: 'Failed' }, { pod: 'b', type: 'MODIFIED', phase: 'Succeeded' }, { pod: 'c' }],
    expect: 2,
  },
  {
    name: 'what went before the baseline is no part of the release',
    steps: [{ pod: 'a' }, { pod: 'b' }, { pod: 'b', type: 'DELETED' }, { pod: 'a', type: 'MODIFIED' }],
    expect: 1,
  },
  { name: 'a pod that somebody runs by hand is not the application', steps: [...standing, { pod: 'debug', owner: '' }], expect: 2 },
];

describe('peak pods', () => {
  test.each(table)('$name', ({ steps, expect: wanted }) => {
    expect(peakPods(history(steps), baselineMs)).toBe(wanted);
  });

  test('nothing was seen since the baseline: what stood then stands', () => {
    expect(peakPods(history(standing), baselineMs + 1_000)).toBe(2);
  });
});

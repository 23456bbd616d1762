import { describe, expect, it } from 'vitest';
import type { Deployment, ReplicaSet } from '../../sandbox/objects.ts';
import { fencepostsOf, MAX_REPLICAS, newReplicas, proportionalSizes, shrunkOld } from '../../sandbox/rollout-maths.ts';

function deploymentOf(replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment {
  return { spec: { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } } } as unknown as Deployment;
}

function setOf(name: string, replicas: number, availableReplicas = replicas, before?: number): ReplicaSet {
  const annotations = before === undefined ? {} : { [MAX_REPLICAS]: String(before) };
  const metadata = { name, creationTimestamp: name === 'new' ? '2026-01-02T00:00:00Z' : '2026-01-01T00:00:00Z', annotations };
  return { metadata, spec: { replicas }, status: { replicas, availableReplicas } } as unknown as ReplicaSet;
}

describe('surge rounds up, unavailability down', () => {
  it.each([
    [1, '25%', '25%', 1, 0],
    [3, '25%', '25%', 1, 0],
    [4, '25%', '25%', 1, 1],
    [10, '25%', '25%', 3, 2],
    [4, 0, '10%', 0, 1],
    [4, 0, 0, 0, 1],
    [2, 3, 5, 3, 2],
    [3, '100%', '50%', 3, 1],
  ])('%i with %s and %s', (replicas, surge, unavailable, maxSurge, maxUnavailable) => {
    expect(fencepostsOf(deploymentOf(replicas, surge, unavailable))).toEqual({ maxSurge, maxUnavailable });
  });
});

describe('one turn of a rolling update', () => {
  it.each([
    ['the surge first', 4, 1, 0, 4, 4, 0, 0, 1, undefined],
    ['then an old one for an available new one', 4, 1, 0, 4, 4, 1, 1, 1, 3],
    ['nothing while the new one is not available', 4, 1, 0, 4, 4, 1, 0, 1, undefined],
    ['without surge the old ones go first', 4, 0, 1, 4, 4, 0, 0, 0, 3],
    ['unhealthy old ones go at once', 4, 1, 0, 4, 2, 1, 0, 1, undefined],
    ['unhealthy old ones go when there is room', 4, 1, 1, 4, 2, 1, 0, 1, 3],
  ])('%s', (_name, replicas, surge, unavailable, old, oldAvailable, fresh, freshAvailable, freshNext, oldNext) => {
    const deployment = deploymentOf(replicas, surge, unavailable);
    const [before, after] = [setOf('old', old, oldAvailable), setOf('new', fresh, freshAvailable)];
    expect(newReplicas(deployment, [before, after], fresh)).toBe(freshNext);
    expect(shrunkOld(deployment, [before], after).get('old')).toBe(oldNext);
  });
});

describe('scaling in the middle of a rollout', () => {
  it.each([
    ['up', 8, 2, { old: [3, 5], fresh: [2, 5] }, { old: 6, new: 4 }],
    ['down', 3, 2, { old: [4, 7], fresh: [3, 7] }, { old: 3, new: 2 }],
    ['to nothing', 0, 1, { old: [3, 5], fresh: [2, 5] }, { old: 0, new: 0 }],
    ['not at all', 4, 1, { old: [3, 5], fresh: [2, 5] }, { old: 3, new: 2 }],
  ] as const)('%s', (_name, replicas, surge, { old, fresh }, expected) => {
    const sets = [setOf('old', old[0], old[0], old[1]), setOf('new', fresh[0], fresh[0], fresh[1])];
    expect(Object.fromEntries(proportionalSizes(deploymentOf(replicas, surge, 0), sets))).toEqual(expected);
  });
});

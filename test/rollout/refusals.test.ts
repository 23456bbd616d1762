import { describe, expect, it } from 'vitest';
import type { DeploymentFacts, Namesake } from '../../src/rollout/plan/deployment-facts.ts';
import { refusalsFor } from '../../src/rollout/plan/refusals.ts';
import { healthy, spec } from './scene.ts';

const canary: Namesake = { kind: 'Deployment', name: 'web-canary', uid: 'c', ours: false, terminating: false, heldBy: undefined };
const job: Namesake = { kind: 'Job', name: 'web-rollout', uid: 'j', ours: true, terminating: false, heldBy: 'by octocat' };

describe('refusalsFor', () => {
  it('has nothing against a healthy Deployment', () => {
    expect(refusalsFor(healthy, spec())).toEqual([]);
  });

  it.each<{ name: string; facts: Partial<DeploymentFacts>; says: string }>([
    { name: 'paused', facts: { paused: true }, says: 'paused' },
    { name: 'Recreate', facts: { strategyType: 'Recreate' }, says: 'strategy is Recreate' },
    { name: 'no replicas', facts: { replicas: 0 }, says: '0 replicas' },
    { name: 'our label in the template', facts: { carriesTrackLabel: true }, says: 'gated-rollout.github.io/track' },
    { name: 'host ports', facts: { hostPorts: [80] }, says: 'host ports (80)' },
    { name: 'a volume of one node', facts: { exclusiveVolumes: ['claim data (ReadWriteOnce)'] }, says: 'claim data (ReadWriteOnce)' },
    { name: 'required anti-affinity', facts: { repelsItself: true }, says: 'anti-affinity' },
    { name: 'unhealthy', facts: { unhealthy: '3 of 4 pods are available' }, says: '3 of 4 pods are available' },
    { name: 'a foreign canary', facts: { namesakes: [canary] }, says: 'Deployment web-canary is not ours' },
    { name: 'a foreign Job', facts: { namesakes: [{ ...job, ours: false }] }, says: 'Job web-rollout is not ours' },
    { name: 'another run', facts: { namesakes: [job] }, says: 'by octocat' },
  ])('$name', ({ facts, says }) => {
    const refusals = refusalsFor({ ...healthy, ...facts }, spec());
    expect(refusals).toHaveLength(1);
    expect(refusals[0]?.message).toContain(says);
    expect(refusals[0]?.hint).not.toBe('');
  });

  it('leaves the replacing to the strategy that the Deployment itself says, and names the other one', () => {
    const recreated: DeploymentFacts = { ...healthy, strategyType: 'Recreate' };
    expect(refusalsFor(healthy, spec({ strategy: 'rolling' }))).toEqual([]);
    expect(refusalsFor(recreated, spec({ strategy: 'recreate' }))).toEqual([]);
    expect(refusalsFor(recreated, spec({ strategy: 'rolling' }))[0]?.hint).toContain('strategy: recreate');
    expect(refusalsFor(healthy, spec({ strategy: 'recreate' }))[0]?.hint).toContain('strategy: rolling');
  });

  it('lets a rolling update and a recreation have what a second Deployment could not', () => {
    const facts: DeploymentFacts = { ...healthy, hostPorts: [80], exclusiveVolumes: ['claim data (ReadWriteOnce)'], repelsItself: true };
    expect(refusalsFor(facts, spec({ strategy: 'rolling' }))).toEqual([]);
    expect(refusalsFor({ ...facts, strategyType: 'Recreate' }, spec({ strategy: 'recreate' }))).toEqual([]);
  });

  it('says everything at once', () => {
    expect(refusalsFor({ ...healthy, paused: true, hostPorts: [80], namesakes: [canary] }, spec())).toHaveLength(3);
  });

  it('releases over an unhealthy Deployment with force', () => {
    expect(refusalsFor({ ...healthy, unhealthy: 'it is not' }, spec({ force: true }))).toEqual([]);
  });

  it('does not mind what is ours and going, or ours and left behind', () => {
    expect(
      refusalsFor(
        {
          ...healthy,
          namesakes: [
            { ...job, terminating: true },
            { ...canary, ours: true },
          ],
        },
        spec(),
      ),
    ).toEqual([]);
  });
});

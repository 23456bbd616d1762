import { describe, expect, it } from 'vitest';
import { detachedLabels } from '../../src/kubernetes/inspection/surroundings.ts';
import { matchesSelector } from '../../src/kubernetes/label-selector.ts';

const labels = { app: 'web', tier: 'backend', team: 'shop' };
const service = (selector: Readonly<Record<string, string>> | undefined) => ({ spec: selector === undefined ? {} : { selector } });

describe('detachedLabels', () => {
  it('changes nothing where no Service selects the pods', () => {
    expect(detachedLabels([], labels)).toEqual({});
    expect(detachedLabels([service({ app: 'other' }), service(undefined), service({})], labels)).toEqual({});
  });

  it('changes one key of one Service, and another one only for a Service that still selects', () => {
    expect(detachedLabels([service({ app: 'web', tier: 'backend' })], labels)).toEqual({ app: 'web-trial' });
    expect(detachedLabels([service({ app: 'web' }), service({ app: 'web', team: 'shop' })], labels)).toEqual({ app: 'web-trial' });
    expect(Object.keys(detachedLabels([service({ app: 'web' }), service({ tier: 'backend' })], labels))).toEqual(['app', 'tier']);
  });

  it('does not run into a Service that selects the new value, nor above the length of a label', () => {
    const services = [service({ app: 'web' }), service({ app: 'web-trial' })];
    const changed = { ...labels, ...detachedLabels(services, labels) };
    for (const { spec } of services) expect(matchesSelector({ matchLabels: spec.selector ?? {} }, changed)).toBe(false);
    const long = detachedLabels([service({ app: 'x'.repeat(63) })], { app: 'x'.repeat(63) });
    expect(long['app']).toMatch(/^x{57}-trial$/u);
  });
});

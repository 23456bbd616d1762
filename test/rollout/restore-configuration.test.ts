import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { templateFacts } from '../../src/kubernetes/inspection/template-facts.ts';
import type { RawTemplate } from '../../src/kubernetes/raw.ts';
import { releasedTemplate, withoutOurFields } from '../../src/kubernetes/template-fields.ts';
import { planConfigMaps } from '../../src/rollout/configuration/plan-config-maps.ts';
import { planVariables } from '../../src/rollout/configuration/plan-variables.ts';
import { restoreConfiguration } from '../../src/rollout/configuration/restore-configuration.ts';
import type { PodTemplate } from '../../src/rollout/history/revisions.ts';
import { rollbackRequest } from '../../src/rollout/history/rollback.ts';
import { planImages } from '../../src/rollout/plan/plan-images.ts';

type Env = readonly object[] | undefined;

const first = 'web-0123456789';
const second = 'web-abcdef0123';
const withEnv = (env: Env, more: object = {}): PodTemplate => ({
  spec: { containers: [{ name: 'app', image: 'i', ...(env === undefined ? {} : { env }), ...more }] },
});
const a = { name: 'A', value: '1' };
const b = { name: 'B', value: '2' };
const c = { name: 'C', value: '3' };
const derived = { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } };
const key = (name: string) => ({ name: 'K', valueFrom: { configMapKeyRef: { name, key: 'x' } } });
const envOf = (template: PodTemplate): unknown => (template as { spec: { containers: [{ env?: unknown }] } }).spec.containers[0].env;
/** Applied as the promotion applies them. */
const applied = (then: PodTemplate, now: PodTemplate): PodTemplate => {
  const { fields } = restoreConfiguration(then, now, []);
  return releasedTemplate({ images: [], configuration: fields }, now as unknown as RawTemplate) as unknown as PodTemplate;
};

describe('restoreConfiguration', () => {
  test.each<[string, Env, Env, readonly string[], Env]>([
    ['nothing', [a, b], [a, b], [], [a, b]],
    ['a value', [a, b], [a, { ...b, value: 'x' }], ['/env/1/value'], [a, b]],
    ['an empty value, which the API server does not keep', [{ name: 'A' }], [a], ['/env/0/value'], [{ name: 'A' }]],
    ['what was appended', [a], [a, b, c], ['/env/2', '/env/1'], [a]],
    ['what was taken from the end', [a, b, c], [a], ['/env/1', '/env/2'], [a, b, c]],
    ['a list that was not there', undefined, [a, b], ['/env'], undefined],
    ['a list that is gone', [a, b], undefined, ['/env'], [a, b]],
    ['what was taken from the middle', [a, b, c], [a, c], ['/env'], [a, b, c]],
    ['what was put before the others', [b], [a, b], ['/env'], [b]],
    ['another order: nothing that a release does', [a, b], [b, a], [], [b, a]],
    ['the last of two with one name', [a, a], [a, { ...a, value: 'x' }], ['/env/1/value'], [a, a]],
    ['never what comes from elsewhere', [a, derived], [a], [], [a]],
    ['never what comes from elsewhere now', [a], [a, derived], [], [a, derived]],
    ['nor a literal in its place', [{ name: 'IP', value: 'x' }], [derived], [], [derived]],
    ['a literal behind it', [derived, a], [derived], ['/env/1'], [derived, a]],
    ['a version that a variable comes from', [key(first)], [key(second)], ['/env/0/valueFrom/configMapKeyRef/name'], [key(first)]],
    ['that in a list that is replaced', [a, key(first)], [b, a, key(second)], ['/env'], [a, key(first)]],
    ['no ConfigMap of another source', [key(first)], [key('other-abcdef0123')], [], [key('other-abcdef0123')]],
    [
      'the name that stood there before the first version',
      [key('web')],
      [key(second)],
      ['/env/0/valueFrom/configMapKeyRef/name'],
      [key('web')],
    ],
    ['no other name without a hash', [key('shop')], [key(second)], [], [key(second)]],
    ['nor forth from the plain name', [key(first)], [key('web')], [], [key('web')]],
  ])('variables: %s', (_, then, now, pointers, expected) => {
    const restored = restoreConfiguration(withEnv(then), withEnv(now), []);
    expect(restored.fields.map(({ pointer }) => pointer.replace('/spec/containers/0', ''))).toEqual(pointers);
    expect(envOf(restored.template)).toEqual(expected);
    const released = applied(withEnv(then), withEnv(now));
    expect(envOf(released)).toEqual(expected);
    // And the way back of the way back.
    expect(withoutOurFields(restored.fields, released as unknown as RawTemplate)).toEqual(withEnv(now));
    expect(JSON.stringify(restored.fields.map(({ what, fromText, toText }) => [what, fromText, toText]))).not.toContain('"x"');
  });

  const references = (name: string, more: object = {}): PodTemplate => ({
    spec: {
      containers: [
        { name: 'app', image: 'i', envFrom: [{ configMapRef: { name } }], volumeMounts: [{ name: 'files' }] },
        { name: 'proxy', image: 'i', envFrom: [{ configMapRef: { name } }] },
      ],
      initContainers: [{ name: 'migrate', image: 'i', envFrom: [{ configMapRef: { name } }] }],
      volumes: [
        { name: 'files', configMap: { name } },
        { name: 'all', projected: { sources: [{ secret: { name: 's' } }, { configMap: { name } }] } },
      ],
      ...more,
    },
  });

  test('every reference goes back to its version, and each version is named once', () => {
    const restored = restoreConfiguration(references(first), references(second), []);
    expect(restored.template).toEqual(references(first));
    expect(restored.configMaps).toEqual([{ source: 'web', name: first }]);
    expect(restored.fields).toHaveLength(5);
    expect(applied(references(first), references(second))).toEqual(references(first));
  });

  test('of named containers only theirs, and the volumes that they mount', () => {
    const { fields } = restoreConfiguration(references(first), references(second), ['app']);
    expect(fields.map(({ what }) => what)).toEqual(['ConfigMap web in envFrom of container app', 'ConfigMap web in volume files']);
    expect(rollbackRequest(references(first), references(second), ['app']).notRolledBack).toEqual([
      'envFrom of container proxy',
      'envFrom of init container migrate',
      'volume all',
    ]);
  });

  test('where only images are released, all of it is named', () => {
    const { configuration, notRolledBack } = rollbackRequest(withEnv([a]), withEnv([b]), [], false);
    expect(configuration).toEqual([]);
    expect(notRolledBack).toEqual(['env A of container app', 'env B of container app']);
  });

  test('whatever the templates hold, nothing is thrown and nothing else changes', () => {
    const container = fc.record({ name: fc.constantFrom('app', 'b'), env: fc.jsonValue(), envFrom: fc.jsonValue() });
    const volume = fc.record({ name: fc.constantFrom('v'), configMap: fc.jsonValue(), projected: fc.jsonValue() });
    const any = fc.record({ spec: fc.record({ containers: fc.array(container), volumes: fc.array(volume), x: fc.jsonValue() }) });
    fc.assert(
      fc.property(any, any, (then, now) => {
        expect(recordOfX(restoreConfiguration(then, now, []).template)).toEqual(now.spec.x);
      }),
    );
  });
});

const recordOfX = (template: PodTemplate): unknown => (template as { spec: { x: unknown } }).spec.x;

const name = fc.constantFrom('A', 'B', 'C', 'D', 'E');
const variables = fc.uniqueArray(fc.record({ name, value: fc.constantFrom('', '1', '22', '333') }), {
  selector: (one) => one.name,
  maxLength: 4,
});
const hash = fc.constantFrom('0123456789', 'abcdef0123', '1111111111');
const release = fc.record({ tag: fc.constantFrom('v1', 'v2', 'v3'), variables, hash });

/** The template after a release, planned as a release plans it. */
function released(
  template: RawTemplate,
  { tag, variables: wanted, hash: content }: { tag: string; variables: { name: string; value: string }[]; hash: string },
): RawTemplate {
  const facts = templateFacts(template);
  const containers = [...(template.spec?.containers ?? [])].map((one) => ({ name: one.name, image: one.image ?? '' }));
  const images = planImages(containers, { kind: 'image', image: `app:${tag}`, containers: ['app'] });
  const env = planVariables(
    facts.containers,
    wanted.map((one) => ({ ...one, container: 'app' })),
    [],
  );
  const earlier = ['0123456789', 'abcdef0123', '1111111111'].map((one) => ({ source: 'web', name: `web-${one}` }));
  const maps = planConfigMaps(facts.references, [{ source: 'web', name: `web-${content}` }], earlier);
  if (images.kind !== 'images' || env.kind !== 'fields' || maps.kind !== 'references') throw new Error('not planned');
  return releasedTemplate({ images: images.images, configuration: [...env.fields, ...maps.fields] }, template);
}

test('a rollback to a revision that releases have made gives its template, byte for byte', () => {
  const begun = fc.record({ variables: fc.option(variables), behind: fc.boolean(), release });
  fc.assert(
    fc.property(begun, fc.array(release, { minLength: 1, maxLength: 4 }), (start, releases) => {
      const literals = (start.variables ?? []).map((one) => ({ name: one.name, ...(one.value === '' ? {} : { value: one.value }) }));
      const env = [...literals, ...(start.behind ? [derived, key('web')] : [])];
      const found = {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            { name: 'app', image: 'app:v0', ...(env.length === 0 ? {} : { env }), envFrom: [{ configMapRef: { name: 'web' } }] },
            { name: 'proxy', image: 'proxy:v1' },
          ],
          volumes: [{ name: 'all', projected: { sources: [{ configMap: { name: 'web' } }] } }],
        },
      } as unknown as RawTemplate;
      const then = released(found, start.release);
      const now = releases.reduce(released, then);
      const { images, configuration, notRolledBack } = rollbackRequest(then as unknown as PodTemplate, now as unknown as PodTemplate, []);
      expect(notRolledBack).toEqual([]);
      const planned = planImages(
        now.spec?.containers.map((one) => ({ name: one.name, image: one.image ?? '' })) ?? [],
        images.kind === 'by-container' && Object.keys(images.images).length === 0 ? { kind: 'none', containers: [] } : images,
      );
      if (planned.kind !== 'images') throw new Error(planned.message);
      const back = releasedTemplate({ images: planned.images, configuration }, now);
      expect(back).toEqual(then);
      expect(JSON.stringify(back.spec?.containers[0]?.env)).toBe(JSON.stringify(then.spec?.containers[0]?.env));
      expect(withoutOurFields(configuration, back)).toEqual({
        ...now,
        spec: {
          ...now.spec,
          containers: now.spec?.containers.map((one, index) => ({ ...one, image: back.spec?.containers[index]?.image })),
        },
      });
    }),
    { numRuns: 500 },
  );
});

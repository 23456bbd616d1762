import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyJsonPatch, type Operation } from '../../sandbox/json-patch.ts';
import type { JsonObject } from '../../sandbox/objects.ts';
import { templateFacts } from '../../src/kubernetes/inspection/template-facts.ts';
import { canaryManifest } from '../../src/kubernetes/manifests/canary.ts';
import { promotionPatch, reversionPatch } from '../../src/kubernetes/patches/patches.ts';
import type { RawDeployment, RawTemplate } from '../../src/kubernetes/raw.ts';
import { fieldStates } from '../../src/kubernetes/template-fields.ts';
import { templateHash } from '../../src/kubernetes/template-hash.ts';
import { planConfigMaps } from '../../src/rollout/configuration/plan-config-maps.ts';
import { planVariables } from '../../src/rollout/configuration/plan-variables.ts';
import { rolloutLabel } from '../../src/rollout/names.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import { planImages } from '../../src/rollout/plan/plan-images.ts';
import { plan as planOf } from '../rollout/scene.ts';

const jobUid = 'job-1';
const cause = 'kubernetes.io/change-cause';

type Containers = NonNullable<RawTemplate['spec']>['containers'];

function deployment(template: RawTemplate, annotations?: Readonly<Record<string, string>>): RawDeployment {
  return {
    metadata: { name: 'web', uid: 'web-1', labels: { [rolloutLabel]: jobUid }, ...(annotations === undefined ? {} : { annotations }) },
    spec: { selector: { matchLabels: { app: 'web' } }, template },
  };
}

/** As the API server does it: all operations or none. */
function patched(object: RawDeployment, operations: ReturnType<typeof promotionPatch>): RawDeployment | undefined {
  // What is undefined gets lost on the wire.
  const wire = JSON.parse(JSON.stringify(operations)) as readonly Operation[];
  return applyJsonPatch(object as unknown as JsonObject, wire) as unknown as RawDeployment | undefined;
}

const name = fc.constantFrom('MODE', 'LEVEL', 'HOST', 'PORT');
const text = fc.constantFrom('', 'a', 'b', 'a/b~c');
const entry = fc.oneof(
  fc.record({ name, value: text }).map(({ name: key, value }) => ({ name: key, ...(value === '' ? {} : { value }) })),
  fc.constant({ name: 'FROM_MAP', valueFrom: { configMapKeyRef: { name: 'web', key: 'k' } } }),
);
const container = (containerName: string) =>
  fc.record({
    name: fc.constant(containerName),
    image: fc.constant('shop/web:v1'),
    env: fc.option(fc.array(entry, { maxLength: 4 }), { nil: undefined }),
    envFrom: fc.option(fc.constant([{ configMapRef: { name: 'web' } }, { secretRef: { name: 'web' } }]), { nil: undefined }),
  });
const anyTemplate = fc
  .record({ first: container('app'), second: container('proxy'), init: fc.option(container('migrate'), { nil: undefined }) })
  .map(({ first, second, init }) => {
    const volumes = [
      { name: 'other', emptyDir: {} },
      { name: 'config', configMap: { name: 'web-bbbbbbbbbb' } },
      { name: 'all', projected: { sources: [{ secret: { name: 'web' } }, { configMap: { name: 'web' } }] } },
    ];
    const spec = { containers: [first, second], ...(init === undefined ? {} : { initContainers: [init] }), volumes };
    return JSON.parse(JSON.stringify({ metadata: { labels: { app: 'web' } }, spec })) as RawTemplate;
  });
const requests = fc.array(fc.record({ container: fc.constantFrom('app', 'proxy', 'migrate'), name, value: text }), { maxLength: 5 });

function planned(template: RawTemplate, wanted: readonly { container: string; name: string; value: string }[], withImage: boolean): Plan {
  const facts = templateFacts(template);
  const there = wanted.filter(({ container: where }) => facts.containers.some((found) => found.name === where));
  const once = there.filter(
    (one, index) => there.findIndex((other) => other.container === one.container && other.name === one.name) === index,
  );
  const variables = planVariables(facts.containers, once, []);
  const maps = planConfigMaps(facts.references, [{ source: 'web', name: 'web-aaaaaaaaaa' }], [{ source: 'web', name: 'web-bbbbbbbbbb' }]);
  if (variables.kind === 'problem' || maps.kind === 'problem') throw new Error(`${JSON.stringify(variables)} ${JSON.stringify(maps)}`);
  const all = [
    ...(template.spec?.containers ?? []),
    ...(template.spec?.initContainers ?? []).map((one) => ({ ...one, init: true as const })),
  ];
  const containers = all.map((one) => ({ name: one.name, image: one.image ?? '', ...('init' in one ? { init: true as const } : {}) }));
  const images = planImages(
    containers,
    withImage ? { kind: 'tag', tag: 'v2', containers: containers.map((one) => one.name) } : { kind: 'none', containers: [] },
  );
  if (images.kind === 'problem') throw new Error(images.message);
  return planOf({
    images: images.images,
    configuration: [...variables.fields, ...maps.fields],
    changeCause: { from: undefined, to: 'image web:v2' },
    sleepBeforeStop: false,
  });
}

describe('promotion and reversion', () => {
  test('put every template back byte by byte, and judge what they promote', () => {
    fc.assert(
      fc.property(anyTemplate, requests, fc.boolean(), fc.boolean(), (template, wanted, withImage, annotated) => {
        const before = deployment(template, annotated ? { owner: 'team-a' } : undefined);
        const plan = planned(template, wanted, withImage);
        const states = (object: RawDeployment | undefined) => fieldStates(plan.configuration ?? [], object?.spec?.template ?? {});
        const hashOf = (object: RawDeployment | undefined) =>
          templateHash(
            object?.spec?.template ?? {},
            plan.images.map((image) => image.container),
            plan.configuration,
          );

        const after = patched(before, promotionPatch(before, plan, jobUid));
        expect(after?.metadata?.annotations?.[cause]).toBe('image web:v2');
        expect(states(before)).toEqual(plan.configuration?.map(() => 'from'));
        expect(states(after)).toEqual(plan.configuration?.map(() => 'to'));
        expect(hashOf(after)).toBe(hashOf(before));
        const { metadata: _, spec } = canaryManifest(plan, before, 1, jobUid).spec?.template ?? {};
        expect(spec).toEqual(after?.spec?.template.spec);

        const back = after === undefined ? undefined : patched(after, reversionPatch(after, plan, jobUid));
        expect(JSON.stringify(back?.spec)).toBe(JSON.stringify(before.spec));
        expect(back?.metadata?.annotations ?? {}).toEqual(before.metadata?.annotations ?? {});
        expect(states(back)).toEqual(states(before));
      }),
    );
  });

  const app: Containers = [
    { name: 'app', image: 'shop/web:v1', env: [{ name: 'MODE', value: 'a' }], envFrom: [{ configMapRef: { name: 'web' } }] },
  ];
  const volumes = [{ name: 'config', configMap: { name: 'web-bbbbbbbbbb' } }];
  const before = deployment({ spec: { containers: app, volumes } }, { [cause]: 'by hand' });
  const plan = {
    ...planned(before.spec?.template ?? {}, [{ container: 'app', name: 'MODE', value: 'b' }], true),
    changeCause: { from: 'by hand', to: 'image web:v2' },
  };
  const changed = (
    change: (copy: {
      metadata: { annotations: Record<string, string>; labels: Record<string, string> };
      spec: { template: { spec: { containers: Record<string, unknown>[] } } };
    }) => void,
  ) => {
    const copy = structuredClone(before);
    change(copy as never);
    return copy;
  };

  test.each([
    [
      'a variable that somebody has changed',
      changed(({ spec }) => {
        (spec.template.spec.containers[0] as { env: { value: string }[] }).env[0] = { value: 'c' };
      }),
    ],
    [
      'containers that somebody has reordered',
      changed(({ spec }) => {
        spec.template.spec.containers.unshift({ name: 'new' });
      }),
    ],
    [
      'the fence of another',
      changed(({ metadata }) => {
        metadata.labels[rolloutLabel] = 'job-2';
      }),
    ],
  ])('refuse %s', (_title, now) => {
    expect(patched(now, promotionPatch(before, plan, jobUid))).toBeUndefined();
    expect(patched(now, reversionPatch(before, plan, jobUid))).toBeUndefined();
  });

  test('leave alone a change-cause that somebody else has written meanwhile', () => {
    const now = changed(({ metadata }) => {
      metadata.annotations[cause] = 'mine';
    });
    const after = patched(now, promotionPatch(now, plan, jobUid));
    expect(after?.metadata?.annotations?.[cause]).toBe('mine');
    const back = after && patched(after, reversionPatch(after, plan, jobUid));
    expect(back).toEqual(now);
  });

  test('a value that stands in another container is not ours', () => {
    const now = changed(({ spec }) => {
      spec.template.spec.containers.unshift({ ...spec.template.spec.containers[0], name: 'other' });
    });
    expect(fieldStates(plan.configuration ?? [], now.spec?.template ?? {})).toEqual(['other', 'other', 'from']);
  });

  test('a plan without configuration writes what it always has', () => {
    const old = planOf();
    expect(promotionPatch(before, old, jobUid).map(({ op, path }) => `${op} ${path}`)).toEqual([
      'test /metadata/labels/gated-rollout.github.io~1rollout',
      'test /spec/template',
      'test /spec/template/spec/containers/0/name',
      'test /spec/template/spec/containers/0/image',
      'replace /spec/template/spec/containers/0/image',
    ]);
  });
});

import { describe, type ExpectStatic, test } from 'vitest';
import { annotationsOf, answersOf, configured, manifest, quick, referencesOf, templateOf, versions } from './configured.ts';
import { expectGolden, expectSafe } from './golden.ts';
import { isWrite } from './requests.ts';
import { imagesOf, namespace } from './scene.ts';
import { openStage, type Performance, type Stage } from './stage.ts';

const cause = 'kubernetes.io/change-cause';

function expectResult(expect: ExpectStatic, done: Performance, result: string): void {
  expectSafe(expect, done);
  expect(done.result.outputs['result'], done.result.log.map(({ line }) => line).join('\n')).toBe(result);
}

describe.concurrent('configuration', () => {
  test.concurrent('goes out with the image, in one patch, and is what answers', async ({ expect }) => {
    await using stage = await openStage(configured);
    const done = await stage.run(
      { ...quick, env: 'MODE=hunter-two\nEXTRA=1', 'config-maps': 'conf/web.yaml' },
      { files: { 'conf/web.yaml': manifest('map-2') } },
    );
    await expectGolden(expect, 'configuration', done);
    const said = [...done.result.log.map(({ line }) => line), done.result.summary, JSON.stringify(done.result.outputs)].join('\n');
    expect(said).not.toContain('hunter-two');
    const [version] = versions(stage.sandbox);
    expect(stage.left()).toEqual([`ConfigMap ${version}`]);
    expect(referencesOf(stage.sandbox)).toEqual([version, version, version]);
    expect(templateOf(stage.sandbox)?.containers[0]?.env).toEqual([
      { name: 'MODE', value: 'hunter-two' },
      { name: 'EXTRA', value: '1' },
    ]);
    const map = stage.sandbox.get('configmaps', namespace, version ?? '');
    expect(map).toMatchObject({
      immutable: true,
      data: { VERSION: 'map-2' },
      metadata: { ownerReferences: [{ kind: 'Deployment', name: 'web' }] },
    });
    expect(answersOf(stage)).toEqual(['map-2']);
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('is a release of its own; what no ReplicaSet refers to goes; the same again is unchanged', async ({ expect }) => {
    await using stage = await openStage(configured);
    const release = (version: string) =>
      stage.run({ ...quick, tag: '', 'config-maps': 'web.yaml' }, { files: { 'web.yaml': manifest(version) } });
    for (const version of ['map-2', 'map-3', 'map-4']) {
      expectResult(expect, await release(version), 'promoted');
      expect(answersOf(stage)).toEqual([version]);
    }
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    // One for the template, one for the only ReplicaSet that the history keeps, and one that the history has let go since the last look.
    expect(versions(stage.sandbox).length).toBeLessThanOrEqual(3);
    expectResult(expect, await release('map-2'), 'promoted');
    expect(versions(stage.sandbox).length).toBeLessThanOrEqual(3);
    expect(answersOf(stage)).toEqual(['map-2']);
    const again = await release('map-2');
    expectResult(expect, again, 'unchanged');
    expect(again.requests.filter(isWrite)).toEqual([]);
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('of a bad image is taken back with it', async ({ expect }) => {
    await using stage = await openStage(configured);
    const before = JSON.stringify(templateOf(stage.sandbox));
    const done = await stage.run(
      { ...quick, tag: 'crash', env: 'MODE=b', 'config-maps': 'web=conf' },
      { files: { 'conf/VERSION': 'map-2', 'conf/logo.bin': new Uint8Array([0xff, 0xfe, 0]) } },
    );
    expectResult(expect, done, 'rolled-back');
    expect(stage.left()).toEqual([]);
    expect(JSON.stringify(templateOf(stage.sandbox))).toBe(before);
    expect(annotationsOf(stage.sandbox)[cause]).toBeUndefined();
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('is put back where the promotion fails, in the same patch', async ({ expect }) => {
    await using stage = await openStage(configured);
    const before = JSON.stringify(templateOf(stage.sandbox));
    const action = stage.start({ ...quick, env: 'MODE=b', 'config-maps': 'web=conf' }, { files: { 'conf/VERSION': 'map-2' } });
    await stage.until('the promotion is there', () => imagesOf(stage.sandbox)[0] === 'shop/web:v2');
    action.kill('SIGINT');
    const result = await action.done;
    expect(result.outputs['result']).toBe('rolled-back');
    expect(JSON.stringify(templateOf(stage.sandbox))).toBe(before);
    expect(annotationsOf(stage.sandbox)[cause]).toBeUndefined();
    expect(answersOf(stage)).toEqual(['by-hand']);
    // The ReplicaSet of the release is in the history, and refers to its ConfigMap.
    expect(stage.left().map((left) => left.replace(/-[0-9a-f]{10}$/u, ''))).toEqual(['ConfigMap web']);
    expect(stage.broken()).toEqual([]);
  });

  test.concurrent('waits for nobody whose ConfigMap is gone', async ({ expect }) => {
    await using stage = await openStage(configured);
    const action = stage.start({ ...quick, steps: '50% for 20s', 'config-maps': 'web=conf' }, { files: { 'conf/VERSION': 'map-2' } });
    await stage.until('a canary serves', () => stage.sandbox.get('deployments', namespace, 'web-canary')?.status?.availableReplicas === 4);
    const [version = ''] = versions(stage.sandbox);
    stage.sandbox.remove('configmaps', namespace, version);
    const result = await action.done;
    expect([result.outputs['result'], result.outputs['reason']]).toEqual(['rolled-back', 'changed-by-others']);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });
});

describe.concurrent('the note for kubectl rollout history', () => {
  test.concurrent('says image, commit, run and actor, on the Deployment and on its ReplicaSet', async ({ expect }) => {
    await using stage = await openStage();
    expectResult(expect, await stage.run(quick), 'promoted');
    const text = annotationsOf(stage.sandbox)[cause];
    expect(text).toMatch(/^image web:v2, commit 0123456, run https:\/\/github\.com\/acme\/shop\/actions\/runs\/\d+, by octocat$/u);
    const sets = stage.sandbox.list('replicasets', namespace).map(({ metadata }) => metadata.annotations?.[cause]);
    expect(sets).toEqual(expect.arrayContaining([undefined, text]));
  });

  test.concurrent('may be a text of one line, and a rollback puts the one before back', async ({ expect }) => {
    await using stage = await openStage();
    expectResult(expect, await stage.run({ ...quick, 'change-cause': 'first\nof all' }), 'promoted');
    expect(annotationsOf(stage.sandbox)[cause]).toBe('first of all');
    const action = stage.start({ ...quick, tag: 'v1', 'change-cause': 'second' });
    await stage.until('the promotion is there', () => annotationsOf(stage.sandbox)[cause] === 'second');
    action.kill('SIGINT');
    await action.done;
    expect(annotationsOf(stage.sandbox)[cause]).toBe('first of all');
    expect(stage.left()).toEqual([]);
  });
});

describe.concurrent('is refused before any write', () => {
  const foreign = async (stage: Stage): Promise<string> => {
    const plan = await stage.run({ ...quick, command: 'plan', 'config-maps': 'web.yaml' }, { files: { 'web.yaml': manifest('map-2') } });
    const name = /web-[0-9a-f]{10}/u.exec(plan.result.log.map(({ line }) => line).join('\n'))?.[0] ?? '';
    stage.sandbox.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { VERSION: 'map-2' } });
    return name;
  };

  test.concurrent.for<[string, Record<string, string>, Record<string, string>, string, string]>([
    ['a file that is not there', { 'config-maps': 'web.yaml' }, {}, 'inputs-invalid', 'no such file'],
    ['a file outside of the workspace', { 'config-maps': 'web=../event.json' }, {}, 'inputs-invalid', 'outside of the workspace'],
    ['a manifest of another kind', { 'config-maps': 'a.yaml' }, { 'a.yaml': 'kind: Secret\napiVersion: v1' }, 'inputs-invalid', 'Secret'],
    ['a ConfigMap that nothing refers to', { 'config-maps': 'other=a' }, { a: 'x' }, 'configuration-refused', 'no ConfigMap other'],
    ['a variable that is no literal', { env: 'POD=x' }, {}, 'configuration-refused', 'no literal'],
    ['a container that is not there', { env: 'ap:MODE=x' }, {}, 'configuration-refused', 'no container ap'],
  ])('%s', async ([, inputs, files, reason, words], { expect }) => {
    const containers = ((configured.pod?.['containers'] ?? []) as readonly Record<string, unknown>[]).map((container) => ({
      ...container,
      env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    }));
    await using stage = await openStage({ ...configured, pod: { ...configured.pod, containers } });
    const done = await stage.run({ ...quick, ...inputs }, { files });
    expectResult(expect, done, 'refused');
    expect(done.result.outputs['reason']).toBe(reason);
    expect(done.result.log.map(({ line }) => line).join('\n')).toContain(words);
    expect(done.requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent("somebody else's ConfigMap of that name", async ({ expect }) => {
    await using stage = await openStage(configured);
    const name = await foreign(stage);
    const done = await stage.run({ ...quick, 'config-maps': 'web.yaml' }, { files: { 'web.yaml': manifest('map-2') } });
    expectResult(expect, done, 'refused');
    expect(done.result.outputs['reason']).toBe('foreign-object');
    expect(done.result.log.map(({ line }) => line).join('\n')).toContain(`The ConfigMap ${name} is not ours`);
  });

  test.concurrent('without the permissions, and says which', async ({ expect }) => {
    const rules = [
      { apiGroups: [''], resources: ['pods', 'events', 'services', 'pods/log'], verbs: ['*'] },
      { apiGroups: ['apps', 'batch'], resources: ['*'], verbs: ['*'] },
    ];
    await using stage = await openStage({ ...configured, identity: { user: 'ci', roles: [{ namespace, rules }] } });
    const done = await stage.run({ ...quick, 'config-maps': 'web=a' }, { files: { a: 'x' } });
    expectResult(expect, done, 'refused');
    const text = done.result.log.map(({ line }) => line).join('\n');
    for (const verb of ['create', 'get', 'list', 'patch']) expect(text).toContain(`- ${verb} configmaps in namespace shop`);
  });
});

import { describe, test, vi } from 'vitest';
import type { ApiRequest, ApiResponse } from '../../sandbox/sandbox.ts';
import type { RequestFault } from '../../sandbox/serve.ts';
import { deploymentManifest, imagesOf, isComplete, namespace, pairSpec, secondManifest } from './scene.ts';
import { inPhase, openStage, refusal, type Stage, type StageOptions } from './stage.ts';

vi.setConfig({ maxConcurrency: 6 });

type Template = { readonly spec: { readonly template: { readonly spec: { readonly containers: readonly object[] } } } };

/** The pods of the scene, with a port that is called `metrics`. */
const announced = (() => {
  const [app] = (deploymentManifest() as unknown as Template).spec.template.spec.containers;
  return { pod: { containers: [{ ...app, ports: [{ name: 'metrics', containerPort: 8080 }] }] } };
})();
const pair: StageOptions = (() => {
  const half = (set: string) => {
    const { selector, template } = pairSpec(set) as { readonly selector: object; readonly template: { readonly spec: object } };
    return { spec: { selector, template: { ...template, spec: { ...template.spec, ...announced.pod } } } };
  };
  return {
    ...half('a'),
    prepare: (sandbox) => sandbox.apply({ ...secondManifest(), spec: { ...(secondManifest()['spec'] as object), ...half('b').spec } }),
  };
})();

const text = (body: string): ApiResponse => ({
  status: 200,
  headers: { 'content-type': 'text/plain', date: new Date().toUTCString() },
  body,
});
type Fault = () => RequestFault | ApiResponse;
const faults: Readonly<Record<string, Fault>> = {
  'takes too long': () => ({ delayMs: 1_500 }),
  'is not found': () => refusal(404, 'NotFound', 'the server could not find the requested resource'),
  'fails with 500': () => refusal(500, 'InternalError', 'boom'),
  'is no page of metrics': () => text('<html>welcome</html>\n'),
  'is cut off': () => text('http_requests_total{code="200"} 12'),
  'closes the connection': () => 'drop-before',
};

function podsOf({ sandbox }: Stage): ReadonlySet<string> {
  return new Set(sandbox.list('pods', namespace).map(({ metadata }) => metadata.name));
}

/** From now on one pod of the new version does not answer with its metrics: the first one of its own that is asked. Gives its name. */
function silenceOne(stage: Stage, old: ReadonlySet<string>, isNew: RegExp, fault: Fault): () => string {
  let silent = '';
  stage.onRequest(({ path }: ApiRequest) => {
    const pod = /\/pods\/([^/:]+):8080\/proxy\//.exec(path)?.[1];
    if (pod === undefined || old.has(pod) || !isNew.test(pod)) return undefined;
    if (silent === '') silent = pod;
    return pod === silent ? fault() : undefined;
  });
  return () => silent;
}

const metrics = { prometheus: '', metrics: 'pods', timeout: '40s' };
const direct = { ...metrics, steps: '', 'max-error-rate': '5%' };
const own = /^web-(?!canary-|green-|v2-)/;
const releases: Readonly<Record<string, readonly [StageOptions, Readonly<Record<string, string>>, RegExp, phase?: string]>> = {
  'the last step of a canary': [announced, { ...metrics, steps: '50%' }, /^web-canary-/],
  'the bake after a canary': [announced, { ...metrics, steps: '50%', bake: '1s' }, own],
  rolling: [announced, { ...direct, strategy: 'rolling' }, own],
  recreate: [{ ...announced, spec: { strategy: { type: 'Recreate' } } }, { ...direct, strategy: 'recreate' }, own],
  'blue-green before the flip': [announced, { ...direct, strategy: 'blue-green' }, /^web-green-/],
  'blue-green under real traffic': [announced, { ...direct, strategy: 'blue-green' }, /^web-green-/, 'live'],
  'a pair': [pair, { ...metrics, 'canary-deployment': 'web-v2', steps: '50%' }, /^web-v2-/],
};

const rows = [
  ...Object.keys(releases).map((release) => [release, 'fails with 500'] as const),
  ...Object.keys(faults).map((fault) => ['the bake after a canary', fault] as const),
].filter((row, index, all) => all.findIndex(([release, fault]) => release === row[0] && fault === row[1]) === index);

describe.concurrent('a ready pod of the new version whose own metrics are missing: nothing passes without it', () => {
  test.concurrent.for(rows)('%s: it %s', async ([release, fault], { expect }) => {
    const [options, inputs, isNew, phase] = releases[release] ?? [{}, {}, /^$/];
    await using stage = await openStage(options);
    const old = podsOf(stage);
    const action = stage.start(inputs);
    if (phase !== undefined) await inPhase(stage, phase);
    const silent = silenceOne(stage, old, isNew, faults[fault] ?? (() => 'none'));
    const result = await action.done;
    const log = result.log.map(({ line }) => line).join('\n');
    expect(silent(), log).not.toBe('');
    expect(result.outputs, log).toMatchObject({ result: 'inconclusive', reason: 'metrics-unavailable' });
    expect(log).toMatch(new RegExp(`1 of \\d .*do not answer with their metrics: ${silent()}`));
    stage.onRequest(() => undefined);
    expect(stage.left()).toEqual([]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
  });

  test.concurrent('a pod that answers only now and then is no hindrance', async ({ expect }) => {
    await using stage = await openStage(announced);
    let asked = 0;
    silenceOne(stage, podsOf(stage), own, () => (asked++ % 2 === 0 ? refusal(500, 'InternalError', 'boom') : 'none'));
    const { result } = await stage.run({ ...metrics, timeout: '60s', steps: '50%', bake: '1s' });
    expect(result.outputs, result.log.map(({ line }) => line).join('\n')).toMatchObject({ result: 'promoted', reason: 'gates-passed' });
    expect(asked).toBeGreaterThan(1);
  });
});

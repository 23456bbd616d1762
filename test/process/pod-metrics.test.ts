import { describe, test } from 'vitest';
import { expectGolden } from './golden.ts';
import { isWrite } from './requests.ts';
import { deploymentManifest, imagesOf } from './scene.ts';
import { openStage } from './stage.ts';

/** The pods of the scene, with a port that is called `metrics`. */
const announced = (() => {
  const manifest = deploymentManifest() as { spec: { template: { spec: { containers: readonly object[] } } } };
  const [app] = manifest.spec.template.spec.containers;
  return { pod: { containers: [{ ...app, ports: [{ name: 'metrics', containerPort: 8080 }] }] } };
})();
const without = { prometheus: '' };
const pagesOf = (requests: readonly { readonly path: string }[]) => requests.filter(({ path }) => path.endsWith(':8080/proxy/metrics'));

describe.concurrent('the metrics of the pods themselves', () => {
  test.concurrent('metrics: pods, a good image: promoted', async ({ expect }) => {
    await using stage = await openStage(announced);
    const done = await stage.run({ ...without, metrics: 'pods' });
    await expectGolden(expect, 'pods-good', done);
    expect(done.result.outputs).toMatchObject({ result: 'promoted', 'judged-by': 'metrics' });
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('metrics: pods, a bad image: rolled back', async ({ expect }) => {
    await using stage = await openStage(announced);
    const done = await stage.run({ ...without, metrics: 'pods', tag: 'errors' });
    await expectGolden(expect, 'pods-errors', done);
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back', reason: 'metrics-failed' });
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('auto without Prometheus finds them by itself, and says so', async ({ expect }) => {
    await using stage = await openStage(announced);
    const done = await stage.run({ ...without, tag: 'errors' });
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back', reason: 'metrics-failed', 'judged-by': 'metrics' });
    expect(done.result.log.map(({ line }) => line).join('\n')).toContain('the metrics of the pods themselves judge');
  });

  test.concurrent('auto without the permission: readiness, and one warning says why', async ({ expect }) => {
    await using stage = await openStage(announced);
    stage.onRequest(({ path }) => (path.includes('/proxy/') ? forbidden : undefined));
    const done = await stage.run(without);
    expect(done.result.outputs).toMatchObject({ result: 'promoted', 'judged-by': 'readiness' });
    const warnings = done.result.annotations.filter(({ level }) => level === 'warning');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toContain('pods/proxy is forbidden');
  });

  test.concurrent('auto with too little traffic: readiness, and one warning says why', async ({ expect }) => {
    await using stage = await openStage({ ...announced, ratePerSecond: 1 });
    const done = await stage.run({ ...without, timeout: '1m' });
    expect(done.result.outputs).toMatchObject({ result: 'promoted', 'judged-by': 'readiness' });
    expect(done.result.annotations.find(({ level }) => level === 'warning')?.message).toContain('too little traffic for a verdict');
  });

  test.concurrent('metrics: pods where no pod announces a port: refused, and nothing is asked of the pods', async ({ expect }) => {
    await using stage = await openStage();
    const done = await stage.run({ ...without, metrics: 'pods' });
    await expectGolden(expect, 'pods-silent', done);
    expect(done.requests.filter(isWrite)).toEqual([]);
    expect(pagesOf(done.requests)).toEqual([]);
  });

  test.concurrent('a preset that is not there: refused, with what was looked for', async ({ expect }) => {
    await using stage = await openStage(announced);
    const done = await stage.run({ ...without, metrics: 'istio' });
    expect(done.result.outputs).toMatchObject({ result: 'refused', reason: 'metrics-empty' });
    expect(done.result.log.map(({ line }) => line).join('\n')).toContain(
      'Looked for, in this order: istio_requests_total by response_code',
    );
    expect(done.requests.filter(isWrite)).toEqual([]);
  });

  test.concurrent('a canary pod that never answers: nothing passes without it', async ({ expect }) => {
    await using stage = await openStage(announced);
    const asked: string[] = [];
    stage.onRequest(({ path }) => {
      const pod = /pods\/(web-canary-[^:]+):8080\/proxy/.exec(path)?.[1];
      if (pod !== undefined && asked.length === 0) asked.push(pod);
      return pod !== undefined && pod === asked[0] ? { ...forbidden, status: 503, body: 'connection refused' } : undefined;
    });
    const done = await stage.run({ ...without, metrics: 'pods', timeout: '15s', steps: '50%' });
    expect(done.result.outputs).toMatchObject({ result: 'inconclusive', reason: 'metrics-unavailable' });
    expect(done.result.log.map(({ line }) => line).join('\n')).toContain('the others pass, but 1 of 4 canary pods do not answer');
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('pods that stop answering in the middle: no verdict, rolled back', async ({ expect }) => {
    await using stage = await openStage(announced);
    const action = stage.run({ ...without, metrics: 'pods', timeout: '15s', steps: '50%', 'min-duration': '10s' });
    await stage.until('the canary is read', () => pagesOf(stage.served.requests()).some(({ path }) => path.includes('web-canary')));
    stage.onRequest(({ path }) => (path.includes('/proxy/') ? { ...forbidden, status: 503, body: 'connection refused' } : undefined));
    const done = await action;
    expect(done.result.outputs['result']).toBe('inconclusive');
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
    expect(stage.left()).toEqual([]);
  });
});

const forbidden = {
  status: 403,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'Forbidden', message: 'pods/proxy is forbidden', code: 403 }),
};

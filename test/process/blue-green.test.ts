import { describe, test } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { namesFor } from '../../src/rollout/names.ts';
import { permissionsFor } from '../../src/rollout/plan/permissions.ts';
import { expectSafe } from './golden.ts';
import { isWrite } from './requests.ts';
import { deploymentManifest, imagesOf, isComplete, namespace, serviceManifest } from './scene.ts';
import { openStage, refusal, type Stage } from './stage.ts';

const secondService = {
  ...serviceManifest(),
  metadata: { name: 'admin', namespace },
};

/** The same Deployment over pods of its own. */
function coloured(manifest: object): object {
  return JSON.parse(JSON.stringify(manifest).replaceAll('"app":"web"', '"app":"other"')) as object;
}

const blueGreen = { strategy: 'blue-green', steps: '', 'min-duration': '2s' };

function selectorOf(stage: Stage, service = 'web'): unknown {
  return stage.sandbox.get('services', namespace, service)?.spec.selector;
}

describe.concurrent('blue-green', () => {
  test.concurrent('a good image: served by green, then by the Deployment again, and nothing of ours is left', async ({ expect }) => {
    await using stage = await openStage();
    const colours = new Set<string>();
    stage.sandbox.watch(({ resource, object }) => {
      if (resource === 'services' && object.metadata.name === 'web') colours.add(JSON.stringify(selectorOf(stage)));
    });
    const { result } = await stage.run(blueGreen);
    expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('promoted');
    expectSafe(expect, { result, requests: [] });
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect([...colours]).toEqual(['{"app":"web"}', '{"app":"web-green"}']);
    expect(selectorOf(stage)).toEqual({ app: 'web' });
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
    expect(isComplete(stage.sandbox, 'web')).toBe(true);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('by readiness alone', async ({ expect }) => {
    await using stage = await openStage();
    const { result } = await stage.run({ ...blueGreen, prometheus: '', metrics: 'none' });
    expect(result.outputs['result']).toBe('promoted');
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('an image that answers with errors goes back, and the Deployment is never touched', async ({ expect }) => {
    await using stage = await openStage();
    const { result } = await stage.run({ ...blueGreen, tag: 'errors' });
    expect([result.outputs['result'], result.outputs['reason']]).toEqual(['rolled-back', 'metrics-failed']);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(selectorOf(stage)).toEqual({ app: 'web' });
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent.for(['crash', 'never-ready'])('an image that is %s gets no traffic', async (tag, { expect }) => {
    await using stage = await openStage();
    const { result } = await stage.run({ ...blueGreen, tag, 'ready-timeout': '5s' });
    expect(result.outputs['result']).toBe('rolled-back');
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(selectorOf(stage)).toEqual({ app: 'web' });
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('an image whose every answer after the fifth is 500 goes back', async ({ expect }) => {
    await using stage = await openStage({
      images: { 'shop/web:late': { startMs: 200, readyMs: 100, version: 'late', failAfterRequests: 60 } },
    });
    const { result } = await stage.run({ ...blueGreen, tag: 'late' });
    expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('rolled-back');
    expect(stage.left()).toEqual([]);
    expect(stage.broken().filter((broken) => !broken.startsWith('I8'))).toEqual([]);
    expect(selectorOf(stage)).toEqual({ app: 'web' });
  });

  test.concurrent('two Services flip together and come back together', async ({ expect }) => {
    await using stage = await openStage({ prepare: (sandbox) => void sandbox.apply(secondService) });
    const { result } = await stage.run({ ...blueGreen, prometheus: '', metrics: 'none' });
    expect(result.outputs['result']).toBe('promoted');
    expect(stage.left()).toEqual([]);
    expect([selectorOf(stage), selectorOf(stage, 'admin')]).toEqual([{ app: 'web' }, { app: 'web' }]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('where one of two Services cannot be flipped, the other goes back', async ({ expect }) => {
    await using stage = await openStage({ prepare: (sandbox) => void sandbox.apply(secondService) });
    stage.onRequest((request) => {
      const flips =
        request.method === 'PATCH' && request.path.endsWith('/services/web') && (request.body ?? '').includes('"value":"web-green"');
      return flips && request.query?.['dryRun'] === undefined ? refusal(403, 'Forbidden', 'a policy says no') : undefined;
    });
    const { result } = await stage.run({ ...blueGreen, prometheus: '', metrics: 'none' });
    expect([result.outputs['result'], result.outputs['reason']]).toEqual(['rolled-back', 'write-refused']);
    expect(stage.left()).toEqual([]);
    expect([selectorOf(stage), selectorOf(stage, 'admin')]).toEqual([{ app: 'web' }, { app: 'web' }]);
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v1']);
  });

  test.concurrent('somebody who changes the Service while green serves keeps their change', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start({ ...blueGreen, prometheus: '', metrics: 'none', bake: '20s' });
    await stage.until('the Service leads to green', () => JSON.stringify(selectorOf(stage)) === '{"app":"web-green"}');
    const service = stage.sandbox.get('services', namespace, 'web');
    if (service !== undefined) stage.sandbox.put('services', { ...service, spec: { ...service.spec, selector: { app: 'maintenance' } } });
    const result = await action.done;
    expect([result.outputs['result'], result.outputs['reason']]).toEqual(['rolled-back', 'changed-by-others']);
    expect(selectorOf(stage)).toEqual({ app: 'maintenance' });
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('a green that serves without its record is taken back by the next run', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start({ ...blueGreen, prometheus: '', metrics: 'none', bake: '40s' }, { skipPost: true });
    await stage.until('the Service leads to green', () => JSON.stringify(selectorOf(stage)) === '{"app":"web-green"}');
    action.kill('SIGKILL');
    await action.done;
    stage.sandbox.remove('jobs', namespace, 'web-rollout');
    stage.sandbox.advance(5_000);
    const { result } = await stage.run({ ...blueGreen, prometheus: '', metrics: 'none' });
    expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('promoted');
    expect(result.log.map(({ line }) => line).join('\n')).toContain('the earlier release was finished first: rolled-back');
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(selectorOf(stage)).toEqual({ app: 'web' });
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });
});

describe.concurrent('the smoke test', () => {
  const quick = { ...blueGreen, prometheus: '', metrics: 'none' };

  test.concurrent('reaches green alone, and sees no credentials', async ({ expect }) => {
    await using stage = await openStage();
    const command = [
      'set -e',
      'test "$PREVIEW_SERVICE" = web-preview -a "$PREVIEW_NAMESPACE" = shop -a "$PREVIEW_PORT" = 80',
      'test -z "$(env | grep -E "^(INPUT_|STATE_|KUBECONFIG)")"',
      'for i in 1 2 3; do test "$(curl -sf "$PREVIEW_URL/hello?x=1")" = v2; done',
      'test "$(curl -s --path-as-is -o /dev/null -w "%{http_code}" "$PREVIEW_URL/../../../../namespaces/shop/secrets")" = 200',
    ].join('\n');
    const { result, requests } = await stage.run({ ...quick, 'smoke-test': command });
    expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('promoted');
    const proxied = requests.filter(({ path }) => path.includes('/proxy/')).map(({ path }) => path.split('/proxy')[1]);
    expect(new Set(proxied)).toEqual(new Set(['/hello', '/namespaces/shop/secrets']));
    expect(stage.left()).toEqual([]);
  });

  test.concurrent.for<readonly [string, string, string, string]>([
    ['fails', 'echo broken ::error::not a command; exit 3', 'rolled-back', 'smoke-test-failed'],
    ['does not end', 'echo waiting; sleep 60', 'inconclusive', 'smoke-test-unknown'],
    ['is killed', 'kill -9 $$', 'inconclusive', 'smoke-test-unknown'],
  ])('that %s: no request ever reaches green', async ([, command, wanted, reason], { expect }) => {
    await using stage = await openStage();
    const { result } = await stage.run({ ...quick, 'smoke-test': command, 'ready-timeout': '4s' });
    expect([result.outputs['result'], result.outputs['reason']]).toEqual([wanted, reason]);
    expect(result.annotations.filter(({ message }) => message.includes('not a command'))).toEqual([]);
    expect(stage.left()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().byVersion['v2']).toBeUndefined();
  });
});

describe.concurrent('blue-green is refused', () => {
  const stranger = deploymentManifest({}) as { metadata: object };
  test.concurrent.for<readonly [string, (sandbox: Sandbox) => void, string]>([
    ['without a Service', (sandbox) => sandbox.remove('services', namespace, 'web'), 'no Service leads to its pods'],
    [
      'by a Service without a selector',
      (sandbox) => void sandbox.apply({ ...serviceManifest(), spec: { ports: [{ port: 80 }] } }),
      'has no selector',
    ],
    [
      'where another Deployment is behind the same Service',
      (sandbox) => void sandbox.apply({ ...stranger, metadata: { name: 'cart', namespace } }),
      'leads to pods of others too',
    ],
    [
      'by a foreign Deployment of the name',
      (sandbox) => void sandbox.apply({ ...coloured(stranger), metadata: { name: 'web-green', namespace } }),
      'is not ours',
    ],
  ])('%s, before anything is written', async ([, prepare, says], { expect }) => {
    await using stage = await openStage({ prepare });
    const { result, requests } = await stage.run({ ...blueGreen, prometheus: '', metrics: 'none' });
    expect(result.outputs['result']).toBe('refused');
    expect(result.log.map(({ line }) => line).join('\n')).toContain(says);
    expect(requests.filter(isWrite)).toEqual([]);
  });
});

describe.concurrent('what stands beside blue-green', () => {
  test.concurrent('the plan warns of what scales, protects and limits', async ({ expect }) => {
    const prepare = (sandbox: Sandbox): void => {
      for (const [apiVersion, kind, spec] of [
        ['policy/v1', 'PodDisruptionBudget', { minAvailable: 3, selector: { matchLabels: { app: 'web' } } }],
        [
          'autoscaling/v2',
          'HorizontalPodAutoscaler',
          { maxReplicas: 9, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
        ],
        ['networking.k8s.io/v1', 'NetworkPolicy', { podSelector: { matchLabels: { app: 'web' } } }],
      ] as const)
        sandbox.apply({ apiVersion, kind, metadata: { name: 'beside', namespace }, spec });
      const hard = { pods: '6' };
      sandbox.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'beside', namespace }, spec: { hard } });
      // The API server takes no status at creation: its quota controller counts.
      const quota = sandbox.get('resourcequotas', namespace, 'beside');
      if (quota !== undefined) sandbox.put('resourcequotas', { ...quota, status: { hard, used: { pods: '4' } } });
    };
    await using stage = await openStage({ prepare });
    const { result } = await stage.run({ ...blueGreen, command: 'plan', prometheus: '', metrics: 'none' });
    const log = result.log.map(({ line }) => line).join('\n');
    expect(result.outputs['result'], log).toBe('planned');
    expect(log).toContain('PodDisruptionBudget beside selects by the label app');
    expect(log).toContain('NetworkPolicy beside selects by the label app');
    expect(log).toContain('HorizontalPodAutoscaler beside scales web, not green');
    expect(log).toContain('ResourceQuota beside leaves room for 2 of the 4 additional pods (2 of pods left, 4 needed)');
    expect(log).toContain('Service web: selector app: web → web-green');
    expect(log).toContain('pods at the peak: 9');
  });

  test.concurrent('without room for green nobody is led to it', async ({ expect }) => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'small', namespace }, spec: { hard: { pods: '6' } } };
    await using stage = await openStage({ prepare: (sandbox) => void sandbox.apply(quota) });
    const { result } = await stage.run({ ...blueGreen, prometheus: '', metrics: 'none', 'ready-timeout': '5s' });
    expect([result.outputs['result'], result.outputs['reason']]).toEqual(['inconclusive', 'quota']);
    expect(stage.left()).toEqual([]);
    expect(stage.broken()).toEqual([]);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('an autoscaler that shrinks the idle Deployment does not hurry the way back', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.start({ ...blueGreen, prometheus: '', metrics: 'none', bake: '3s' });
    await stage.until('the Service leads to green', () => JSON.stringify(selectorOf(stage)) === '{"app":"web-green"}');
    const scale = (replicas: number): void => {
      const found = stage.sandbox.get('deployments', namespace, 'web');
      if (found !== undefined) stage.sandbox.apply({ ...found, spec: { ...found.spec, replicas } });
    };
    scale(2);
    const result = await action.done;
    expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('promoted');
    expect(stage.left()).toEqual([]);
    expect(stage.sandbox.get('deployments', namespace, 'web')?.spec.replicas).toBe(2);
    expect(stage.sandbox.traffic.clientStats().failed).toBe(0);
  });

  test.concurrent('the printed Role is enough', async ({ expect }) => {
    const needs = {
      namespace,
      deployment: 'web',
      names: namesFor('web'),
      logs: false,
      claims: [],
      proxied: undefined,
      strategy: 'blue-green' as const,
      flipped: ['web'],
      previewed: 'web-preview:80',
    };
    const rules = permissionsFor(needs).map(({ group, resource, verb, name }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs: [verb],
      ...(name === undefined ? {} : { resourceNames: [name] }),
    }));
    await using stage = await openStage({ identity: { user: 'ci', roles: [{ namespace, rules }] } });
    const inputs = { ...blueGreen, prometheus: '', metrics: 'none', evidence: 'events', 'smoke-test': 'curl -fsS "$PREVIEW_URL/"' };
    const { result } = await stage.run(inputs);
    expect(result.outputs['result'], result.log.map(({ line }) => line).join('\n')).toBe('promoted');
    expect(stage.left()).toEqual([]);
  });
});

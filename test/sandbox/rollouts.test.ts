import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { advanceUntil, DEPLOYMENTS, deployment, merge, patch, sandboxWith, send, service } from './scene.ts';

const IMAGE = '/spec/template/spec/containers/0/image';
const FENCE = '/metadata/labels/gated-rollout.github.io~1rollout';
const READINESS = { readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 } };

function started(options: Parameters<typeof sandboxWith>[0], ...args: Parameters<typeof deployment>): Sandbox {
  const sandbox = sandboxWith(options);
  sandbox.apply(deployment(...args));
  sandbox.advance(5_000);
  return sandbox;
}

const setImage = (image: string) => [{ op: 'replace', path: IMAGE, value: image }];
const web = (sandbox: Sandbox) => sandbox.get('deployments', 'shop', 'web');
const states = (sandbox: Sandbox) => sandbox.list('pods').map((pod) => pod.status?.containerStatuses?.[0]);

describe('a rolling update', () => {
  it.each([
    ['1', 0, 4, 5],
    ['25%', '25%', 3, 5],
    [0, 1, 3, 4],
    ['100%', 0, 4, 8],
  ])('with surge %s and unavailable %s stays between %i and %i pods', (maxSurge, maxUnavailable, min, max) => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: maxSurge === '1' ? 1 : maxSurge, maxUnavailable } };
    const sandbox = started({}, 'web', { replicas: 4, strategy }, 'web:v1', READINESS);
    const seen: number[] = [];
    const available: number[] = [];
    sandbox.watch(() => {
      const alive = sandbox.list('pods').filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      seen.push(alive.length);
      available.push(alive.filter((pod) => pod.status?.containerStatuses?.[0]?.ready).length);
    });
    patch(sandbox, `${DEPLOYMENTS}/web`, setImage('web:v2'));
    advanceUntil(
      sandbox,
      () => sandbox.list('pods').length === 4 && states(sandbox).every((status) => status?.image.endsWith('web:v2') && status.ready),
    );
    expect(Math.max(...seen)).toBe(max);
    expect(Math.min(...available)).toBe(min);
  });

  it('misses its progress deadline, and keeps saying so until it has progressed again', () => {
    const sandbox = started({}, 'web', { progressDeadlineSeconds: 5 });
    patch(sandbox, `${DEPLOYMENTS}/web`, setImage('web:none'));
    const reason = () => web(sandbox)?.status?.conditions?.find(({ type }) => type === 'Progressing')?.reason;
    expect(advanceUntil(sandbox, () => reason() === 'ProgressDeadlineExceeded')).toBeGreaterThan(4_000);
    patch(sandbox, `${DEPLOYMENTS}/web`, setImage('web:v1'));
    expect(reason()).toBe('ProgressDeadlineExceeded');
    sandbox.advance(5_000);
    expect(reason()).toBe('NewReplicaSetAvailable');
  });

  it('waits for minReadySeconds before a pod counts as available', () => {
    const sandbox = sandboxWith();
    sandbox.apply(deployment('web', { minReadySeconds: 10 }));
    sandbox.advance(5_000);
    expect(web(sandbox)?.status).toMatchObject({ readyReplicas: 2, unavailableReplicas: 2 });
    sandbox.advance(10_000);
    expect(web(sandbox)?.status?.availableReplicas).toBe(2);
  });

  it('keeps two Deployments with overlapping labels apart', () => {
    const sandbox = started({}, 'web');
    const labels = { app: 'web', track: 'canary' };
    const canary = deployment('web-canary', { replicas: 1, selector: { matchLabels: labels } }) as {
      spec: { template: { metadata: object } };
    };
    canary.spec.template.metadata = { labels };
    sandbox.apply(canary);
    sandbox.advance(5_000);
    expect(sandbox.list('replicasets').map((set) => set.status?.readyReplicas)).toEqual([1, 2]);
  });
});

describe('writes', () => {
  it('counts generations for the spec and annotations, not for labels', () => {
    const sandbox = started({}, 'web');
    const path = `${DEPLOYMENTS}/web`;
    const claim = [
      { op: 'test', path: FENCE, value: null },
      { op: 'add', path: FENCE, value: 'u1' },
    ];
    const generation = () => web(sandbox)?.metadata.generation;
    expect(patch(sandbox, path, claim).status).toBe(200);
    expect(patch(sandbox, path, claim)).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
    expect(generation()).toBe(1);
    merge(sandbox, path, { metadata: { annotations: { a: '1' } } });
    expect(generation()).toBe(2);
    patch(sandbox, path, setImage('web:v2'));
    expect(generation()).toBe(3);
  });

  it("keeps a manager's entry until a patch removes it", () => {
    const sandbox = started({}, 'web');
    const path = `${DEPLOYMENTS}/web`;
    patch(sandbox, path, setImage('web:v2'), { fieldManager: 'us' });
    const managers = () => (web(sandbox)?.metadata.managedFields ?? []).map(({ manager }) => manager);
    const index = managers().indexOf('us');
    expect(index).toBeGreaterThanOrEqual(0);
    patch(
      sandbox,
      path,
      [
        { op: 'test', path: `/metadata/managedFields/${index}/manager`, value: 'us' },
        { op: 'remove', path: `/metadata/managedFields/${index}` },
      ],
      { fieldManager: 'us' },
    );
    expect(managers()).not.toContain('us');
    expect(managers()).toContain('kubectl');
  });

  it('changes nothing in a dry run, nor with an old resourceVersion', () => {
    const sandbox = started({}, 'web');
    const before = web(sandbox);
    expect(patch(sandbox, `${DEPLOYMENTS}/web`, setImage('web:v2'), { dryRun: 'All' }).status).toBe(200);
    expect(merge(sandbox, `${DEPLOYMENTS}/web`, { metadata: { resourceVersion: '1' } })).toMatchObject({
      status: 409,
      body: { reason: 'Conflict' },
    });
    expect(send(sandbox, 'POST', DEPLOYMENTS, deployment('other'), { query: { dryRun: 'All' } }).status).toBe(201);
    expect(web(sandbox)).toBe(before);
    expect(sandbox.list('deployments')).toHaveLength(1);
  });
});

describe('pods that do not live', () => {
  it('backs off from crashes for 10 s, then 20 s', () => {
    const sandbox = sandboxWith();
    sandbox.apply(deployment('web', { replicas: 1 }, 'web:crash'));
    const reason = () => states(sandbox)[0]?.state.waiting?.reason;
    advanceUntil(sandbox, () => reason() === 'CrashLoopBackOff');
    expect(states(sandbox)[0]).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 1, reason: 'Error' } } });
    advanceUntil(sandbox, () => states(sandbox)[0]?.restartCount === 2);
    advanceUntil(sandbox, () => reason() === 'CrashLoopBackOff');
    expect(states(sandbox)[0]?.state.waiting?.message).toMatch(/^back-off 20s restarting/);
    expect(advanceUntil(sandbox, () => states(sandbox)[0]?.restartCount === 3)).toBeGreaterThan(18_000);
  });

  it('cannot pull what is not there, says so in events, and recovers when it comes', () => {
    const sandbox = sandboxWith();
    sandbox.apply(deployment('web', { replicas: 1 }, 'web:none'));
    advanceUntil(sandbox, () => states(sandbox)[0]?.state.waiting?.reason === 'ImagePullBackOff');
    sandbox.advance(60_000);
    const [pod] = sandbox.list('pods');
    const query = { fieldSelector: `involvedObject.uid=${pod?.metadata.uid}` };
    const { items } = send(sandbox, 'GET', '/api/v1/namespaces/shop/events', undefined, { query }).body as unknown as {
      items: { reason: string; message: string; count: number }[];
    };
    const failed = items.filter(({ reason, message }) => reason === 'Failed' && message.startsWith('Failed to pull image "web:none"'));
    expect(failed[0]?.count).toBeGreaterThan(2);
    sandbox.images.set('web:none', {});
    sandbox.advance(90_000);
    expect(states(sandbox)[0]?.ready).toBe(true);
  });

  it('never becomes ready, or stays unscheduled', () => {
    const sandbox = sandboxWith({ images: { 'web:v1': { neverReady: true } } });
    sandbox.apply(deployment('web', { replicas: 1 }, 'web:v1', READINESS));
    sandbox.apply(deployment('big', { replicas: 1 }, 'web:v1', { resources: { requests: { cpu: '500' } } }));
    sandbox.advance(10_000);
    const reasons = sandbox.list('events').map(({ reason, message }) => `${reason}: ${message}`);
    expect(reasons).toContain('Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503');
    expect(reasons.some((text) => text.startsWith('FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu'))).toBe(true);
    expect(sandbox.list('deployments').map((each) => each.status?.readyReplicas)).toEqual([undefined, undefined]);
  });

  it('shows a quota in the ReplicaFailure condition', () => {
    const sandbox = sandboxWith();
    sandbox.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q', namespace: 'shop' }, spec: { hard: { pods: '1' } } });
    sandbox.apply(deployment('web'));
    sandbox.advance(5_000);
    expect(web(sandbox)?.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')).toMatchObject({ reason: 'FailedCreate' });
  });
});

describe('eviction', () => {
  it('is refused when the budget has nothing to give, and counts overlapping pods too', () => {
    const sandbox = started({}, 'web');
    sandbox.apply(service('web'));
    const spec = { minAvailable: 2, selector: { matchLabels: { app: 'web' } } };
    sandbox.apply({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace: 'shop' }, spec });
    const name = sandbox.list('pods')[0]?.metadata.name ?? '';
    expect(() => sandbox.evict('shop', name)).toThrow('disruption budget');
    const labels = { app: 'web', track: 'canary' };
    const canary = deployment('web-canary', { selector: { matchLabels: labels } }) as { spec: { template: { metadata: object } } };
    canary.spec.template.metadata = { labels };
    sandbox.apply(canary);
    sandbox.advance(5_000);
    sandbox.evict('shop', name);
    expect(sandbox.get('pods', 'shop', name)?.metadata.deletionTimestamp).toBeDefined();
  });
});

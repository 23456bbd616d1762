import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../sandbox/objects.ts';
import { advanceUntil, CONFIG_MAPS, DEPLOYMENTS, deployment, JOBS, job, merge, owned, patch, sandboxWith, send } from './scene.ts';

const lockSpec = { activeDeadlineSeconds: 8, ttlSecondsAfterFinished: 0 };
const background = { propagationPolicy: 'Background' };

describe('a Job as the dead-man switch', () => {
  it('starts, takes heartbeats, and goes with all that it owns at its last deadline', () => {
    const sandbox = sandboxWith();
    const lock = send(sandbox, 'POST', JOBS, job('lock', lockSpec)).body;
    expect(send(sandbox, 'POST', JOBS, job('lock', lockSpec))).toMatchObject({ status: 409, body: { reason: 'AlreadyExists' } });
    sandbox.advance(300);
    expect(sandbox.get('jobs', 'shop', 'lock')?.status?.startTime).toBe('2026-11-20T10:00:00Z');
    const first = send(sandbox, 'POST', CONFIG_MAPS, owned('first', lock)).body;
    send(sandbox, 'POST', CONFIG_MAPS, owned('second', first));
    sandbox.advance(5_000);
    const beat = [
      { op: 'test', path: '/spec/activeDeadlineSeconds', value: 8 },
      { op: 'replace', path: '/spec/activeDeadlineSeconds', value: 20 },
    ];
    expect(patch(sandbox, `${JOBS}/lock`, beat).status).toBe(200);
    expect(patch(sandbox, `${JOBS}/lock`, beat).status).toBe(422);
    sandbox.advance(14_000);
    expect(sandbox.get('configmaps', 'shop', 'second')).toBeDefined();
    expect(advanceUntil(sandbox, () => sandbox.get('configmaps', 'shop', 'second') === undefined)).toBeLessThan(1_500);
    expect(sandbox.get('jobs', 'shop', 'lock')).toBeUndefined();
    expect(sandbox.list('pods')).toEqual([]);
  });

  it('answers 200 to a heartbeat when it has already failed', () => {
    const sandbox = sandboxWith();
    send(sandbox, 'POST', JOBS, job('lock', { activeDeadlineSeconds: 2 }));
    sandbox.advance(3_000);
    const { status, body } = merge(sandbox, `${JOBS}/lock`, { spec: { activeDeadlineSeconds: 60 } });
    expect(status).toBe(200);
    expect((body['status'] as { conditions: object[] }).conditions).toMatchObject([
      { type: 'FailureTarget' },
      { type: 'Failed', reason: 'DeadlineExceeded' },
    ]);
  });

  it('does not count time while it is suspended, and starts anew when resumed', () => {
    const sandbox = sandboxWith();
    send(sandbox, 'POST', JOBS, job('lock', lockSpec));
    sandbox.advance(1_000);
    merge(sandbox, `${JOBS}/lock`, { spec: { suspend: true } });
    sandbox.advance(30_000);
    merge(sandbox, `${JOBS}/lock`, { spec: { suspend: false } });
    sandbox.advance(1_000);
    expect(sandbox.get('jobs', 'shop', 'lock')?.status).toMatchObject({ startTime: '2026-11-20T10:00:31Z' });
    expect(advanceUntil(sandbox, () => sandbox.get('jobs', 'shop', 'lock') === undefined)).toBeGreaterThan(6_000);
  });
});

describe('owners', () => {
  const rows: readonly (readonly [name: string, options: JsonObject | undefined, isLeft: boolean])[] = [
    ['a bare DELETE of a Job orphans', undefined, true],
    ['background collects', background, false],
    ['foreground collects', { propagationPolicy: 'Foreground' }, false],
    ['orphan keeps', { propagationPolicy: 'Orphan' }, true],
  ];
  it.each(rows)('%s', (_name, options, isLeft) => {
    const sandbox = sandboxWith();
    const lock = send(sandbox, 'POST', JOBS, job('lock', { activeDeadlineSeconds: 600 })).body;
    send(sandbox, 'POST', CONFIG_MAPS, owned('child', lock));
    sandbox.advance(1_000);
    expect(send(sandbox, 'DELETE', `${JOBS}/lock`, options).status).toBe(200);
    sandbox.advance(1_000);
    expect(sandbox.get('jobs', 'shop', 'lock')).toBeUndefined();
    const child = sandbox.get('configmaps', 'shop', 'child');
    expect(child !== undefined).toBe(isLeft);
    expect(child?.metadata.ownerReferences).toBeUndefined();
  });

  it('collects what names a missing owner, and what names another uid of a living one', () => {
    const sandbox = sandboxWith();
    const lock = send(sandbox, 'POST', JOBS, job('lock')).body;
    const uid = '00000000-0000-4000-a000-000000000000';
    send(sandbox, 'POST', CONFIG_MAPS, owned('a', { ...lock, metadata: { name: 'nobody', uid } }));
    send(sandbox, 'POST', CONFIG_MAPS, owned('b', { ...lock, metadata: { name: 'lock', uid } }));
    send(sandbox, 'POST', CONFIG_MAPS, owned('c', lock));
    sandbox.advance(1_000);
    expect(sandbox.list('configmaps').map(({ metadata }) => metadata.name)).toEqual(['c']);
  });

  it('lets only a delete with the right uid through', () => {
    const sandbox = sandboxWith();
    const { metadata } = send(sandbox, 'POST', JOBS, job('lock')).body as { metadata: JsonObject };
    const other = { ...background, preconditions: { uid: 'x' } };
    expect(send(sandbox, 'DELETE', `${JOBS}/lock`, other)).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    const right = { ...background, preconditions: { uid: metadata['uid'] } };
    expect(send(sandbox, 'DELETE', `${JOBS}/lock`, right).status).toBe(200);
  });

  it('keeps the name of a Deployment that is deleted in the foreground until its pods are gone', () => {
    const sandbox = sandboxWith();
    send(sandbox, 'POST', DEPLOYMENTS, deployment('web'));
    sandbox.advance(5_000);
    send(sandbox, 'DELETE', `${DEPLOYMENTS}/web`, { propagationPolicy: 'Foreground' });
    sandbox.advance(1_000);
    expect(send(sandbox, 'POST', DEPLOYMENTS, deployment('web')).status).toBe(409);
    sandbox.advance(5_000);
    expect(sandbox.list('pods')).toEqual([]);
    expect(send(sandbox, 'POST', DEPLOYMENTS, deployment('web')).status).toBe(201);
  });

  it('adopts the ReplicaSet and the pods of an orphaned Deployment', () => {
    const sandbox = sandboxWith();
    send(sandbox, 'POST', DEPLOYMENTS, deployment('web'));
    sandbox.advance(5_000);
    const pods = sandbox.list('pods').map(({ metadata }) => metadata.uid);
    send(sandbox, 'DELETE', `${DEPLOYMENTS}/web`, { propagationPolicy: 'Orphan' });
    sandbox.advance(1_000);
    send(sandbox, 'POST', DEPLOYMENTS, deployment('web'));
    sandbox.advance(5_000);
    expect(sandbox.list('pods').map(({ metadata }) => metadata.uid)).toEqual(pods);
    expect(sandbox.list('replicasets')).toHaveLength(1);
  });
});

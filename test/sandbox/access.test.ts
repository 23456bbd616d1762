import { describe, expect, it } from 'vitest';
import type { Identity } from '../../sandbox/sandbox.ts';
import { DEPLOYMENTS, deployment, JOBS, job, sandboxWith, send } from './scene.ts';

const rules = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create'] },
  { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web'], verbs: ['get', 'patch'] },
  { apiGroups: [''], resources: ['services/proxy'], resourceNames: ['prometheus:9090'], verbs: ['get'] },
];
const tokens: Record<string, Identity> = {
  admin: { user: 'admin', roles: 'all' },
  limited: { user: 'ci', roles: [{ namespace: 'shop', rules }] },
};

describe('a token with a Role', () => {
  it.each([
    ['GET', `${DEPLOYMENTS}/web`, 200],
    ['GET', `${DEPLOYMENTS}/other`, 403],
    ['GET', DEPLOYMENTS, 403],
    ['POST', DEPLOYMENTS, 403],
    ['DELETE', `${DEPLOYMENTS}/web`, 403],
    ['POST', JOBS, 201],
    ['GET', '/apis/apps/v1/namespaces/else/deployments/web', 403],
    ['GET', '/api/v1/namespaces/shop/services/prometheus:9090/proxy/api/v1/query', 404],
    ['GET', '/api/v1/namespaces/shop/services/http:prometheus:9090/proxy/api/v1/query', 403],
  ])('%s %s: %i', (method, path, status) => {
    const sandbox = sandboxWith({ tokens });
    sandbox.apply(deployment('web'));
    const body = method === 'POST' ? job('lock') : undefined;
    expect(send(sandbox, method, path, body, { token: 'limited' }).status).toBe(status);
  });

  it('says who may not do what', () => {
    const { body } = send(sandboxWith({ tokens }), 'GET', `${DEPLOYMENTS}/other`, undefined, { token: 'limited' });
    expect(body['message']).toBe(
      'deployments.apps "other" is forbidden: User "ci" cannot get resource "deployments" in API group "apps" in the namespace "shop"',
    );
    expect(send(sandboxWith({ tokens }), 'GET', DEPLOYMENTS, undefined, { token: 'nobody' }).status).toBe(401);
  });

  it.each([
    [{ verb: 'get', group: 'apps', resource: 'deployments', name: 'web' }, true],
    [{ verb: 'get', group: 'apps', resource: 'deployments' }, false],
    [{ verb: 'create', group: 'batch', resource: 'jobs', name: 'web-rollout' }, true],
    [{ verb: 'get', group: '', resource: 'services', subresource: 'proxy', name: 'prometheus:9090' }, true],
    [{ verb: 'list', group: '', resource: 'secrets' }, false],
  ])('may it %j: %s', (resourceAttributes, allowed) => {
    const body = { spec: { resourceAttributes: { namespace: 'shop', ...resourceAttributes } } };
    const review = send(sandboxWith({ tokens }), 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body, {
      token: 'limited',
    });
    expect(review).toMatchObject({ status: 201, body: { status: { allowed } } });
  });
});

describe("the server's time", () => {
  it("is the virtual clock's", () => {
    const sandbox = sandboxWith();
    sandbox.advance(61_000);
    expect(sandbox.handle({ method: 'GET', path: '/version' }).headers['date']).toBe('Fri, 20 Nov 2026 10:01:01 GMT');
  });

  it('comes with an intercepted answer only if that has it', () => {
    const sandbox = sandboxWith();
    sandbox.intercept((request) => (request.method === 'PATCH' ? { status: 500, headers: {}, body: '{}' } : undefined));
    expect(send(sandbox, 'PATCH', `${DEPLOYMENTS}/web`, []).status).toBe(500);
    expect(send(sandbox, 'GET', `${DEPLOYMENTS}/web`).status).toBe(404);
  });
});

import { expect, it } from 'vitest';
import { namesFor } from '../../src/rollout/names.ts';
import { describePermission, permissionsFor, renderRoles } from '../../src/rollout/plan/permissions.ts';

const needs = {
  namespace: 'shop',
  deployment: 'web',
  names: namesFor('web'),
  logs: true,
  claims: [],
  proxied: { namespace: 'monitoring', nameAndPort: 'prometheus:9090' },
};

it('prints the smallest Roles that grant everything', () => {
  expect(renderRoles(permissionsFor(needs), 'gated-rollout')).toBe(`apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: gated-rollout, namespace: shop}
rules:
- {apiGroups: [batch], resources: [jobs], verbs: [create]}
- {apiGroups: [batch], resources: [jobs], resourceNames: [web-rollout], verbs: [get, patch, delete]}
- {apiGroups: [apps], resources: [deployments], verbs: [create]}
- {apiGroups: [apps], resources: [deployments], resourceNames: [web], verbs: [get, patch]}
- {apiGroups: [apps], resources: [deployments], resourceNames: [web-canary], verbs: [get, patch, delete]}
- {apiGroups: [apps], resources: [replicasets], verbs: [list]}
- {apiGroups: [""], resources: [pods], verbs: [list]}
- {apiGroups: [""], resources: [events], verbs: [list]}
- {apiGroups: [""], resources: [services], verbs: [list]}
- {apiGroups: [""], resources: [pods/log], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: gated-rollout, namespace: monitoring}
rules:
- {apiGroups: [""], resources: [services/proxy], resourceNames: ["prometheus:9090"], verbs: [get]}
`);
});

it('lets rolling create no Deployment', () => {
  const creates = (strategy: 'rolling' | 'recreate'): readonly string[] =>
    permissionsFor({ ...needs, strategy })
      .filter(({ verb }) => verb === 'create')
      .map(({ resource }) => resource);
  expect(creates('rolling')).toEqual(['jobs']);
  expect(creates('recreate')).toEqual(['jobs', 'deployments']);
});

it('asks for logs only where logs are evidence, and for a proxy only where there is one', () => {
  const few = permissionsFor({ ...needs, logs: false, proxied: undefined }).map((permission) => permission.resource);
  expect(few).not.toContain('pods/log');
  expect(few).not.toContain('services/proxy');
});

it('asks for the Services and green only where blue-green flips them', () => {
  const lines = renderRoles(
    permissionsFor({ ...needs, strategy: 'blue-green', flipped: ['web', 'admin'], previewed: 'web-preview:http', proxied: undefined }),
    'gated-rollout',
  ).split('\n');
  for (const line of [
    '- {apiGroups: [apps], resources: [deployments], resourceNames: [web-green], verbs: [get, patch, delete]}',
    '- {apiGroups: [""], resources: [services], verbs: [list, create]}',
    '- {apiGroups: [""], resources: [services], resourceNames: [web-preview], verbs: [get, delete]}',
    '- {apiGroups: [""], resources: [services], resourceNames: [admin], verbs: [get, patch]}',
    '- {apiGroups: [""], resources: [services/proxy], resourceNames: ["web-preview:http"], verbs: [get, create]}',
  ])
    expect(lines).toContain(line);
});

it('names the preview Service so that a Service may bear it', () => {
  expect(namesFor('web').preview).toBe('web-preview');
  expect(namesFor('1up').preview).toBe('s-1up-preview');
  expect(namesFor('9'.repeat(60)).preview.length).toBeLessThanOrEqual(63);
});

it('says a permission in words', () => {
  const [first] = permissionsFor(needs);
  expect(first && describePermission(first)).toBe('create jobs.batch in namespace shop');
});

it.each([
  { deployment: 'web', job: 'web-rollout' },
  { deployment: 'a'.repeat(50), job: `${'a'.repeat(50)}-rollout` },
])('$deployment keeps its name', ({ deployment, job }) => {
  expect(namesFor(deployment).job).toBe(job);
});

it('cuts, cleans and hashes a base that is too long or dotted, and keeps different ones apart', () => {
  const long = namesFor(`${'a'.repeat(60)}x`);
  expect(long.canary.length).toBeLessThanOrEqual(63);
  expect(long).not.toEqual(namesFor(`${'a'.repeat(60)}y`));
  expect(namesFor('web.v1').job).toMatch(/^web-v1-[0-9a-f]{8}-rollout$/);
});

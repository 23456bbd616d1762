import type { JsonObject } from '../../sandbox/objects.ts';
import { type ApiResponse, createSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox.ts';

export const START_MS = Date.parse('2026-11-20T10:00:00Z');
export const DEPLOYMENTS = '/apis/apps/v1/namespaces/shop/deployments';
export const JOBS = '/apis/batch/v1/namespaces/shop/jobs';
export const CONFIG_MAPS = '/api/v1/namespaces/shop/configmaps';

export function sandboxWith(options: Partial<SandboxOptions> = {}): Sandbox {
  const images = { 'web:v1': {}, 'web:v2': {}, 'web:bad': { errorRate: 0.5 }, 'web:crash': { crashAtStart: true } };
  return createSandbox({ seed: 1, startMs: START_MS, images, ...options });
}

export function deployment(name: string, spec: object = {}, image = 'web:v1', container: object = {}): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'shop', labels: { app: name } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'app', image, ports: [{ containerPort: 8080 }], ...container }] },
      },
      ...spec,
    },
  };
}

export function service(name: string, selector: object = { app: name }): object {
  const metadata = { name, namespace: 'shop' };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector, ports: [{ port: 80, targetPort: 8080 }] } };
}

export function job(name: string, spec: object = {}): object {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'web:v1' }] } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'shop' },
    spec: { parallelism: 0, completions: 1, backoffLimit: 0, template, ...spec },
  };
}

export function owned(name: string, owner: JsonObject, more: object = {}): object {
  const { name: ownerName, uid } = owner['metadata'] as { name: string; uid: string };
  const reference = { apiVersion: owner['apiVersion'], kind: owner['kind'], name: ownerName, uid, ...more };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop', ownerReferences: [reference] }, data: {} };
}

export interface Reply {
  readonly status: number;
  readonly body: JsonObject;
}

export function send(
  sandbox: Sandbox,
  method: string,
  path: string,
  body?: unknown,
  more: { type?: string; query?: Record<string, string>; token?: string } = {},
): Reply {
  const headers = {
    'content-type': more.type ?? 'application/json',
    'user-agent': 'test/1',
    ...(more.token === undefined ? {} : { authorization: `Bearer ${more.token}` }),
  };
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const response: ApiResponse = sandbox.handle({ method, path, query: more.query ?? {}, headers, ...text });
  return { status: response.status, body: JSON.parse(response.body) as JsonObject };
}

export function patch(sandbox: Sandbox, path: string, operations: unknown, query: Record<string, string> = {}): Reply {
  return send(sandbox, 'PATCH', path, operations, { type: 'application/json-patch+json', query });
}

export function merge(sandbox: Sandbox, path: string, body: unknown): Reply {
  return send(sandbox, 'PATCH', path, body, { type: 'application/merge-patch+json' });
}

/** Advances in small steps until it is so; the answer is how long that took. */
export function advanceUntil(sandbox: Sandbox, isSo: () => boolean, limitMs = 60_000): number {
  const fromMs = sandbox.now();
  while (!isSo()) {
    if (sandbox.now() - fromMs > limitMs) throw new Error(`waited ${limitMs} ms in vain`);
    sandbox.advance(50);
  }
  return sandbox.now() - fromMs;
}

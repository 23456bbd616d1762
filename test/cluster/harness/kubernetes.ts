import { Agent, type Dispatcher, request } from 'undici';
import type { Access } from './kubeconfig.ts';
import type { KubernetesObject } from './shapes.ts';

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, method: string, path: string, message: string) {
    super(`${method} ${path}: ${status} ${message}`);
    this.status = status;
  }
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

export interface ListOf<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const requestTimeoutMs = 15_000;

/** The tests' own view of the API: nothing of it is shared with the code under test. */
export class Api {
  readonly server: string;
  readonly token: string;
  readonly certificateAuthority: string | undefined;
  private readonly dispatcher: Agent;
  private readonly authorization: Readonly<Record<string, string>>;

  constructor(access: Access) {
    this.server = access.server;
    this.token = access.token ?? '';
    this.certificateAuthority = access.certificateAuthority;
    const connect: Record<string, string | boolean> = { rejectUnauthorized: access.certificateAuthority !== undefined };
    for (const [name, data] of Object.entries({ ca: access.certificateAuthority, cert: access.certificate, key: access.key })) {
      if (data !== undefined) connect[name] = Buffer.from(data, 'base64').toString();
    }
    this.dispatcher = new Agent({ connect, connections: 24 });
    this.authorization = access.token === undefined ? {} : { authorization: `Bearer ${access.token}` };
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.text('GET', path)) as T;
  }

  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async list<T>(path: string): Promise<readonly T[]> {
    return (await this.get<ListOf<T>>(path)).items;
  }

  async create<T extends KubernetesObject>(path: string, body: object, manager = 'scene'): Promise<T> {
    return JSON.parse(await this.text('POST', `${path}?fieldManager=${manager}`, body)) as T;
  }

  async post<T>(path: string, body: object): Promise<T> {
    return JSON.parse(await this.text('POST', path, body)) as T;
  }

  async patch<T extends KubernetesObject>(path: string, type: keyof typeof patchTypes, body: object, manager = 'person'): Promise<T> {
    return JSON.parse(await this.text('PATCH', `${path}?fieldManager=${manager}`, body, patchTypes[type])) as T;
  }

  async delete(path: string, propagationPolicy: 'Background' | 'Orphan' = 'Background'): Promise<void> {
    try {
      await this.text('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }

  async text(method: Dispatcher.HttpMethod, path: string, body?: object, contentType = 'application/json'): Promise<string> {
    const response = await request(`${this.server}${path}`, {
      method,
      dispatcher: this.dispatcher,
      headers: { ...this.authorization, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': contentType }) },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
    });
    const text = await response.body.text();
    if (response.statusCode < 300) return text;
    throw new ApiError(response.statusCode, method, path, messageOf(text));
  }

  /** Ends when the server ends the stream (it does so every few minutes) or the signal fires. */
  async watch<T>(path: string, resourceVersion: string, signal: AbortSignal, take: (event: WatchEvent<T>) => void): Promise<void> {
    const response = await request(`${this.server}${path}?watch=1&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`, {
      dispatcher: this.dispatcher,
      headers: { ...this.authorization, accept: 'application/json' },
      headersTimeout: requestTimeoutMs,
      bodyTimeout: 0,
      signal,
    });
    if (response.statusCode >= 300) throw new ApiError(response.statusCode, 'WATCH', path, messageOf(await response.body.text()));
    let rest = '';
    response.body.setEncoding('utf8');
    for await (const chunk of response.body) {
      const lines = `${rest}${chunk as string}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') take(JSON.parse(line) as WatchEvent<T>);
    }
  }

  async close(): Promise<void> {
    await this.dispatcher.destroy();
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}

/** Paths of one namespace. */
export function pathsOf(namespace: string) {
  const core = `/api/v1/namespaces/${namespace}`;
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  return {
    namespace: core,
    deployments: `${apps}/deployments`,
    deployment: (name: string) => `${apps}/deployments/${name}`,
    replicaSets: `${apps}/replicasets`,
    jobs: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    job: (name: string) => `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`,
    pods: `${core}/pods`,
    pod: (name: string) => `${core}/pods/${name}`,
    services: `${core}/services`,
    service: (name: string) => `${core}/services/${name}`,
    serviceAccounts: `${core}/serviceaccounts`,
    configMaps: `${core}/configmaps`,
    events: `${core}/events`,
    endpointSlices: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    budgets: `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
    roles: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
    roleBindings: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
  } as const;
}

import { type Attributes, checkAccess, type Identity, identify, reviewAccess } from './access.ts';
import type { Cluster } from './cluster.ts';
import { evict } from './disruption.ts';
import { isObject } from './json-patch.ts';
import type { Kubelet } from './kubelet.ts';
import type { JsonObject, Pod, Stored } from './objects.ts';
import { patched } from './patch.ts';
import { readLog } from './pod-log.ts';
import { json } from './prepare.ts';
import { apiVersionOf, findResource, RESOURCES, type ResourceInfo } from './resources.ts';
import { checkFields, matchesFields, matchesSelector, parseLabelSelector } from './selector.ts';
import { badRequest, failureStatus, methodNotAllowed, notFound, Refusal, unknownPath } from './status.ts';
import type { WriteOptions } from './write.ts';

export interface ApiRequest {
  readonly method: string;
  /** Without the query string. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How long the answer takes; the HTTP shell waits for it, an in-process caller may advance the clock. */
  readonly delayMs?: number;
}

export interface ApiServer {
  readonly cluster: Cluster;
  readonly kubelet: Kubelet;
  readonly tokens: Readonly<Record<string, Identity>>;
  /** What is behind `services/NAME:PORT/proxy/…` and `pods/NAME:PORT/proxy/…`; undefined when there is nothing. */
  readonly proxied: (kind: 'services' | 'pods', namespace: string, target: string, request: ApiRequest) => ApiResponse | undefined;
}

interface Target {
  readonly info: ResourceInfo;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly rest: string;
}

const VERBS: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

export function handleRequest(server: ApiServer, request: ApiRequest): ApiResponse {
  const date = new Date(server.cluster.clock.now()).toUTCString();
  try {
    const answer = route(server, request);
    return { ...answer, headers: { ...answer.headers, date } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...reply(error.code, failureStatus(error)), headers: { 'content-type': 'application/json', date } };
  }
}

export function reply(status: number, body: JsonObject): ApiResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function route(server: ApiServer, request: ApiRequest): ApiResponse {
  const { path, method } = request;
  if (path === '/version') return reply(200, { major: '1', minor: '34', gitVersion: 'v1.34.4', platform: 'linux/amd64' });
  if (path === '/readyz' || path === '/healthz') return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok' };
  const identity = identify(server.tokens, request.headers?.['authorization']);
  if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') {
    if (method !== 'POST') throw methodNotAllowed();
    return reply(201, reviewAccess(identity, readBody(request)));
  }
  if (!isKnownGroup(path)) return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
  const target = parsePath(path);
  checkAccess(identity, attributesOf(target, request));
  if (target.subresource !== '') return subresource(server, target, request);
  return target.name === '' ? collection(server, target, request) : single(server, target, request);
}

function isKnownGroup(path: string): boolean {
  const [, root, group = '', version = ''] = path.split('/');
  const known = (wanted: string, its: string) => RESOURCES.some((info) => info.group === wanted && info.version === its);
  return root === 'api' ? known('', group) : root === 'apis' && known(group, version);
}

function parsePath(path: string): Target {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  const isCore = parts[0] === 'api';
  if (!isCore && parts[0] !== 'apis') throw unknownPath();
  const group = isCore ? '' : (parts[1] ?? '');
  const version = (isCore ? parts[1] : parts[2]) ?? '';
  const tail = parts.slice(isCore ? 2 : 3);
  const isScoped = tail[0] === 'namespaces' && tail.length > 2;
  const [plural = '', name = '', sub = '', ...rest] = isScoped ? tail.slice(2) : tail;
  const info = findResource(group, version, plural);
  if (info === undefined) throw unknownPath();
  return { info, namespace: isScoped ? (tail[1] ?? '') : '', name, subresource: sub, rest: `/${rest.join('/')}` };
}

function attributesOf({ info, namespace, name, subresource: sub }: Target, request: ApiRequest): Attributes {
  const isList = request.method === 'GET' && name === '';
  const verb =
    sub === 'proxy' ? (VERBS[request.method] ?? 'get') : isList ? 'list' : (VERBS[request.method] ?? request.method.toLowerCase());
  const named = isList ? /(?:^|,)metadata\.name=([^,]+)/.exec(request.query?.['fieldSelector'] ?? '')?.[1] : undefined;
  const resource = sub === '' ? info.resource : `${info.resource}/${sub}`;
  return { verb, group: info.group, resource, namespace: info.resource === 'namespaces' ? name : namespace, name: named ?? name };
}

const META = 'meta.k8s.io/v1';

function collection({ cluster }: ApiServer, { info, namespace }: Target, request: ApiRequest): ApiResponse {
  if (request.method === 'POST') {
    if (info.namespaced && namespace === '') throw methodNotAllowed();
    const body = readBody(request);
    const created = cluster.writer.create(info.resource, namespace, body, writeOptions(request));
    return reply(201, json(created));
  }
  if (request.method !== 'GET') throw methodNotAllowed();
  const { labelSelector = '', fieldSelector = '', limit, continue: from } = request.query ?? {};
  const selector = parseLabelSelector(labelSelector);
  checkFields(info.resource, fieldSelector);
  const all = cluster.store
    .list(info.resource, namespace === '' ? undefined : namespace)
    .filter((object: Stored) => matchesSelector(selector, object.metadata.labels) && matchesFields(fieldSelector, json(object)));
  const start = from === undefined || from === '' ? 0 : Number(atob(from));
  const page = all.slice(start, limit === undefined || limit === '0' ? undefined : start + Number(limit));
  const left = all.length - start - page.length;
  const more: JsonObject = left === 0 ? {} : { continue: btoa(String(start + page.length)), remainingItemCount: left };
  const items = page.map((object) => {
    const { kind: _kind, apiVersion: _version, ...item } = json(object);
    return item;
  });
  const metadata = { resourceVersion: cluster.store.revision(), ...more };
  if (request.headers?.['accept']?.includes('as=PartialObjectMetadataList') === true) {
    const partial = items.map((item) => ({ kind: 'PartialObjectMetadata', apiVersion: META, metadata: item['metadata'] ?? {} }));
    // A real API server (1.34) has null for an empty list of these.
    return reply(200, { kind: 'PartialObjectMetadataList', apiVersion: META, metadata, items: partial.length === 0 ? null : partial });
  }
  return reply(200, { kind: `${info.kind}List`, apiVersion: apiVersionOf(info), metadata, items });
}

function single({ cluster }: ApiServer, { info, namespace, name }: Target, request: ApiRequest): ApiResponse {
  const { method } = request;
  const found = cluster.store.get(info.resource, namespace, name);
  if (method === 'PATCH' || method === 'PUT') {
    const body = method === 'PUT' ? readBody(request) : undefined;
    const options = writeOptions(request);
    if (found === undefined) throw notFound(info, name);
    const next = body ?? patched(json(found), request.headers?.['content-type'] ?? '', request.body ?? '');
    return reply(200, json(cluster.writer.replace(info.resource, found, next, options)));
  }
  if (method === 'POST') throw methodNotAllowed();
  if (found === undefined) throw notFound(info, name);
  if (method === 'GET') return reply(200, json(found));
  if (method !== 'DELETE') throw methodNotAllowed();
  const { object, gone } = cluster.writer.remove(info.resource, found, deleteOptions(request));
  if (!gone || info.resource === 'pods') return reply(200, json(object));
  const details = { name, ...(info.group === '' ? {} : { group: info.group }), kind: info.resource, uid: object.metadata.uid };
  return reply(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}

function subresource(server: ApiServer, target: Target, request: ApiRequest): ApiResponse {
  const { info, namespace, name, subresource: sub, rest } = target;
  const { cluster } = server;
  if (sub === 'proxy' && (info.resource === 'services' || info.resource === 'pods')) {
    const answer = server.proxied(info.resource, namespace, name, { ...request, path: rest });
    if (answer === undefined) throw notFound(info, name.replace(/^https?:/, '').replace(/:[^:]*$/, ''));
    return answer;
  }
  const object = cluster.store.get(info.resource, namespace, name);
  if (object === undefined) throw notFound(info, name);
  if (info.resource === 'pods' && sub === 'log' && request.method === 'GET') {
    const text = readLog(server.kubelet, object as Pod, request.query ?? {});
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: text };
  }
  if (info.resource === 'pods' && sub === 'eviction' && request.method === 'POST') {
    evict(cluster, object as Pod);
    return reply(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
  }
  throw unknownPath();
}

function readBody(request: ApiRequest): JsonObject {
  let body: unknown;
  try {
    body = JSON.parse(request.body ?? '');
  } catch (error) {
    throw badRequest(`the object provided is unrecognized (must be of type application/json): ${(error as Error).message}`);
  }
  if (!isObject(body)) throw badRequest('the object provided is unrecognized');
  return body;
}

function writeOptions({ query, headers }: ApiRequest): WriteOptions {
  const manager = query?.['fieldManager'] ?? (headers?.['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown';
  return { manager, dryRun: isDryRun(query?.['dryRun']) };
}

function isDryRun(value: string | undefined): boolean {
  if (value === undefined || value === 'All') return value !== undefined;
  const message = `Unsupported value: ["${value}"]: supported values: "All"`;
  const details = { group: 'meta.k8s.io', kind: 'PatchOptions', causes: [{ reason: 'FieldValueNotSupported', message, field: 'dryRun' }] };
  throw new Refusal(422, 'Invalid', `PatchOptions.meta.k8s.io "" is invalid: dryRun: ${message}`, details);
}

function deleteOptions(request: ApiRequest) {
  const { query } = request;
  const body = request.body === undefined || request.body === '' ? {} : readBody(request);
  const preconditions = isObject(body['preconditions']) ? body['preconditions'] : {};
  const policy = body['propagationPolicy'] ?? query?.['propagationPolicy'];
  const grace = body['gracePeriodSeconds'] ?? query?.['gracePeriodSeconds'];
  const dryRun = Array.isArray(body['dryRun']) ? body['dryRun'][0] : query?.['dryRun'];
  const { uid, resourceVersion } = preconditions as { uid?: string; resourceVersion?: string };
  return {
    ...(typeof policy === 'string' ? { propagationPolicy: policy } : {}),
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    dryRun: isDryRun(typeof dryRun === 'string' ? dryRun : undefined),
  };
}

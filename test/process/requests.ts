import type { ApiRequest } from '../../sandbox/sandbox.ts';

const journal = '/metadata/annotations/gated-rollout.github.io~1journal';

type Operation = { readonly op: string; readonly path: string; readonly value?: unknown };

/** A request that changes something: dry runs and questions about permissions do not. */
export function isWrite(request: ApiRequest): boolean {
  return request.method !== 'GET' && request.query?.['dryRun'] === undefined && !isReview(request);
}

function isReview(request: ApiRequest): boolean {
  return request.path.endsWith('/selfsubjectaccessreviews');
}

/** The writes in their order, in a few words each; heartbeats (the same phase journalled again) are left out. */
export function writesOf(requests: readonly ApiRequest[]): readonly string[] {
  const writes: string[] = [];
  const filter = heartbeatFilter();
  for (const request of requests.filter(isWrite)) if (!filter(request)) writes.push(describeWrite(request));
  return writes;
}

/** Says of each write, given one after the other, whether it is a heartbeat. */
export function heartbeatFilter(): (request: ApiRequest) => boolean {
  let phase = '';
  return (request) => {
    const now = journalledPhase(request);
    if (now === undefined) return false;
    // No run begins with a step: that is the last breath of the run before it.
    const isHeartbeat = now === phase || (phase === '' && now.startsWith('step'));
    phase = now;
    return isHeartbeat;
  };
}

/** Everything that was asked without changing anything: each question once, sorted, because polling repeats them as often as it takes. */
export function questionsOf(requests: readonly ApiRequest[]): readonly string[] {
  const questions = requests.filter((request) => !isWrite(request) && !isTimely(request)).map(describeQuestion);
  return [...new Set(questions)].sort();
}

/** What a pod that is not ready makes the action ask: on a fast day no poll finds one. */
function isTimely({ path }: ApiRequest): boolean {
  return path.endsWith('/events') || path.endsWith('/log');
}

function describeQuestion(request: ApiRequest): string {
  if (isReview(request)) {
    const { spec } = JSON.parse(request.body ?? '{}') as { spec: { resourceAttributes: Readonly<Record<string, string>> } };
    const { verb, group, resource, subresource, name, namespace } = spec.resourceAttributes;
    const kind = `${resource}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
    return `may I ${verb} ${kind}${name === undefined ? '' : ` ${name}`} in ${namespace}?`;
  }
  const query = Object.entries(request.query ?? {}).map(([key, value]) => `${key}=${key === 'query' || key === 'time' ? '…' : value}`);
  const asked = query.length === 0 ? '' : `?${query.join('&')}`;
  const what = request.method === 'GET' ? '' : `: ${describeBody(request)}`;
  return `${request.method} ${request.path}${asked}${what}`;
}

export function describeWrite(request: ApiRequest): string {
  const target = request.path.split('/').slice(-2).join('/');
  const place = request.method === 'POST' ? (request.path.split('/').at(-1) ?? '') : target;
  return `${request.method} ${place}: ${describeBody(request)}`;
}

function describeBody(request: ApiRequest): string {
  const body = JSON.parse(request.body ?? '{}') as unknown;
  if (Array.isArray(body)) {
    const phase = journalledPhase(request);
    // Which version was seen is different each time.
    const operations = (body as readonly Operation[]).filter(({ path }) => path !== '/metadata/resourceVersion').map(describeOperation);
    return phase === undefined ? operations.join(', ') : `journal ${phase}`;
  }
  const manifest = body as { kind?: string; metadata?: { name?: string }; spec?: { replicas?: number }; propagationPolicy?: string };
  if (manifest.kind === 'DeleteOptions') {
    const { preconditions } = body as { preconditions?: { uid?: string } };
    return `${manifest.propagationPolicy}, ${preconditions?.uid === undefined ? 'ANY uid' : 'this uid only'}`;
  }
  const replicas = manifest.spec?.replicas === undefined ? '' : `, ${manifest.spec.replicas} replicas`;
  return `${manifest.kind} ${manifest.metadata?.name}${replicas}`;
}

function describeOperation({ op, path, value }: Operation): string {
  const varies = value === undefined || path === '/metadata/uid' || (typeof value === 'object' && value !== null);
  return varies ? `${op} ${path}` : `${op} ${path} ${JSON.stringify(value)}`;
}

/** The phase that a write puts into the journal. */
export function journalledPhase(request: ApiRequest): string | undefined {
  if (request.method !== 'PATCH' || request.body === undefined || !request.path.includes('/jobs/')) return undefined;
  const operations = JSON.parse(request.body) as readonly Operation[];
  const written = operations.find(({ op, path }) => op === 'replace' && path === journal)?.value;
  if (typeof written !== 'string') return undefined;
  const { state } = JSON.parse(written) as { state: { phase: { kind: string; index?: number } } };
  return state.phase.index === undefined ? state.phase.kind : `${state.phase.kind} ${state.phase.index + 1}`;
}

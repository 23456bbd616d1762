/** Takes out of an answer what is bound to differ between two clusters, by its form alone. */
export function normalise(body: unknown, namespace: string): unknown {
  const text = JSON.stringify(body)
    .replaceAll(namespace, '<ns>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replace(/"resourceVersion":"\d+"/g, '"resourceVersion":"<version>"')
    .replace(/in record \(\d+\)/g, 'in record (<version>)')
    .replace(/(?<="name":"[^"]{1,60}\.)[0-9a-f]{16}(?=")/g, '<event>')
    .replace(/"generateName":"web-","(.*?)"name":"web-[a-z0-9]{5}"/g, '"generateName":"web-","$1"name":"web-<suffix>"')
    .replace(/"name":"web-[a-z0-9]{5}","generateName":"web-"/g, '"name":"web-<suffix>","generateName":"web-"')
    .replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access')
    .replace(/sha256:[0-9a-f]{64}/g, '<digest>')
    .replace(/containerd:\/\/[0-9a-z:.-]+/g, '<container>')
    .replace(/\b\d+\.\d+\.\d+\.\d+\b/g, '<ip>')
    .replace(/(?<=[-"])[bcdfghjklmnpqrstvwxz2456789]{7,10}(?=[-"\\ ])/g, '<hash>')
    .replace(/(?<=<hash>-)[a-z0-9]{5}(?=["\\ _.])/g, '<suffix>');
  return sorted(JSON.parse(text));
}

/** Lists whose order says nothing, in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    const isConditions = items.every((item) => typeof item === 'object' && item !== null && 'type' in item && 'status' in item);
    const byRevision = items.every((item) => typeof item === 'object' && item !== null && 'metadata' in item);
    // Entries of the same second are in another order than those of different ones.
    const areManagers = items.every((item) => typeof item === 'object' && item !== null && 'manager' in item);
    if (isConditions || byRevision || areManagers) items.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    return items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, sorted(member)]));
}

function rank(item: unknown): string {
  const { type, metadata, manager, subresource, reason } = item as {
    type?: string;
    reason?: string;
    manager?: string;
    subresource?: string;
    metadata?: { annotations?: Record<string, string>; name?: string };
  };
  if (reason !== undefined && metadata !== undefined) return reason;
  return (
    type ??
    manager?.concat(subresource ?? '') ??
    `${metadata?.annotations?.['deployment.kubernetes.io/revision'] ?? ''} ${metadata?.name ?? ''}`
  );
}

export interface Difference {
  readonly path: string;
  readonly real: unknown;
  readonly sandbox: unknown;
}

export function differences(real: unknown, sandbox: unknown, path = ''): readonly Difference[] {
  if (Array.isArray(real) && Array.isArray(sandbox)) {
    const length = Math.max(real.length, sandbox.length);
    return Array.from({ length }, (_, index) => differences(real[index], sandbox[index], `${path}/${index}`)).flat();
  }
  if (isRecord(real) && isRecord(sandbox)) {
    const keys = new Set([...Object.keys(real), ...Object.keys(sandbox)]);
    return [...keys].flatMap((key) => differences(real[key], sandbox[key], `${path}/${key}`));
  }
  return JSON.stringify(real) === JSON.stringify(sandbox) ? [] : [{ path, real, sandbox }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { randomBytes } from 'node:crypto';
import { type Api, pathsOf } from './kubernetes.ts';
import type { KubernetesObject } from './shapes.ts';

const ownerLabel = 'gated-rollout-test/owner';
const leftAfterMs = 3_600_000;

export async function createNamespace(api: Api, title: string): Promise<string> {
  const slug = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '-')
    .slice(0, 30)
    .replaceAll(/^-|-$/gu, '');
  const name = `t-${slug}-${randomBytes(3).toString('hex')}`;
  const owner = process.env['SCENARIOS_PID'] ?? String(process.pid);
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [ownerLabel]: owner } } });
  return name;
}

export async function removeNamespace(api: Api, name: string): Promise<void> {
  await api.delete(pathsOf(name).namespace);
}

/** Removes what runs that were killed have left behind; another run on the same cluster keeps its own. */
export async function sweepNamespaces(api: Api): Promise<readonly string[]> {
  const left: string[] = [];
  for (const namespace of await api.list<KubernetesObject>(`/api/v1/namespaces?labelSelector=${encodeURIComponent(ownerLabel)}`)) {
    const owner = Number(namespace.metadata.labels?.[ownerLabel]);
    const ageMs = Date.now() - Date.parse(namespace.metadata.creationTimestamp);
    if ((isAlive(owner) && ageMs < leftAfterMs) || namespace.metadata.deletionTimestamp !== undefined) continue;
    await removeNamespace(api, namespace.metadata.name);
    left.push(namespace.metadata.name);
  }
  return left;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

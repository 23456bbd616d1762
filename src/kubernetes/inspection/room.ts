import type { V1ResourceQuota } from '@kubernetes/client-node';
import { isFault } from '../../errors.ts';
import type { QuotaRoom } from '../../rollout/plan/room.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { paths } from '../paths.ts';
import type { Raw, RawList, RawTemplate } from '../raw.ts';

type RawQuota = Raw<V1ResourceQuota>;

const suffixes: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** What each quota of the namespace has left, for one more pod of this template; undefined where quotas may not be listed. */
export async function readRoom(
  client: KubernetesClient,
  namespace: string,
  template: RawTemplate,
): Promise<readonly QuotaRoom[] | undefined> {
  try {
    const { items } = await client.get<RawList<RawQuota>>(paths.resourceQuotas(namespace));
    return items.flatMap((quota) => roomOf(quota, template));
  } catch (error) {
    if (isFault(error, 'forbidden', 'not-found')) return undefined;
    throw error;
  }
}

/** A quota with scopes counts some pods only: which, nobody says here. */
function roomOf({ metadata, spec, status }: RawQuota, template: RawTemplate): readonly QuotaRoom[] {
  if ((spec?.scopes ?? []).length > 0 || spec?.scopeSelector !== undefined) return [];
  return Object.entries(status?.hard ?? {}).map(([resource, hard]) => ({
    quota: metadata?.name ?? '',
    resource,
    left: quantity(hard) - quantity(status?.used?.[resource] ?? '0'),
    eachPod: neededByPod(template, resource),
  }));
}

/** What one pod takes of a resource that a quota counts; 0 where the quota is about something else. */
function neededByPod(template: RawTemplate, resource: string): number {
  if (resource === 'pods' || resource === 'count/pods') return 1;
  const [, list = 'requests', name = ''] = /^(?:(requests|limits)\.)?(cpu|memory|ephemeral-storage)$/u.exec(resource) ?? [];
  if (name === '') return 0;
  const containers = template.spec?.containers ?? [];
  return containers.reduce((sum, { resources }) => {
    const limit = resources?.limits?.[name];
    // A request that is not given is the limit.
    const given = list === 'limits' ? limit : (resources?.requests?.[name] ?? limit);
    return sum + quantity(given ?? '0');
  }, 0);
}

/** A Kubernetes quantity as a number: `250m` is 0.25, `1Gi` is 2³⁰; 0 where it cannot be read. */
function quantity(text: string): number {
  const [, digits = '0', suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/u.exec(text) ?? [];
  const factor = suffix === '' ? 1 : suffixes[suffix];
  return factor === undefined ? 0 : Number(digits) * factor;
}

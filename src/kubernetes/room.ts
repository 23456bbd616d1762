import type { V1ResourceQuota } from '@kubernetes/client-node';
import type { Raw, RawDeployment } from './raw.ts';

export type RawQuota = Raw<V1ResourceQuota>;

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

/** What the quotas of the namespace say about a second Deployment of full size. */
export function warnOfRoom(quotas: readonly RawQuota[] | undefined, stable: RawDeployment): readonly string[] {
  if (quotas === undefined)
    return ['ResourceQuotas cannot be listed with these permissions: nobody knows whether there is room for both colours'];
  const replicas = stable.spec?.replicas ?? 1;
  return quotas.flatMap(({ metadata, spec, status }) => {
    if ((spec?.scopes ?? []).length > 0 || spec?.scopeSelector !== undefined) return [];
    return Object.entries(status?.hard ?? {}).flatMap(([resource, hard]) => {
      const each = neededByPod(stable, resource);
      const left = quantity(hard) - quantity(status?.used?.[resource] ?? '0');
      if (each === 0 || each * replicas <= left) return [];
      return [
        `ResourceQuota ${metadata?.name} leaves no room for green at full size: ${amount(left)} of ${resource} left, ${amount(each * replicas)} needed`,
      ];
    });
  });
}

/** What one pod takes of a resource that a quota counts; 0 where the quota is about something else. */
function neededByPod(stable: RawDeployment, resource: string): number {
  if (resource === 'pods' || resource === 'count/pods') return 1;
  const [, list = 'requests', name = ''] = /^(?:(requests|limits)\.)?(cpu|memory|ephemeral-storage)$/u.exec(resource) ?? [];
  if (name === '') return 0;
  const containers = stable.spec?.template.spec?.containers ?? [];
  return containers.reduce((sum, { resources }) => {
    const limit = resources?.limits?.[name];
    // A request that is not given is the limit.
    const given = list === 'limits' ? limit : (resources?.requests?.[name] ?? limit);
    return sum + quantity(given ?? '0');
  }, 0);
}

/** A Kubernetes quantity as a number: `250m` is 0.25, `1Gi` is 2³⁰; 0 where it cannot be read. */
export function quantity(text: string): number {
  const [, digits = '0', suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/u.exec(text) ?? [];
  const factor = suffix === '' ? 1 : suffixes[suffix];
  return factor === undefined ? 0 : Number(digits) * factor;
}

function amount(value: number): string {
  return String(Number(value.toFixed(3)));
}

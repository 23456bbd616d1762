import type { V1ResourceQuota, V1Service } from '@kubernetes/client-node';
import { isFault } from '../errors.ts';
import { matchesSelector } from './label-selector.ts';
import { paths } from './paths.ts';
import type { Raw, RawList, RawTemplate } from './raw.ts';
import type { KubernetesClient } from './rest-client.ts';

type Labels = Readonly<Record<string, string>>;
type Selector = Raw<V1Service>['spec'];

const valueLengthMax = 63;

/**
 * The labels whose value has to be another one so that no Service selects the pods any more: one key of each Service that does, and only
 * the keys that are needed. Empty where none selects them.
 */
export function detachedLabels(services: readonly { readonly spec?: Selector }[], labels: Labels): Labels {
  const changed: Record<string, string> = {};
  const selectors = services.map(({ spec }) => spec?.selector ?? {}).filter((selector) => Object.keys(selector).length > 0);
  for (let suffix = '-trial'; ; suffix += '-x') {
    const selecting = selectors.find((selector) => matchesSelector({ matchLabels: selector }, { ...labels, ...changed }));
    if (selecting === undefined) return changed;
    const key = Object.keys(selecting).find((one) => changed[one] === undefined) ?? Object.keys(selecting)[0] ?? '';
    changed[key] = `${(labels[key] ?? '').slice(0, valueLengthMax - suffix.length)}${suffix}`;
  }
}

/** How many more pods the namespace's quotas allow; undefined where there is none, or where we may not look. */
export async function readPodsLeft(client: KubernetesClient, namespace: string): Promise<number | undefined> {
  let quotas: readonly Raw<V1ResourceQuota>[];
  try {
    quotas = (await client.get<RawList<Raw<V1ResourceQuota>>>(paths.resourceQuotas(namespace))).items;
  } catch (error) {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  }
  const left = quotas.flatMap(({ spec, status }) =>
    ['pods', 'count/pods'].flatMap((key) => {
      const hard = spec?.hard?.[key];
      const used = status?.used?.[key];
      return hard === undefined || used === undefined ? [] : [Number(hard) - Number(used)];
    }),
  );
  return left.length === 0 ? undefined : Math.min(...left);
}

/** Whether a pod that would unbalance its topology finds no node at all. */
export function mustSpread(template: RawTemplate): boolean {
  return (template.spec?.topologySpreadConstraints ?? []).some(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
}

import type { V1Service } from '@kubernetes/client-node';
import { matchesSelector } from '../label-selector.ts';
import type { Raw, RawTemplate } from '../raw.ts';

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

/** Whether a pod that would unbalance its topology finds no node at all. */
export function mustSpread(template: RawTemplate): boolean {
  return (template.spec?.topologySpreadConstraints ?? []).some(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
}

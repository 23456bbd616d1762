import { configurationOf } from '../configuration/field-change.ts';
import type { Plan } from '../plan/plan.ts';

/** What a release changes in the pod template, a line each; never with the value of a variable. */
export function describeChanges(plan: Pick<Plan, 'images' | 'configuration'>): readonly string[] {
  return [
    ...plan.images.map(
      ({ init, container, from, to }) => `${init === true ? 'init container' : 'container'} ${container}: ${from} → ${to}`,
    ),
    ...configurationOf(plan).map((change) => `${change.what}: ${change.fromText} → ${change.toText}`),
  ];
}

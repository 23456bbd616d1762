import { type ChangeCause, configurationOf, type FieldChange } from '../../rollout/configuration/field-change.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { RawDeployment } from '../raw.ts';
import { isListIndex } from '../template-fields.ts';
import type { JsonPatchOperation } from './patch.ts';

export const changeCauseAnnotation = 'kubernetes.io/change-cause';

type Way = 'forth' | 'back';

const causePath = '/metadata/annotations/kubernetes.io~1change-cause';

/** Every changed field of the template, tested and replaced. On the way back in the opposite order: what was appended last goes first. */
export function configurationPatch(plan: Pick<Plan, 'configuration'>, way: Way): readonly JsonPatchOperation[] {
  const changes = configurationOf(plan);
  return (way === 'forth' ? changes : [...changes].reverse()).flatMap((change) => fieldOperations(change, way));
}

function fieldOperations(change: FieldChange, way: Way): readonly JsonPatchOperation[] {
  const path = `/spec/template${change.pointer}`;
  const [before, after] = way === 'forth' ? [change.from, change.to] : [change.to, change.from];
  return [
    ...change.guards.map(({ pointer, value }): JsonPatchOperation => ({ op: 'test', path: `/spec/template${pointer}`, value })),
    // Of a place behind the end of a list no test can say that nothing is there; an add there fails where the list is shorter.
    ...(before === undefined && isListIndex(path) ? [] : [{ op: 'test' as const, path, value: before ?? null }]),
    ...(after === undefined
      ? removal(path, before)
      : [{ op: before === undefined ? ('add' as const) : ('replace' as const), path, value: after }]),
  ];
}

function removal(path: string, before: FieldChange['from']): readonly JsonPatchOperation[] {
  return before === undefined ? [] : [{ op: 'remove', path }];
}

/**
 * The annotation that `kubectl rollout history` shows, from the Deployment as it was read. Where somebody else has written another one
 * meanwhile, theirs stays: it is a note, and no reason to stop a release.
 */
export function causePatch(stable: RawDeployment, cause: ChangeCause | undefined, way: Way): readonly JsonPatchOperation[] {
  if (cause === undefined || cause.from === cause.to) return [];
  const annotations = stable.metadata?.annotations;
  const found = annotations?.[changeCauseAnnotation];
  const [before, after] = way === 'forth' ? [cause.from, cause.to] : [cause.to, cause.from];
  if (found !== before) return [];
  if (annotations === undefined) {
    return [
      { op: 'test', path: '/metadata/annotations', value: null },
      { op: 'add', path: '/metadata/annotations', value: { [changeCauseAnnotation]: after } },
    ];
  }
  return [
    { op: 'test', path: causePath, value: before ?? null },
    after === undefined ? { op: 'remove', path: causePath } : { op: 'add', path: causePath, value: after },
  ];
}

import { fieldManager, rolloutLabel } from '../../rollout/names.ts';
import type { ServiceFacts } from '../../rollout/observation.ts';
import type { BlueGreenPlan } from '../../rollout/plan/blue-green-plan.ts';
import type { RawDeployment, RawService } from '../raw.ts';
import type { JsonPatchOperation } from './patch.ts';

const fencePath = `/metadata/annotations/${pointer(rolloutLabel)}`;

/** What a Service of the user shows: to which colour it leads, and what of ours is on it. */
export function serviceFacts(name: string, service: RawService | undefined, { key, blue, green }: BlueGreenPlan): ServiceFacts {
  const value = service?.spec?.selector?.[key];
  return {
    name,
    colour: value === blue ? 'blue' : value === green ? 'green' : 'other',
    rollout: service?.metadata?.annotations?.[rolloutLabel],
    owned: (service?.metadata?.managedFields ?? []).some((entry) => entry.manager === fieldManager),
    terminating: service === undefined || service.metadata?.deletionTimestamp !== undefined,
  };
}

/** Claims the fence of a Service as it was seen: an absent annotation, or the one of a rollout whose Job is gone. */
export function serviceFencePatch(service: RawService, jobUid: string): readonly JsonPatchOperation[] {
  const { annotations, uid, resourceVersion } = service.metadata ?? {};
  const same: readonly JsonPatchOperation[] = [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
  ];
  if (annotations === undefined) {
    return [
      ...same,
      { op: 'test', path: '/metadata/annotations', value: null },
      { op: 'add', path: '/metadata/annotations', value: { [rolloutLabel]: jobUid } },
    ];
  }
  return [
    ...same,
    { op: 'test', path: fencePath, value: annotations[rolloutLabel] ?? null },
    { op: 'add', path: fencePath, value: jobUid },
  ];
}

/** The fence goes, and the selector stays as it is. */
export function serviceFenceReleasePatch(service: RawService, jobUid: string): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: '/metadata/uid', value: service.metadata?.uid },
    { op: 'test', path: fencePath, value: jobUid },
    { op: 'remove', path: fencePath },
  ];
}

/** The flip: the old value must still stand, under our fence. */
export function flipPatch({ key, blue, green }: BlueGreenPlan, jobUid: string | undefined): readonly JsonPatchOperation[] {
  const path = `/spec/selector/${pointer(key)}`;
  return [
    ...(jobUid === undefined ? [] : [{ op: 'test', path: fencePath, value: jobUid } as const]),
    { op: 'test', path, value: blue },
    { op: 'replace', path, value: green },
  ];
}

/**
 * The way back. The fence goes in the same write: a flip that is still under way, of a process that was asleep, is refused from here on.
 * Where the selector is not ours any more, only the fence goes.
 */
export function flipBackPatch(service: RawService, { key, blue, green }: BlueGreenPlan): readonly JsonPatchOperation[] {
  const path = `/spec/selector/${pointer(key)}`;
  const found = service.metadata?.annotations?.[rolloutLabel];
  const isFlipped = service.spec?.selector?.[key] === green;
  return [
    { op: 'test', path: '/metadata/uid', value: service.metadata?.uid },
    ...(found === undefined
      ? []
      : ([
          { op: 'test', path: fencePath, value: found },
          { op: 'remove', path: fencePath },
        ] as const)),
    ...(isFlipped
      ? ([
          { op: 'test', path, value: green },
          { op: 'replace', path, value: blue },
        ] as const)
      : []),
  ];
}

/** Removes our entry from managedFields; undefined where there is none. */
export function serviceOwnershipPatch(service: RawService): readonly JsonPatchOperation[] | undefined {
  const index = (service.metadata?.managedFields ?? []).findIndex((entry) => entry.manager === fieldManager);
  if (index < 0) return undefined;
  const path = `/metadata/managedFields/${index}`;
  return [
    { op: 'test', path: `${path}/manager`, value: fieldManager },
    { op: 'remove', path },
  ];
}

/** Green stays when the Job goes: its only owner is taken away. Undefined where it has none. */
export function keepPatch(green: RawDeployment): readonly JsonPatchOperation[] | undefined {
  const owners = green.metadata?.ownerReferences ?? [];
  if (owners.length === 0) return undefined;
  return [
    { op: 'test', path: '/metadata/uid', value: green.metadata?.uid },
    { op: 'test', path: '/metadata/ownerReferences', value: owners },
    { op: 'remove', path: '/metadata/ownerReferences' },
  ];
}

/** A key as one segment of a JSON Pointer (RFC 6901). */
function pointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

import { fieldManager, journalAnnotation, rolloutLabel } from '../../rollout/names.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { ImageChange } from '../../rollout/spec.ts';
import type { Journal } from '../manifests/job.ts';
import type { RawDeployment, RawJob } from '../raw.ts';
import { causePatch, configurationPatch } from './configuration-patches.ts';
import type { JsonPatchOperation } from './patch.ts';

/** Every write to an object that exists is one of these: JSON Patches that test what they replace. */
const fencePath = `/metadata/labels/${pointer(rolloutLabel)}`;
const journalPath = `/metadata/annotations/${pointer(journalAnnotation)}`;

/** One heartbeat: the journal and the deadline, tested against what was there, so that two writers cannot shorten it. */
export function journalPatch(job: RawJob, journal: Journal, deadlineSeconds: number): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: '/metadata/uid', value: job.metadata?.uid },
    { op: 'test', path: '/spec/activeDeadlineSeconds', value: job.spec?.activeDeadlineSeconds },
    { op: 'test', path: journalPath, value: job.metadata?.annotations?.[journalAnnotation] },
    { op: 'replace', path: journalPath, value: JSON.stringify(journal) },
    { op: 'replace', path: '/spec/activeDeadlineSeconds', value: deadlineSeconds },
  ];
}

/**
 * Claims the fence of the object as it was seen. The version makes it a claim for once: one that comes late, when its rollout has let go
 * again, finds the label as absent as before.
 */
export function fenceClaimPatch(stable: RawDeployment, jobUid: string): readonly JsonPatchOperation[] {
  return [{ op: 'test', path: '/metadata/resourceVersion', value: stable.metadata?.resourceVersion }, ...fencePatch(stable, jobUid)];
}

/** An absent label, or the one of a rollout whose Job is gone, becomes ours; by itself for dry runs only. */
export function fencePatch(stable: RawDeployment, jobUid: string): readonly JsonPatchOperation[] {
  const { labels } = stable.metadata ?? {};
  if (labels === undefined) {
    return [
      { op: 'test', path: '/metadata/labels', value: null },
      { op: 'add', path: '/metadata/labels', value: { [rolloutLabel]: jobUid } },
    ];
  }
  return [
    { op: 'test', path: fencePath, value: labels[rolloutLabel] ?? null },
    { op: 'add', path: fencePath, value: jobUid },
  ];
}

export function fenceReleasePatch(jobUid: string): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: fencePath, value: jobUid },
    { op: 'remove', path: fencePath },
  ];
}

/** What a promotion writes and a way back puts back, in one patch. */
export type ReleaseChanges = Pick<Plan, 'images' | 'configuration' | 'changeCause'>;

/** The promotion: the whole template must still be the one that the canary was copied from. */
export function promotionPatch(stable: RawDeployment, plan: ReleaseChanges, jobUid: string): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: fencePath, value: jobUid },
    { op: 'test', path: '/spec/template', value: stable.spec?.template },
    ...imageOperations(
      plan.images,
      (image) => image.from,
      (image) => image.to,
    ),
    ...configurationPatch(plan, 'forth'),
    ...causePatch(stable, plan.changeCause, 'forth'),
  ];
}

/** The way back: the recorded images and configuration, only where ours still stand. */
export function reversionPatch(stable: RawDeployment, plan: ReleaseChanges, jobUid: string): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: fencePath, value: jobUid },
    ...imageOperations(
      plan.images,
      (image) => image.to,
      (image) => image.from,
    ),
    ...configurationPatch(plan, 'back'),
    ...causePatch(stable, plan.changeCause, 'back'),
  ];
}

/** For dry runs before the fence stands: the images alone. */
export function imagePatch(images: readonly ImageChange[], to: (image: ImageChange) => string): readonly JsonPatchOperation[] {
  return imageOperations(images, (image) => image.from, to);
}

function imageOperations(
  images: readonly ImageChange[],
  from: (image: ImageChange) => string,
  to: (image: ImageChange) => string,
): readonly JsonPatchOperation[] {
  return images.flatMap((image): JsonPatchOperation[] => {
    const path = `/spec/template/spec/${image.init === true ? 'initContainers' : 'containers'}/${image.index}`;
    return [
      // Containers may have been reordered: without this the sidecar gets the image.
      { op: 'test', path: `${path}/name`, value: image.container },
      { op: 'test', path: `${path}/image`, value: from(image) },
      { op: 'replace', path: `${path}/image`, value: to(image) },
    ];
  });
}

/** Removes our entry from managedFields; undefined where there is none. */
export function ownershipPatch(stable: RawDeployment): readonly JsonPatchOperation[] | undefined {
  const index = (stable.metadata?.managedFields ?? []).findIndex((entry) => entry.manager === fieldManager);
  if (index < 0) return undefined;
  const path = `/metadata/managedFields/${index}`;
  return [
    { op: 'test', path: `${path}/manager`, value: fieldManager },
    { op: 'remove', path },
  ];
}

/** Scales by `spec.replicas`: the sub-resource /scale is not in the Role. */
export function replicasPatch(deployment: RawDeployment, replicas: number): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: '/metadata/uid', value: deployment.metadata?.uid },
    { op: 'test', path: '/spec/replicas', value: deployment.spec?.replicas },
    { op: 'replace', path: '/spec/replicas', value: replicas },
  ];
}

/** Replicas of a Deployment that the user keeps: only under our fence, and only from the number that was seen. */
export function pairReplicasPatch(deployment: RawDeployment, replicas: number, jobUid: string): readonly JsonPatchOperation[] {
  return [{ op: 'test', path: fencePath, value: jobUid }, ...replicasPatch(deployment, replicas)];
}

/** A key as one segment of a JSON Pointer (RFC 6901). */
function pointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

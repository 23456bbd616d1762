import { isFault, UserError } from '../errors.ts';
import { namesFor } from '../rollout/names.ts';
import { permissionsFor } from '../rollout/permissions.ts';
import type { FoundRevisions } from '../rollout/revisions.ts';
import { containersOf } from '../rollout/revisions.ts';
import { chooseRevision, rollbackRequest } from '../rollout/rollback.ts';
import type { ImageChange } from '../rollout/spec.ts';
import type { ReleasePorts, ReleaseRequest } from './release-request.ts';

export type ResolvedRollback =
  | { readonly kind: 'request'; readonly request: ReleaseRequest }
  | { readonly kind: 'unchanged'; readonly because: string; readonly images: readonly ImageChange[] };

/** Turns a rollback into the release that it is: which images the revision had. Throws UserError `revision-missing`. */
export async function resolveRollback(request: ReleaseRequest, ports: ReleasePorts): Promise<ResolvedRollback> {
  const { reporter } = ports;
  const found = await readRevisions(request, ports);
  const chosen = chooseRevision(found, request.toRevision);
  if (chosen.kind === 'problem') throw new UserError('revision-missing', chosen.message, chosen.hint);
  if (chosen.kind === 'current')
    return { kind: 'unchanged', because: `revision ${chosen.revision} is the current one: nothing to roll back`, images: unchanged(found) };
  const { revision, template, changeCause } = chosen.found;
  const containers = 'containers' in request.images ? request.images.containers : [];
  const { images, notRolledBack } = rollbackRequest(template, found.template, containers);
  reporter.info(
    `rollback to revision ${revision}${changeCause === undefined ? '' : ` (${changeCause})`}; the current one is ${found.current ?? 'not known'}`,
  );
  if (notRolledBack.length > 0) {
    reporter.warning(`revision ${revision} differs in more than images; not rolled back: ${notRolledBack.join(', ')}`);
  }
  if (images.kind === 'by-container' && Object.keys(images.images).length === 0) {
    return { kind: 'unchanged', because: `revision ${revision} has the same images: nothing to roll back`, images: unchanged(found) };
  }
  // The usual reason for a rollback is a Deployment that is not healthy.
  return { kind: 'request', request: { ...request, images, toRevision: revision, spec: { ...request.spec, force: true } } };
}

/** Where reading is forbidden, the permission check says so, and names everything at once. */
async function readRevisions(request: ReleaseRequest, { cluster }: ReleasePorts): Promise<FoundRevisions> {
  try {
    return await cluster.revisions();
  } catch (error) {
    if (isFault(error, 'forbidden'))
      await cluster.checkAccess(permissionsFor({ ...request, names: namesFor(request.deployment), claims: [] }));
    throw error;
  }
}

function unchanged({ template }: FoundRevisions): readonly ImageChange[] {
  return containersOf(template).map(({ name, image }, index) => ({ container: name, index, from: image, to: image }));
}

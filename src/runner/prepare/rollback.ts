import { isFault, UserError } from '../../errors.ts';
import type { FoundRevisions } from '../../rollout/history/revisions.ts';
import { containersOf } from '../../rollout/history/revisions.ts';
import { chooseRevision, rollbackRequest } from '../../rollout/history/rollback.ts';
import { namesFor } from '../../rollout/names.ts';
import { permissionsFor } from '../../rollout/plan/permissions.ts';
import type { ConfigMapVersion } from '../../rollout/plan/plan.ts';
import type { ImageChange } from '../../rollout/spec.ts';
import type { ReleasePorts, ReleaseRequest } from '../release-request.ts';

export type ResolvedRollback =
  | { readonly kind: 'request'; readonly request: ReleaseRequest }
  | { readonly kind: 'unchanged'; readonly because: string; readonly images: readonly ImageChange[] };

/** Turns a rollback into the release that it is: which images and which configuration the revision had. Throws UserError `revision-missing`. */
export async function resolveRollback(request: ReleaseRequest, ports: ReleasePorts): Promise<ResolvedRollback> {
  const { reporter, cluster } = ports;
  const found = await orMissingPermissions(() => cluster.revisions(), request, ports);
  const chosen = chooseRevision(found, request.toRevision);
  if (chosen.kind === 'problem') throw new UserError('revision-missing', chosen.message, chosen.hint);
  if (chosen.kind === 'current')
    return { kind: 'unchanged', because: `revision ${chosen.revision} is the current one: nothing to roll back`, images: unchanged(found) };
  const { revision, template, changeCause } = chosen.found;
  const containers = 'containers' in request.images ? request.images.containers : [];
  const back = rollbackRequest(
    template,
    found.template,
    containers,
    (request.spec.canaryDeployment ?? request.spec.greenDeployment) === undefined,
  );
  reporter.info(
    `rollback to revision ${revision}${changeCause === undefined ? '' : ` (${changeCause})`}; the current one is ${found.current ?? 'not known'}`,
  );
  if (back.notRolledBack.length > 0) {
    reporter.warning(`revision ${revision} differs in more than a release changes; not rolled back: ${back.notRolledBack.join(', ')}`);
  }
  const hasImages = back.images.kind !== 'by-container' || Object.keys(back.images.images).length > 0;
  if (!hasImages && back.configuration.length === 0) {
    const because = `revision ${revision} has the same images and the same configuration: nothing to roll back`;
    return { kind: 'unchanged', because, images: unchanged(found) };
  }
  const configMaps = await existingVersions(revision, back.configMaps, request, ports);
  return {
    kind: 'request',
    request: {
      ...request,
      images: hasImages ? back.images : { kind: 'none', containers: [] },
      toRevision: revision,
      restored: { configuration: back.configuration, configMaps },
      ...(configMaps.length === 0 ? {} : { configMaps: true }),
      // The usual reason for a rollback is a Deployment that is not healthy.
      spec: { ...request.spec, force: true },
    },
  };
}

/** Those that releases of this Deployment have made: the rollout watches over them. Throws UserError where one is gone. */
async function existingVersions(
  revision: number,
  wanted: readonly ConfigMapVersion[],
  request: ReleaseRequest,
  ports: ReleasePorts,
): Promise<readonly ConfigMapVersion[]> {
  if (wanted.length === 0) return [];
  const names = wanted.map(({ name }) => name);
  const found = await orMissingPermissions(() => ports.cluster.findConfigMaps(names), { ...request, configMaps: true }, ports);
  const gone = names.filter((name) => !found.some((one) => one.name === name));
  if (gone.length > 0) {
    throw new UserError(
      'revision-missing',
      `Revision ${revision} refers to ConfigMap ${gone.join(', ')}, and there is none any more: the version was pruned, or somebody deleted it`,
      'Release that configuration again with the input config-maps, or go back to a revision whose ConfigMaps are there (command: history)',
    );
  }
  return wanted.filter(({ name }) => found.some((one) => one.name === name && one.ours));
}

/** Where reading is forbidden, the permission check says so, and names everything at once. */
async function orMissingPermissions<T>(read: () => Promise<T>, request: ReleaseRequest, { cluster }: ReleasePorts): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isFault(error, 'forbidden'))
      await cluster.checkAccess(permissionsFor({ ...request, names: namesFor(request.deployment), claims: [] }));
    throw error;
  }
}

function unchanged({ template }: FoundRevisions): readonly ImageChange[] {
  return containersOf(template).map(({ name, image }, index) => ({ container: name, index, from: image, to: image }));
}

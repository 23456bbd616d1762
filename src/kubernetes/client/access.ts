import { isFault, UserError } from '../../errors.ts';
import { describePermission, type Permission, renderRoles } from '../../rollout/plan/permissions.ts';
import type { KubernetesClient } from './rest-client.ts';

/** Throws UserError `permission-missing` with every missing verb and the Role that grants all of them. Answers a warning where it cannot know. */
export async function checkAccess(
  client: KubernetesClient,
  permissions: readonly Permission[],
  what = 'this release',
): Promise<string | undefined> {
  let answers: readonly { readonly permission: Permission; readonly allowed: boolean }[];
  try {
    answers = await Promise.all(permissions.map(async (permission) => ({ permission, allowed: await isAllowed(client, permission) })));
  } catch (error) {
    if (isFault(error, 'forbidden')) return 'permissions could not be checked: SelfSubjectAccessReviews are forbidden to this user';
    throw error;
  }
  const missing = answers.filter((answer) => !answer.allowed).map((answer) => answer.permission);
  if (missing.length === 0) return undefined;
  throw new UserError(
    'permission-missing',
    `The kubeconfig's user lacks ${missing.length} of ${permissions.length} permissions:\n${missing.map((permission) => `- ${describePermission(permission)}`).join('\n')}`,
    `Nothing was written. This is all that ${what} needs; bind it to the user or the service account:\n${renderRoles(permissions, 'gated-rollout')}`,
  );
}

async function isAllowed(client: KubernetesClient, { namespace, group, resource, name, verb }: Permission): Promise<boolean> {
  const [kind, subresource] = resource.split('/');
  const { allowed } = await client.review({ namespace, group, resource: kind ?? resource, subresource, name, verb });
  return allowed;
}

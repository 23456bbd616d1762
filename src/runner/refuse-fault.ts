import { isFault, messageOf, UserError } from '../errors.ts';

/** Before the rollout has begun a fault of the world is a reason to refuse: nothing has to be undone. */
export function refuseFault(error: unknown, what = 'a release'): never {
  if (!isFault(error)) throw error;
  if (error.code === 'unauthorized') {
    throw new UserError(
      'kubeconfig-invalid',
      `The API server does not accept the credentials: ${messageOf(error)}`,
      'Check the input kubeconfig: its token may have expired',
      { cause: error },
    );
  }
  if (error.code === 'forbidden') {
    const hint = 'Grant the permission or the quota that the message names; command: plan lists every permission that is needed';
    throw new UserError('permission-missing', `The API server forbids what ${what} needs: ${messageOf(error)}`, hint, { cause: error });
  }
  const hint = 'Check that the runner can reach the API server of the kubeconfig, then run again: nothing was changed';
  throw new UserError('cluster-unreachable', `The API server gives no usable answer: ${messageOf(error)}`, hint, { cause: error });
}

import { readAccess } from './kubeconfig.ts';
import { Api } from './kubernetes.ts';
import { sweepNamespaces } from './namespaces.ts';
import { findTarget } from './target.ts';

export async function setup(): Promise<void> {
  const api = new Api(readAccess(findTarget()));
  const left = await sweepNamespaces(api);
  if (left.length > 0) process.stdout.write(`removed what killed runs have left: ${left.join(', ')}\n`);
  await api.close();
}

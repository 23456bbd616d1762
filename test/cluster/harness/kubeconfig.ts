import { execFileSync } from 'node:child_process';
import type { Target } from './target.ts';

export interface Access {
  readonly server: string;
  readonly certificateAuthority: string | undefined;
  readonly token: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

interface View {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data'?: string } }[];
  readonly users: readonly {
    readonly user: { readonly token?: string; readonly 'client-certificate-data'?: string; readonly 'client-key-data'?: string };
  }[];
}

/** What the current context of the target's kubeconfig comes to; kubectl reads every form of it. */
export function readAccess(target: Target): Access {
  const [file = 'kubectl', ...rest] = target.kubectl;
  const text = execFileSync(file, [...rest, 'config', 'view', '--raw', '--minify', '--flatten', '-o', 'json'], { encoding: 'utf8' });
  const view = JSON.parse(text) as View;
  const cluster = view.clusters[0]?.cluster;
  const user = view.users[0]?.user;
  if (cluster === undefined) throw new Error(`${target.kubeconfig} has no current context`);
  return {
    server: cluster.server.replace(/\/$/u, ''),
    certificateAuthority: cluster['certificate-authority-data'],
    token: user?.token,
    certificate: user?.['client-certificate-data'],
    key: user?.['client-key-data'],
  };
}

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubeconfigPath, server, stateDir } from './cluster.ts';

export const credentials = {
  folder: join(stateDir, 'credentials'),
  tokens: join(stateDir, 'credentials/tokens.csv'),
  serviceAccountKey: join(stateDir, 'credentials/service-account.key'),
  serviceAccountPublicKey: join(stateDir, 'credentials/service-account.pub'),
  /** Written by the API server itself when it starts. */
  serverCertificate: join(stateDir, 'credentials/apiserver.crt'),
  daemonKubeconfig: join(stateDir, 'credentials/daemon.kubeconfig'),
} as const;

/** Admin's token; the files that the daemons read are written beside it. */
export function createCredentials(): string {
  mkdirSync(credentials.folder, { recursive: true, mode: 0o700 });
  const adminToken = randomBytes(16).toString('hex');
  const daemonToken = randomBytes(16).toString('hex');
  const users = [
    `${adminToken},admin,admin,"system:masters"`,
    // One identity for all daemons: who of them did something is no question of these tests.
    `${daemonToken},system:cluster-daemon,cluster-daemon,"system:masters"`,
  ];
  writeSecret(credentials.tokens, `${users.join('\n')}\n`);
  writeSecret(credentials.daemonKubeconfig, kubeconfig('daemon', daemonToken));
  writeSecret(kubeconfigPath, kubeconfig('admin', adminToken));
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeSecret(credentials.serviceAccountKey, pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  writeSecret(credentials.serviceAccountPublicKey, pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  return adminToken;
}

// The certificate exists only once the API server has started, so it is named by path; see also embedAuthority.
function kubeconfig(user: string, token: string, authority = `certificate-authority: ${credentials.serverCertificate}`): string {
  return `apiVersion: v1
kind: Config
clusters:
- name: gated-rollout
  cluster:
    server: ${server}
    ${authority}
users:
- name: ${user}
  user: {token: ${token}}
contexts:
- name: gated-rollout
  context: {cluster: gated-rollout, user: ${user}}
current-context: gated-rollout
`;
}

/** Makes the admin's kubeconfig self-contained, so that its content alone can be given to a job as a secret. */
export function embedAuthority(adminToken: string, certificate: Buffer): void {
  const authority = `certificate-authority-data: ${certificate.toString('base64')}`;
  writeSecret(kubeconfigPath, kubeconfig('admin', adminToken, authority));
}

function writeSecret(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Api, pathsOf } from './kubernetes.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** The smallest Role of the design, for a Deployment named `web`. */
export const smallestRole: readonly Rule[] = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create'] },
  { apiGroups: ['batch'], resources: ['jobs'], resourceNames: ['web-rollout'], verbs: ['get', 'patch', 'delete'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['create'] },
  { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web'], verbs: ['get', 'patch'] },
  { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web-canary'], verbs: ['get', 'patch', 'delete'] },
  { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['list'] },
  { apiGroups: [''], resources: ['pods', 'events', 'services'], verbs: ['list'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] },
];

export const prometheusRule: Rule = { apiGroups: [''], resources: ['services/proxy'], resourceNames: ['prometheus:9090'], verbs: ['get'] };

/** For `metrics: pods`. */
export const podsProxyRule: Rule = { apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] };

export class Deployer {
  readonly name = 'deployer';
  private readonly api: Api;
  private readonly namespace: string;

  constructor(api: Api, namespace: string) {
    this.api = api;
    this.namespace = namespace;
  }

  async create(): Promise<void> {
    await this.api.create(pathsOf(this.namespace).serviceAccounts, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: this.name },
    });
  }

  /** Grants rules in a namespace, under a name that no Role of a person has. */
  async grant(role: string, rules: readonly Rule[], namespace = this.namespace): Promise<void> {
    const paths = pathsOf(namespace);
    const name = `${role}-${this.namespace}`.slice(0, 63);
    await this.api.create(paths.roles, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name }, rules });
    await this.bind(name, namespace);
  }

  async bind(role: string, namespace = this.namespace): Promise<void> {
    await this.api.create(pathsOf(namespace).roleBindings, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
      subjects: [{ kind: 'ServiceAccount', name: this.name, namespace: this.namespace }],
    });
  }

  async revoke(role: string, namespace = this.namespace): Promise<void> {
    const name = `${role}-${this.namespace}`.slice(0, 63);
    await this.api.delete(`${pathsOf(namespace).roles}/${name}`);
    await this.api.delete(`${pathsOf(namespace).roleBindings}/${name}`);
  }

  /** A kubeconfig of the account's own token, made from the administrator's. */
  async kubeconfig(folder: string): Promise<{ readonly path: string; readonly content: string; readonly token: string }> {
    const path = `${pathsOf(this.namespace).serviceAccounts}/${this.name}/token`;
    const answer = await this.api.post<{ status: { token: string } }>(path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    });
    const token = answer.status.token;
    const { certificateAuthority } = this.api;
    const authority =
      certificateAuthority === undefined ? { 'insecure-skip-tls-verify': true } : { 'certificate-authority-data': certificateAuthority };
    const content = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: this.api.server, ...authority } }],
      users: [{ name: 'deployer', user: { token } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'deployer', namespace: this.namespace } }],
      'current-context': 'c',
    });
    const file = join(folder, `deployer-${this.namespace}.kubeconfig`);
    writeFileSync(file, content, { mode: 0o600 });
    return { path: file, content, token };
  }
}

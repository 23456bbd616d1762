import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { Fault, UserError } from '../../errors.ts';
import { type Environment, type ExecCredential, type ExecPlugin, runExecPlugin } from './exec-credential.ts';

type Pem = string | Buffer | (string | Buffer)[];

/** The TLS part of a kubeconfig, as node:tls takes it. */
export type TlsMaterial = { ca?: Pem; cert?: Pem; key?: Pem; servername?: string; rejectUnauthorized?: boolean };

/** What a request needs to be let in. */
export type Access = {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  /** Changes when the TLS material does: connections of an older one are not to be used any more. */
  readonly fingerprint: string;
};

export type CredentialsOptions = {
  readonly config: KubeConfig;
  /** What credential plugins inherit. */
  readonly env: Environment;
  readonly nowMs: () => number;
  /** Is told every token and key that comes to light after the kubeconfig was read, before it is used. */
  readonly onSecret?: ((secret: string) => void) | undefined;
};

const freshMs = 30_000;
const expirySlackMs = 60_000;
const pluginPauseMs = 10_000;

/** The credentials of the kubeconfig's user, kept for 30 s; however many requests ask, they are read once. */
export class Credentials {
  readonly cluster: Cluster;
  readonly #user: User;
  readonly #plain: KubeConfig;
  readonly #options: CredentialsOptions;
  #access: { readonly value: Access; readonly atMs: number } | undefined;
  #flight: Promise<Access> | undefined;
  #exec: { readonly credential: ExecCredential; refreshAtMs: number } | undefined;
  #refused = false;

  constructor(options: CredentialsOptions) {
    const cluster = options.config.getCurrentCluster();
    if (cluster === null)
      throw new UserError('kubeconfig-invalid', 'the kubeconfig has no cluster', 'Give a kubeconfig with a cluster and a context.');
    this.cluster = cluster;
    // Without a user the library drops the CA silently.
    this.#user = options.config.getCurrentUser() ?? { name: 'anonymous' };
    this.#options = options;
    this.#plain = plainConfig(cluster, this.#user);
  }

  async current(): Promise<Access> {
    const known = this.#access;
    if (known !== undefined && this.#options.nowMs() - known.atMs < freshMs && !this.#isExpiring()) return known.value;
    this.#flight ??= this.#read().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  /** The API server refused this access. Requests that were refused with an older one change nothing. */
  drop(access: Access): void {
    if (this.#access?.value !== access) return;
    this.#access = undefined;
    this.#refused = true;
  }

  async #read(): Promise<Access> {
    const options: RequestOptions = {};
    try {
      await this.#plain.applyToHTTPSOptions(options);
    } catch (error) {
      throw unreadable('the credentials of the kubeconfig', error);
    }
    const exec = await this.#execCredential();
    const token = exec?.token ?? (await this.#tokenFromFile());
    const tls = tlsOptions(options, exec);
    const value: Access = { headers: headersFrom(options, token), tls, fingerprint: fingerprintOf(tls) };
    this.#access = { value, atMs: this.#options.nowMs() };
    this.#refused = false;
    return value;
  }

  async #execCredential(): Promise<ExecCredential | undefined> {
    const plugin = pluginOf(this.#user);
    if (plugin === undefined) return undefined;
    if (this.#exec !== undefined && !this.#refused && !this.#isExpiring()) return this.#exec.credential;
    try {
      const credential = await runExecPlugin(plugin, this.cluster, this.#options.env);
      for (const secret of [credential.token, ...(credential.key?.split('\n') ?? [])]) {
        if (secret !== undefined && secret.length >= 8) this.#options.onSecret?.(secret);
      }
      this.#exec = { credential, refreshAtMs: refreshTime(credential.expiresAtMs) };
    } catch (error) {
      const expiresAtMs = this.#exec?.credential.expiresAtMs ?? 0;
      if (this.#exec === undefined || this.#refused || expiresAtMs <= Date.now()) throw error;
      // Better the last minute of the old one than no access at all.
      this.#exec.refreshAtMs = Math.min(expiresAtMs, Date.now() + pluginPauseMs);
    }
    return this.#exec.credential;
  }

  #isExpiring(): boolean {
    return this.#exec !== undefined && this.#exec.refreshAtMs <= Date.now();
  }

  async #tokenFromFile(): Promise<string | undefined> {
    const file = tokenFileOf(this.#user);
    if (file === undefined) return undefined;
    try {
      const token = (await readFile(file, 'utf8')).trim();
      if (token !== '') this.#options.onSecret?.(token);
      return token;
    } catch (error) {
      throw unreadable(`the token file ${file} of the kubeconfig`, error);
    }
  }
}

// Expiry is in wall-clock time by contract. Where it seems to be over already, the runner's clock is wrong: then only a 401 tells.
function refreshTime(expiresAtMs: number | undefined): number {
  const leftMs = (expiresAtMs ?? 0) - Date.now();
  return expiresAtMs === undefined || leftMs <= 0 ? Number.POSITIVE_INFINITY : expiresAtMs - Math.min(expirySlackMs, leftMs / 4);
}

function unreadable(what: string, cause: unknown): Fault {
  return new Fault('unauthorized', `${what} cannot be read`, true, { cause });
}

/** The path in `auth-provider: {name: tokenFile}`: what in-cluster credentials and the official key `tokenFile` are turned into. */
export function tokenFileOf(user: User): string | undefined {
  const provider = user.authProvider as { readonly config?: { readonly tokenFile?: unknown } } | null | undefined;
  const file = provider?.config?.tokenFile;
  return typeof file === 'string' && file !== '' ? file : undefined;
}

/** The credential plugin of a user, in its present or its oldest place. */
export function pluginOf(user: User): ExecPlugin | undefined {
  const provider = user.authProvider as { readonly config?: { readonly exec?: ExecPlugin } } | null | undefined;
  const plugin = (user.exec as ExecPlugin | null | undefined) ?? provider?.config?.exec;
  return typeof plugin?.command === 'string' && plugin.command !== '' ? plugin : undefined;
}

// The library may read certificates, impersonation, passwords and the old auth providers; plugins and token files are ours,
// because it starts a plugin for every request, never says KUBERNETES_EXEC_INFO, and keeps the newline of a token file.
function plainConfig(cluster: Cluster, user: User): KubeConfig {
  const ours = pluginOf(user) !== undefined || tokenFileOf(user) !== undefined;
  const { exec: _exec, authProvider, ...rest } = user;
  const plain = new KubeConfig();
  const { proxyUrl: _proxyUrl, ...direct } = cluster;
  // It refuses http without this flag, which means nothing there.
  const skipTLSVerify = cluster.skipTLSVerify || cluster.server.startsWith('http:');
  plain.loadFromClusterAndUser({ ...direct, skipTLSVerify }, ours ? rest : { ...rest, authProvider });
  return plain;
}

function headersFrom(options: RequestOptions, token: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value).trim();
  if (typeof options.auth === 'string') headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  return headers;
}

function tlsOptions(options: RequestOptions, exec: ExecCredential | undefined): TlsMaterial {
  const { ca, servername, rejectUnauthorized } = options;
  const cert = exec?.certificate ?? options.cert;
  const key = exec?.key ?? (options.key as Pem | undefined);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}

function fingerprintOf(tls: TlsMaterial): string {
  const parts = [tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized].map((part) => String(part));
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

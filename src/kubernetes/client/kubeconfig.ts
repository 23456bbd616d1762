import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { type Cluster, type Context, KubeConfig, type User } from '@kubernetes/client-node';
import { UserError } from '../../errors.ts';
import { pluginOf } from './credentials.ts';
import type { Environment } from './exec-credential.ts';
import { secretsOf } from './kubeconfig-secrets.ts';
import { findKubeConfigs, type KubeConfigSource } from './kubeconfig-source.ts';
import { proxyFromEnvironment } from './proxy-environment.ts';

export type KubeConfigRequest = {
  /** Content, content in base64, or a path. Trusted like code: a kubeconfig may name commands to run. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly env: Environment;
};

export type LoadedKubeConfig = {
  /** With the context that was asked for as the current one. */
  readonly config: KubeConfig;
  /** The name of that context. */
  readonly context: string;
  /** The address of its API server. */
  readonly server: string;
  /** The context's namespace, or `default`. */
  readonly namespace: string;
  /** To be masked before anything is logged. */
  readonly secrets: readonly string[];
  /** What the user should know: TLS that is not checked, keys that are not understood. */
  readonly warnings: readonly string[];
};

const contextsListedMax = 20;
const inClusterToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Reads the kubeconfig and checks what can be checked without a request. Several files of KUBECONFIG are merged as kubectl does: the first one wins. */
export function loadKubeConfig(request: KubeConfigRequest): LoadedKubeConfig {
  const sources = findKubeConfigs(request.kubeconfig, request.env);
  const parsed = sources.length === 0 ? [inCluster(request.env)] : sources.map(parse);
  const all = merged(parsed.map((one) => one.config));
  const context = chosenContext(all, request.context);
  const user = userOf(all, context);
  const cluster = clusterOf(all, context, request.env);
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: all.clusters.map((one) => (one.name === cluster.name ? cluster : one)),
    users: [...all.users.filter((one) => one.name !== user.name), user],
    contexts: all.contexts.map((one) => (one.name === context.name ? { ...one, user: user.name } : one)),
    currentContext: context.name,
  });
  return {
    config,
    context: context.name,
    server: cluster.server,
    namespace: context.namespace?.trim() || 'default',
    secrets: secretsOf(config.users, config.clusters),
    warnings: [...parsed.flatMap((one) => one.ignored.get(user.name) ?? []), ...warningsFor(cluster, context)],
  };
}

type Parsed = { readonly config: KubeConfig; readonly ignored: ReadonlyMap<string, readonly string[]> };

function parse(source: KubeConfigSource): Parsed {
  const config = new KubeConfig();
  let rawUsers: readonly RawUser[];
  try {
    config.loadFromString(source.text);
    rawUsers = readRawUsers(source.text);
  } catch (error) {
    throw invalid(`${source.label} ${faultIn(error)}`, 'Run `kubectl --kubeconfig FILE config view` on it to see what is wrong.');
  }
  if (config.clusters.length === 0)
    throw invalid(`${source.label} is not a kubeconfig: it lists no cluster`, 'Check what the secret holds.');
  if (source.directory !== undefined) config.makePathsAbsolute(source.directory);
  const raw = new Map(rawUsers.map((one) => [one.name, one.user ?? {}]));
  config.users = config.users.map((user) => completed(user, raw.get(user.name) ?? {}, source.directory));
  const ignored = new Map(rawUsers.map((one) => [one.name ?? '', ignoredKeys(one.user ?? {})]));
  return { config, ignored };
}

type RawUser = { readonly name?: string; readonly user?: Readonly<Record<string, unknown>> | null };

// The library keeps only the keys that it knows, `tokenFile` is not among them, and it exports no plain YAML parser; but it
// hands on what stands below `exec` as it is. So the whole file is read a second time, indented below one.
function readRawUsers(text: string): readonly RawUser[] {
  const body = text.replace(/^\uFEFF?(?:\s*(?:%.*|#.*|---)?\r?\n)*/, '').replace(/^---/, '   ');
  const indented = body.split(/\r?\n/).map((line) => (line === '...' ? '' : `      ${line}`));
  const outer = new KubeConfig();
  outer.loadFromString(['users:', '- name: outer', '  user:', '    exec:', ...indented].join('\n'));
  const inner = outer.users[0]?.exec as { readonly users?: unknown } | null | undefined;
  return Array.isArray(inner?.users) ? (inner.users as readonly RawUser[]) : [];
}

function completed(user: User, raw: Readonly<Record<string, unknown>>, directory: string | undefined): User {
  const { token, exec: _exec, ...rest } = user;
  const plugin = pluginOf(user);
  // A command with a slash is relative to the file, one without is looked for in PATH.
  const exec =
    plugin === undefined
      ? user.exec
      : { ...plugin, command: /[\\/]/.test(plugin.command) ? absolute(plugin.command, directory) : plugin.command };
  const tokenFile = raw['tokenFile'];
  // As client-go: the file wins over the token beside it.
  if (typeof tokenFile === 'string' && tokenFile !== '') {
    return { ...rest, exec, authProvider: { name: 'tokenFile', config: { tokenFile: absolute(tokenFile, directory) } } };
  }
  return { ...rest, exec, ...(token ? { token: token.trim() } : {}) };
}

function ignoredKeys(raw: Readonly<Record<string, unknown>>): readonly string[] {
  const keys = ['as-uid', 'as-groups', 'as-user-extra'].filter((key) => raw[key] !== undefined);
  return keys.map((key) => `the kubeconfig's user has "${key}", which is ignored: requests carry the user's own groups`);
}

function absolute(file: string, directory: string | undefined): string {
  return directory === undefined || isAbsolute(file) ? file : join(directory, file);
}

// The parser's own message quotes the lines around the fault, and those may be a token's.
function faultIn(error: unknown): string {
  if (!(error instanceof Error)) return 'is not a kubeconfig';
  const { line } = (error as Error & { readonly mark?: { readonly line?: number } }).mark ?? {};
  if (error.name === 'YAMLException') return `is not valid YAML${line === undefined ? '' : ` (line ${line + 1})`}`;
  if ('code' in error) return `names a token-file that cannot be read (${String(error.code)})`;
  return /^\w+\[\d+\]\.[\w.]+ is missing$/.test(error.message) ? `is not a kubeconfig: ${error.message}` : 'is not a kubeconfig';
}

function inCluster(env: Environment): Parsed {
  if (!env['KUBERNETES_SERVICE_HOST'] || !existsSync(inClusterToken)) {
    throw invalid(
      'there is no kubeconfig',
      'Give the input `kubeconfig` (content, base64 or path), set KUBECONFIG, or write ~/.kube/config; inside a cluster a mounted service account is used.',
    );
  }
  const config = new KubeConfig();
  config.loadFromCluster();
  return { config, ignored: new Map() };
}

function merged(configs: readonly KubeConfig[]): KubeConfig {
  const result = new KubeConfig();
  result.loadFromOptions({
    clusters: firstOfName(configs.flatMap((one) => one.clusters)),
    users: firstOfName(configs.flatMap((one) => one.users)),
    contexts: firstOfName(configs.flatMap((one) => one.contexts)),
    currentContext: configs.map((one) => one.currentContext).find((name) => Boolean(name)),
  });
  return result;
}

function firstOfName<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return [...new Map([...items].reverse().map((item) => [item.name, item])).values()].reverse();
}

function chosenContext(all: KubeConfig, asked: string | undefined): Context {
  const name = asked?.trim() || all.currentContext;
  const context = all.contexts.find((one) => one.name === name);
  if (context !== undefined) return context;
  const names = all.contexts.slice(0, contextsListedMax).map((one) => one.name);
  const hint = names.length === 0 ? 'The kubeconfig has no context at all.' : `Set the input \`context\` to one of: ${names.join(', ')}.`;
  throw invalid(name ? `the kubeconfig has no context "${name}"` : 'the kubeconfig has no current context', hint);
}

function userOf(all: KubeConfig, context: Context): User {
  // A library that finds no user drops the CA as well, so nobody is somebody here.
  if (!context.user) return { name: '' };
  const user = all.users.find((one) => one.name === context.user);
  if (user === undefined)
    throw invalid(
      `the context "${context.name}" names a user that the kubeconfig does not have`,
      `Add the user "${context.user}", or choose another context.`,
    );
  return user;
}

function clusterOf(all: KubeConfig, context: Context, env: Environment): Cluster {
  const cluster = all.clusters.find((one) => one.name === context.cluster);
  if (cluster === undefined)
    throw invalid(
      `the context "${context.name}" names a cluster that the kubeconfig does not have`,
      `Add the cluster "${context.cluster}".`,
    );
  const server = URL.canParse(cluster.server) ? new URL(cluster.server) : undefined;
  if (server?.protocol !== 'https:' && server?.protocol !== 'http:') {
    throw invalid(`the server of the cluster "${cluster.name}" is not an http or https address`, 'It must look like https://HOST:PORT.');
  }
  const authority = cluster.caData ? Buffer.from(cluster.caData, 'base64').toString('latin1') : undefined;
  if (authority !== undefined && !authority.includes('-----BEGIN')) {
    throw invalid(
      `certificate-authority-data of the cluster "${cluster.name}" holds no certificate`,
      'It must be a PEM certificate in base64.',
    );
  }
  const proxyUrl = cluster.proxyUrl || proxyFromEnvironment(server, env);
  if (proxyUrl && !/^(?:https?|socks5?):\/\//.test(proxyUrl)) {
    throw invalid(`the proxy of the cluster "${cluster.name}" is not understood`, 'http, https and socks5 are.');
  }
  return proxyUrl ? { ...cluster, proxyUrl } : cluster;
}

function warningsFor(cluster: Cluster, context: Context): readonly string[] {
  const warnings: string[] = [];
  if (cluster.server.startsWith('http:')) {
    const text = `the API server of the context "${context.name}" is asked over http: everything, credentials too, can be read on the way`;
    if (!isLoopback(cluster.server)) warnings.push(text);
  } else if (cluster.skipTLSVerify) {
    warnings.push(`the context "${context.name}" says insecure-skip-tls-verify: whoever answers is believed to be the API server`);
  }
  if (!context.user) warnings.push(`the context "${context.name}" names no user: requests are anonymous`);
  return warnings;
}

function invalid(message: string, hint: string): UserError {
  return new UserError('kubeconfig-invalid', message, hint);
}

/** What never leaves the machine cannot be read on the way. */
function isLoopback(server: string): boolean {
  return /^127\.|^localhost$|^\[::1\]$/.test(new URL(server).hostname);
}

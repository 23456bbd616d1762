import { execFile } from 'node:child_process';
import type { Cluster } from '@kubernetes/client-node';
import { Fault } from '../../errors.ts';

/** The `exec` stanza of a kubeconfig's user. */
export type ExecPlugin = {
  readonly apiVersion?: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly provideClusterInfo?: boolean;
};

/** What a plugin printed. */
export type ExecCredential = {
  readonly token: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** Undefined: good until the API server refuses it. */
  readonly expiresAtMs: number | undefined;
};

export type Environment = Readonly<Record<string, string | undefined>>;

const timeoutMs = 30_000;
const outputBytesMax = 1024 * 1024;
const errorTextMax = 300;

/** Runs the plugin once, without a shell and without a terminal. */
export async function runExecPlugin(plugin: ExecPlugin, cluster: Cluster, environment: Environment): Promise<ExecCredential> {
  const own = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]));
  const env = { ...environment, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(execInfo(plugin, cluster)) };
  const output = await new Promise<string>((resolve, reject) => {
    const options = {
      env,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: outputBytesMax,
      encoding: 'utf8',
      windowsHide: true,
    } as const;
    const child = execFile(plugin.command, [...(plugin.args ?? [])], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(failure(plugin, error, stderr));
    });
    // A plugin that asks a question must fail at once instead of waiting for an answer until its time is over.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end();
  });
  return parseCredential(plugin, output);
}

// The library never sets this, and the newer plugins refuse to run without it.
function execInfo(plugin: ExecPlugin, cluster: Cluster): object {
  const info = {
    server: cluster.server,
    'tls-server-name': cluster.tlsServerName,
    'insecure-skip-tls-verify': cluster.skipTLSVerify || undefined,
    'certificate-authority-data': cluster.caData,
    'proxy-url': cluster.proxyUrl,
  };
  return {
    apiVersion: plugin.apiVersion ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: { interactive: false, ...(plugin.provideClusterInfo === true ? { cluster: info } : {}) },
  };
}

type ExecFailure = Error & { readonly code?: number | string | null | undefined; readonly killed?: boolean | undefined };

function failure(plugin: ExecPlugin, error: ExecFailure, stderr: string): Fault {
  const said = stderr.replace(/\s+/g, ' ').trim().slice(-errorTextMax);
  if (error.code === 'ENOENT' || error.code === 'EACCES')
    return pluginFault(plugin, `cannot be run (${error.code}): is it installed on the runner?`, false);
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return pluginFault(plugin, `printed more than ${outputBytesMax} bytes`, false);
  if (error.killed === true) return pluginFault(plugin, `did not end within ${timeoutMs / 1000} s`, true);
  return pluginFault(plugin, `failed (exit code ${error.code ?? 'none'})${said === '' ? '' : `: ${said}`}`, true);
}

function parseCredential(plugin: ExecPlugin, output: string): ExecCredential {
  const status = statusFrom(output);
  const credential = {
    token: textOf(status?.['token']),
    certificate: textOf(status?.['clientCertificateData']),
    key: textOf(status?.['clientKeyData']),
  };
  // Not a word of the output itself: it is a secret, or half of one.
  if (credential.token === undefined && (credential.certificate === undefined || credential.key === undefined)) {
    throw pluginFault(plugin, 'printed no ExecCredential with a token or a client certificate', false);
  }
  const expiresAtMs = Date.parse(textOf(status?.['expirationTimestamp']) ?? '');
  return { ...credential, expiresAtMs: Number.isNaN(expiresAtMs) ? undefined : expiresAtMs };
}

function statusFrom(output: string): Record<string, unknown> | undefined {
  try {
    const parsed = JSON.parse(output) as { readonly status?: Record<string, unknown> } | null;
    return parsed?.status ?? undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function pluginFault(plugin: ExecPlugin, what: string, retryable: boolean): Fault {
  return new Fault('unauthorized', `the credential plugin "${plugin.command}" of the kubeconfig ${what}`, retryable);
}

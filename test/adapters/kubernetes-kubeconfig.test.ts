import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { messageOf, UserError } from '../../src/errors.ts';
import { tokenFileOf } from '../../src/kubernetes/client/credentials.ts';
import { type LoadedKubeConfig, loadKubeConfig } from '../../src/kubernetes/client/kubeconfig.ts';
import { proxyFromEnvironment } from '../../src/kubernetes/client/proxy-environment.ts';
import { testCertificate, testKey } from './fake-api-server.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gated-rollout-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** In the shape that kubectl writes. */
function yaml(name: string, user = '    token: token-of-the-test'): string {
  return `apiVersion: v1
kind: Config
preferences: {}
clusters:
- cluster:
    certificate-authority-data: ${base64(testCertificate)}
    server: https://${name}.example.com:6443
  name: ${name}
users:
- name: ${name}
  user:
${user}
contexts:
- context:
    cluster: ${name}
    namespace: shop
    user: ${name}
  name: ${name}
- context: {cluster: ${name}, user: ${name}}
  name: ${name}-bare
- context: {cluster: ${name}, user: nobody}
  name: ${name}-userless
- context: {cluster: nowhere, user: ${name}}
  name: ${name}-clusterless
current-context: ${name}
`;
}

function load(kubeconfig: string | undefined, context?: string, env: Record<string, string> = {}): LoadedKubeConfig {
  return loadKubeConfig({ kubeconfig, context, env });
}

function refusal(act: () => unknown): UserError {
  try {
    act();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('where it comes from', () => {
  it.each([
    ['content', () => yaml('one')],
    ['content with CRLF, a comment and a document mark', () => `# a comment\n---\n${yaml('one')}`.replaceAll('\n', '\r\n')],
    ['base64', () => base64(yaml('one'))],
    ['base64 in lines of 76', () => base64(yaml('one')).replace(/.{76}/g, '$&\n')],
    ['a path', () => write('config', yaml('one'))],
    ['a path with white space around', () => ` ${write('config', yaml('one'))}\n`],
  ])('%s', (_name, input) => {
    const loaded = load(input());
    expect(loaded).toMatchObject({ context: 'one', namespace: 'shop', server: 'https://one.example.com:6443', warnings: [] });
    expect(loaded.secrets).toContain('token-of-the-test');
    expect(loaded.config.getCurrentUser()?.token).toBe('token-of-the-test');
  });

  it('KUBECONFIG, merged: the first wins, a missing file is passed over', () => {
    const KUBECONFIG = [
      join(directory, 'missing'),
      write('a', yaml('one')),
      write('b', yaml('two')),
      write('c', yaml('one', '    token: loser')),
    ].join(delimiter);
    expect(load(undefined, undefined, { KUBECONFIG })).toMatchObject({ context: 'one' });
    expect(load('', 'two', { KUBECONFIG })).toMatchObject({ context: 'two', server: 'https://two.example.com:6443' });
    expect(load(undefined, 'one', { KUBECONFIG }).config.getCurrentUser()?.token).toBe('token-of-the-test');
    const { message, hint } = refusal(() => load(undefined, undefined, { KUBECONFIG: join(directory, 'missing') }));
    expect(message + hint).toContain('KUBECONFIG');
  });

  it('~/.kube/config', () => {
    mkdirSync(join(directory, '.kube'));
    write('.kube/config', yaml('home'));
    expect(load(undefined, undefined, { HOME: directory })).toMatchObject({ context: 'home' });
  });

  it('nowhere', () => {
    expect(refusal(() => load(undefined, undefined, { HOME: directory }))).toMatchObject({
      code: 'kubeconfig-invalid',
      message: 'there is no kubeconfig',
    });
  });
});

function write(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

describe('the context', () => {
  it('is chosen, and has the namespace `default` unless it says', () => {
    expect(load(yaml('one'), 'one-bare')).toMatchObject({ context: 'one-bare', namespace: 'default' });
  });

  it('that is missing is refused with those that exist', () => {
    const error = refusal(() => load(yaml('one'), 'tow'));
    expect(error).toMatchObject({ code: 'kubeconfig-invalid', message: 'the kubeconfig has no context "tow"' });
    expect(error.hint).toContain('one, one-bare');
    expect(refusal(() => load(yaml('one').replace('current-context: one', ''))).message).toBe('the kubeconfig has no current context');
  });

  it('that names nobody, or nothing, is refused', () => {
    expect(refusal(() => load(yaml('one'), 'one-userless')).message).toContain('names a user');
    expect(refusal(() => load(yaml('one'), 'one-clusterless')).message).toContain('names a cluster');
  });
});

describe('refusals', () => {
  it.each([
    ['a token pasted by mistake', 'eyJhbGciOi-very-secret'],
    ['broken YAML', `${yaml('one')}users:\n  very-secret: [}\n`],
    ['a duplicated secret key', yaml('one', '    token: very-secret\n    token: very-secret')],
    ['a list', '- very-secret\n- very-secret'],
    ['an entry without a name', 'kind: Config\nclusters:\n- cluster: {server: "very-secret"}\n'],
    ['a server without a scheme', yaml('one').replace('https://one.example.com:6443', 'very-secret:6443')],
    ['a CA that is none', yaml('one').replace(base64(testCertificate), base64('very-secret'))],
    ['a missing token-file', yaml('one', '    token-file: /very-secret')],
    ['a proxy of a kind we do not know', yaml('one').replace('    server:', '    proxy-url: socks4://very-secret\n    server:')],
  ])('%s: named, and nothing of it shown', (_name, input) => {
    const error = refusal(() => load(input));
    expect(error.code).toBe('kubeconfig-invalid');
    expect(messageOf(error) + error.hint).not.toContain('very-secret');
    expect(error.message).toMatch(/the input `kubeconfig`|the cluster "one"/);
  });

  it('says on which line the YAML is broken', () => {
    expect(refusal(() => load('kind: Config\nclusters: [}\n')).message).toBe('the input `kubeconfig` is not valid YAML (line 2)');
  });

  it('names a file that it cannot read', () => {
    expect(refusal(() => load(join(directory, 'gone'))).message).toBe('the input `kubeconfig` cannot be read (ENOENT)');
    expect(refusal(() => load(undefined, undefined, { KUBECONFIG: directory })).message).toContain(
      `${directory} (of KUBECONFIG) cannot be read (EISDIR)`,
    );
  });
});

describe('what the library does not read', () => {
  const users: readonly (readonly [string, string, string])[] = [
    ['a block', '    tokenFile: /run/token # rotated', '/run/token'],
    ['flow style', '    {token: x, tokenFile: "/run/token"}', '/run/token'],
    ['a relative path, from a file', '    tokenFile: sub/token', 'sub/token'],
  ];

  it.each(users)('tokenFile: %s', (_name, user, expected) => {
    const file = write('config', yaml('one', user));
    const loaded = load(file).config.getCurrentUser();
    expect(loaded === null ? undefined : tokenFileOf(loaded)).toBe(expected.startsWith('/') ? expected : join(directory, expected));
    expect(loaded?.token).toBeUndefined();
  });

  it('tokenFile in JSON that is indented with tabs', () => {
    const cluster = { name: 'a', cluster: { server: 'https://a.example.com' } };
    const content = {
      clusters: [cluster],
      users: [{ name: 'a', user: { tokenFile: '/run/token' } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    };
    for (const text of [JSON.stringify(content, undefined, '\t'), JSON.stringify(content)]) {
      expect(load(text, 'a').config.getCurrentUser()?.authProvider).toEqual({ name: 'tokenFile', config: { tokenFile: '/run/token' } });
    }
  });

  it('commands of plugins relative to the file, and names for PATH', () => {
    const command = (text: string): unknown => {
      const user = load(write('config', yaml('one', `    exec: {command: ${text}}`))).config.getCurrentUser();
      return (user?.exec as { readonly command: string } | undefined)?.command;
    };
    expect(command('bin/aws')).toBe(join(directory, 'bin/aws'));
    expect(command('aws')).toBe('aws');
  });

  it('groups to impersonate: says that it does not', () => {
    expect(load(yaml('one', '    as: ann\n    as-groups: [admins]')).warnings.join()).toContain('"as-groups", which is ignored');
  });
});

it('lists what must be masked, in every form', () => {
  const user = `    client-key-data: ${base64(testKey)}
    username: ann
    password: horse-battery
    tokenFile: ${write('token', 'token-in-a-file\n')}
    exec:
      command: aws
      env: [{name: AWS_SECRET_ACCESS_KEY, value: key-of-the-cloud}, {name: AWS_PROFILE, value: production}]`;
  const { secrets } = load(yaml('one', user).replace('    server:', '    proxy-url: http://ann:proxy%2Dpassword@proxy:3128\n    server:'));
  const lines = testKey.trim().split('\n');
  const expected = [
    base64(testKey),
    ...lines.slice(1, -1),
    'horse-battery',
    base64('ann:horse-battery'),
    'token-in-a-file',
    'key-of-the-cloud',
    'proxy%2Dpassword',
    'proxy-password',
  ];
  for (const secret of expected) expect(secrets).toContain(secret);
  expect(secrets).not.toContain('production');
  expect(secrets.filter((secret) => secret.startsWith('-----') && !secret.includes('\n'))).toEqual([]);
});

describe('the proxy of the environment', () => {
  const env = { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '10.0.0.0/8,.internal, example.org:8443,192.168.1.5' };

  it.each([
    ['https://cluster.example.com:6443', 'http://proxy:3128'],
    ['https://127.0.0.1:6443', undefined],
    ['https://localhost', undefined],
    ['https://10.1.2.3:6443', undefined],
    ['https://11.1.2.3:6443', 'http://proxy:3128'],
    ['https://192.168.1.5', undefined],
    ['https://api.internal', undefined],
    ['https://internal', 'http://proxy:3128'],
    ['https://example.org', 'http://proxy:3128'],
    ['https://a.example.org:8443', undefined],
    ['http://cluster.example.com', undefined],
  ])('%s', (server, proxy) => {
    expect(proxyFromEnvironment(new URL(server), env)).toBe(proxy);
  });

  it('is written into the kubeconfig, where it names none', () => {
    expect(load(yaml('one'), undefined, { https_proxy: 'proxy:3128' }).config.getCurrentCluster()?.proxyUrl).toBe('http://proxy:3128');
    const own = yaml('one').replace('    server:', '    proxy-url: http://own:3128\n    server:');
    expect(load(own, undefined, { https_proxy: 'proxy:3128' }).config.getCurrentCluster()?.proxyUrl).toBe('http://own:3128');
    expect(load(yaml('one'), undefined, { https_proxy: 'proxy:3128', no_proxy: '*' }).config.getCurrentCluster()?.proxyUrl).toBeUndefined();
  });
});

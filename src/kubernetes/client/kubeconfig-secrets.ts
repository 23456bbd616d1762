import { readFileSync } from 'node:fs';
import type { Cluster, User } from '@kubernetes/client-node';
import { pluginOf, tokenFileOf } from './credentials.ts';

// A mask of a short word would blot out half of the log.
const lengthMin = 8;

/** Everything in these users and clusters that must not be seen in a log, in every form in which it could be printed. */
export function secretsOf(users: readonly User[], clusters: readonly Cluster[]): readonly string[] {
  const texts = [
    ...users.flatMap(secretsOfUser),
    ...clusters.flatMap(({ proxyUrl }) => (proxyUrl === undefined ? [] : passwordOf(proxyUrl))),
  ];
  const lines = texts.flatMap((text) => [text, ...text.split('\n')].map((line) => line.trim()));
  return [...new Set(lines.filter((line) => line.length >= lengthMin && !line.startsWith('-----')))];
}

function secretsOfUser(user: User): readonly string[] {
  const provider = (user.authProvider as { readonly config?: Readonly<Record<string, unknown>> } | null | undefined)?.config ?? {};
  const tokenFile = tokenFileOf(user);
  const direct = [user.token, user.password, user.keyData, basicAuth(user), ...namedLikeSecrets(provider)];
  const plugin = (pluginOf(user)?.env ?? []).map(({ name, value }): [string, unknown] => [name, value]);
  const fromFiles = [user.keyFile, tokenFile].map((file) => (file ? contentOf(file) : undefined));
  const texts = [...direct, ...namedLikeSecrets(Object.fromEntries(plugin)), ...fromFiles].filter(
    (text) => typeof text === 'string' && text !== '',
  );
  const key = user.keyData ? [Buffer.from(user.keyData, 'base64').toString('utf8')] : [];
  return [...(texts as string[]), ...key];
}

function basicAuth(user: User): string | undefined {
  return user.username && user.password ? Buffer.from(`${user.username}:${user.password}`).toString('base64') : undefined;
}

function namedLikeSecrets(values: Readonly<Record<string, unknown>>): readonly string[] {
  const named = Object.entries(values).filter(([name]) => /token|secret|password|key|credential/i.test(name) && !/file$|path$/i.test(name));
  return named.flatMap(([, value]) => (typeof value === 'string' ? [value] : []));
}

function passwordOf(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { password } = new URL(url);
  return [password, decodeURIComponent(password)];
}

// One that cannot be read now fails later, with a message, when it is used.
function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

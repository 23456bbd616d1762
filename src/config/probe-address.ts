import { isLabel } from './names.ts';
import type { Parsed } from './parsed.ts';

/** What the probe asks: an address of its own, or a Service behind the API server's proxy. */
export type ProbeAddress =
  | { readonly kind: 'url'; readonly url: string; readonly shown: string; readonly secrets: readonly string[] }
  | {
      readonly kind: 'service';
      readonly namespace: string;
      readonly name: string;
      readonly port: string;
      readonly scheme: 'http' | 'https';
      /** Decoded, without a leading slash. */
      readonly path: string;
      /** With its question mark; empty where there is none. */
      readonly query: string;
      readonly shown: string;
      readonly secrets: readonly string[];
    };

const servicePrefix = 'service://';
const servicePattern = /^([^/?#]+)\/(?:(https?):)?([^/:?#]+):([^/:?#]+)(\/[^?#]*)?(\?[^#]*)?$/u;
const portNamePattern = /^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/u;
const valid = 'valid is an address like https://shop.example.com/healthz, or service://NAMESPACE/NAME:PORT/PATH';

/** The input `probe-url`. No problem repeats the text, and `shown` holds neither user nor query: they may be secrets. */
export function parseProbeAddress(text: string): Parsed<ProbeAddress> {
  return text.startsWith(servicePrefix) ? parseService(text.slice(servicePrefix.length)) : parseUrl(text);
}

function parseUrl(text: string): Parsed<ProbeAddress> {
  const url = /^https?:\/\/\S+$/iu.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return { problem: `this is not an address; ${valid}` };
  if (isLinkLocal(url.hostname)) return { problem: `this is a link-local address, where clouds keep credentials; ${valid}` };
  url.hash = '';
  const query = url.search === '' ? '' : '?…';
  return {
    value: {
      kind: 'url',
      url: url.href,
      shown: `${url.protocol}//${url.host}${url.pathname}${query}`,
      secrets: [url.username, url.password, ...secretsOf(url.search)].flatMap(formsOf),
    },
  };
}

function parseService(text: string): Parsed<ProbeAddress> {
  const [, namespace = '', scheme, name = '', port = '', rawPath = '', query = ''] = servicePattern.exec(text) ?? [];
  if (!isLabel(namespace) || !isLabel(name) || !isPort(port)) return { problem: `this is not a Service; ${valid}` };
  const path = decoded(rawPath.replace(/^\//u, ''));
  // The last one may be empty: a path that ends with a slash.
  const isPlain = path?.split('/').every((part, at, all) => part !== '.' && part !== '..' && (part !== '' || at === all.length - 1));
  if (path === undefined || isPlain !== true) return { problem: `its path has empty, "." or ".." parts, or wrong % signs; ${valid}` };
  const prefix = scheme === 'https' ? 'https:' : '';
  const shown = `${servicePrefix}${namespace}/${prefix}${name}:${port}/${rawPath.replace(/^\//u, '')}${query === '' ? '' : '?…'}`;
  const protocol = scheme === 'https' ? 'https' : 'http';
  return {
    value: { kind: 'service', namespace, name, port, scheme: protocol, path, query, shown, secrets: secretsOf(query).flatMap(formsOf) },
  };
}

/** The values of a query, each may be a token, and the query as a whole. */
function secretsOf(search: string): readonly string[] {
  const query = search.replace(/^\?/u, '');
  return query === '' ? [] : [query, ...query.split('&').map((pair) => pair.replace(/^[^=]*=/u, ''))];
}

function formsOf(text: string): readonly string[] {
  const plain = decoded(text.replaceAll('+', ' '));
  return [...new Set([text, ...(plain === undefined ? [] : [plain])])].filter((form) => form !== '');
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function isPort(text: string): boolean {
  if (!/^\d+$/u.test(text)) return portNamePattern.test(text);
  return text.length <= 5 && Number(text) >= 1 && Number(text) <= 65_535;
}

function isLinkLocal(hostname: string): boolean {
  return hostname.startsWith('169.254.') || /^\[fe[89ab]/u.test(hostname) || /^\[::ffff:a9fe:/u.test(hostname);
}

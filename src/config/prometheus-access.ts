import type { PrometheusAccess, PrometheusAddress } from './config.ts';
import type { InputReader } from './input-reader.ts';
import type { Parsed } from './parsed.ts';
import type { InputName } from './schema.ts';

const names = ['prometheus-token', 'prometheus-username', 'prometheus-password', 'prometheus-ca'] as const;
const secretMax = 16_384;

/** Credentials and certificate for Prometheus. No problem repeats a text: it may be a secret. */
export function readPrometheusAccess(reader: InputReader, address: PrometheusAddress | undefined): PrometheusAccess {
  const given = names.filter((name) => reader.isGiven(name));
  const credentialInputs = given.filter((name) => name !== 'prometheus-ca');
  rejectWhereUseless(reader, given, credentialInputs, address);
  const token = reader.parse('prometheus-token', parseToken);
  const username = reader.parse('prometheus-username', parseUsername);
  const password = reader.parse('prometheus-password', parsePassword);
  const hasToken = given.includes('prometheus-token');
  const hasUsername = given.includes('prometheus-username');
  const hasPassword = given.includes('prometheus-password');
  if (hasToken && (hasUsername || hasPassword)) {
    reader.reject('prometheus-token', 'a token and a user name contradict each other; give one of them');
  } else if (hasUsername !== hasPassword) {
    reader.reject(
      hasUsername ? 'prometheus-username' : 'prometheus-password',
      'prometheus-username and prometheus-password are only valid together',
    );
  }
  return {
    credentials:
      token !== undefined
        ? { kind: 'bearer', token }
        : username !== undefined && password !== undefined
          ? { kind: 'basic', username, password }
          : { kind: 'none' },
    certificateAuthority: reader.text('prometheus-ca'),
  };
}

function rejectWhereUseless(
  reader: InputReader,
  given: readonly InputName[],
  credentialInputs: readonly InputName[],
  address: PrometheusAddress | undefined,
): void {
  const rejectAll = (inputs: readonly InputName[], problem: string): void => {
    for (const name of inputs) reader.reject(name, problem);
  };
  // A wrong address is a problem of its own.
  if (!reader.isGiven('prometheus')) rejectAll(given, 'it needs prometheus, an address like https://prometheus.example.com');
  if (address?.kind === 'service') {
    rejectAll(given, 'the API server asks a Service in our place and passes nothing on; leave it out, or give prometheus as https://…');
  }
  if (address?.kind !== 'url' || !address.url.startsWith('http://')) return;
  if (given.includes('prometheus-ca')) reader.reject('prometheus-ca', 'an http address has no certificate; give prometheus as https://…');
  if (!isLoopback(new URL(address.url).hostname)) {
    rejectAll(
      credentialInputs,
      'over http anybody on the way could read it; give prometheus as https://…, or as service://NAMESPACE/NAME:PORT',
    );
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/u.test(hostname);
}

/** RFC 6750's b68token, and what else some gateways take: visible ASCII without spaces. */
function parseToken(text: string): Parsed<string> {
  if (/^bearer\s/iu.test(text)) return { problem: 'give the token alone, without the word Bearer' };
  if (text.length <= secretMax && /^[\x21-\x7e]+$/u.test(text)) return { value: text };
  return { problem: `this is no token; valid are letters, digits and signs on one line without spaces, ${secretMax} at most` };
}

/** RFC 7617: the colon ends the name. */
function parseUsername(text: string): Parsed<string> {
  if (text.length <= 1_024 && /^[^:\p{Cc}]+$/u.test(text)) return { value: text };
  return { problem: 'this is no user name; valid is one line without ":"' };
}

function parsePassword(text: string): Parsed<string> {
  if (text.length <= secretMax && /^\P{Cc}+$/u.test(text)) return { value: text };
  return { problem: 'this is no password; valid is one line' };
}

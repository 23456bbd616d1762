import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, type Dispatcher } from 'undici';
import type { PrometheusAccess } from '../config/config.ts';
import { UserError } from '../errors.ts';

/** What goes along with every request. */
export type Access = { readonly headers: Readonly<Record<string, string>>; readonly dispatcher: Dispatcher | undefined };

export const noAccess: Access = { headers: {}, dispatcher: undefined };

/** Headers and connection for the given credentials; throws UserError `inputs-invalid` where the certificate cannot be read. */
export function openAccess({ credentials, certificateAuthority }: PrometheusAccess): Access {
  return {
    headers: authorizationOf(credentials),
    dispatcher: certificateAuthority === undefined ? undefined : new Agent({ connect: { ca: readCertificates(certificateAuthority) } }),
  };
}

/** All forms in which the credentials could appear. */
export function secretsOf({ credentials }: PrometheusAccess): readonly string[] {
  if (credentials.kind === 'none') return [];
  return credentials.kind === 'bearer' ? [credentials.token] : [credentials.password, basicOf(credentials)];
}

function authorizationOf(credentials: PrometheusAccess['credentials']): Readonly<Record<string, string>> {
  if (credentials.kind === 'none') return {};
  return { authorization: credentials.kind === 'bearer' ? `Bearer ${credentials.token}` : `Basic ${basicOf(credentials)}` };
}

function basicOf({ username, password }: { readonly username: string; readonly password: string }): string {
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
}

function readCertificates(textOrPath: string): string {
  const text = textOrPath.includes('-----BEGIN') ? textOrPath : contentOf(textOrPath);
  if (text === undefined) throw refused('the file cannot be read');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? [];
  if (blocks.length === 0) throw refused('there is no certificate in it');
  if (!blocks.every(isCertificate)) throw refused('a certificate in it cannot be read');
  return blocks.join('\n');
}

/** Does not repeat the text: a private key may have been given by mistake. */
function refused(problem: string): UserError {
  return new UserError(
    'inputs-invalid',
    `An input is wrong: prometheus-ca: ${problem}; valid is PEM text that begins with -----BEGIN CERTIFICATE-----, or the path of a file of it`,
    'Nothing was sent to the cluster. The inputs are described in the README of the action',
  );
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isCertificate(block: string): boolean {
  try {
    new X509Certificate(block);
    return true;
  } catch {
    return false;
  }
}

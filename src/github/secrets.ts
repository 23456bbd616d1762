import { setSecret } from '@actions/core';

// Shorter ones would blacken half of the log, and protect nothing.
const secretLengthMin = 6;

/**
 * Tells the runner to hide these values, and what else they look like: each line, and a key or a word that base64 hides.
 * Give the fields of a kubeconfig that are secret, never the whole of it: `kind: Config` would be hidden everywhere.
 */
export function maskSecrets(values: readonly string[], mask: (value: string) => void = setSecret): void {
  for (const form of new Set(values.flatMap(formsOf))) mask(form);
}

function formsOf(value: string): readonly string[] {
  return [value, decoded(value)]
    .flatMap((form) => form.split(/\r\n|\r|\n/u))
    .map((line) => line.trim())
    .filter((line) => line.length >= secretLengthMin && !line.startsWith('-----'));
}

function decoded(value: string): string {
  const compact = value.replaceAll(/\s/gu, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]{8,}={0,2}$/u.test(compact)) return '';
  const text = Buffer.from(compact, 'base64').toString('utf8');
  // The bytes of a random token are no secret of their own, nor are the lines of a base64 kubeconfig.
  return text.startsWith('-----BEGIN') || /^[\x20-\x7e]+$/u.test(text) ? text : '';
}

import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { UserError } from '../../errors.ts';
import type { Environment } from './exec-credential.ts';

/** One kubeconfig as text. */
export type KubeConfigSource = {
  /** What messages call it; never a part of its content. */
  readonly label: string;
  readonly text: string;
  /** What its relative paths are relative to. */
  readonly directory: string | undefined;
};

/** Finds the kubeconfig: the input, else every existing file of KUBECONFIG, else ~/.kube/config. None: only in-cluster credentials are left. */
export function findKubeConfigs(input: string | undefined, env: Environment): readonly KubeConfigSource[] {
  if (input !== undefined && input.trim() !== '') return [fromInput(input)];
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) {
    // kubectl's rule: a file of the list that does not exist is passed over.
    const existing = listed.filter((file) => existsSync(file));
    if (existing.length === 0) throw invalid('none of the files in KUBECONFIG exists', `KUBECONFIG is ${listed.join(delimiter)}.`);
    return existing.map((file) => fromFile(file, `${file} (of KUBECONFIG)`));
  }
  const home = env['HOME'] || env['USERPROFILE'];
  const file = home === undefined ? undefined : join(home, '.kube', 'config');
  return file !== undefined && existsSync(file) ? [fromFile(file, file)] : [];
}

function fromInput(input: string): KubeConfigSource {
  const label = 'the input `kubeconfig`';
  const decoded = decodedBase64(input);
  if (decoded !== undefined) return { label, text: decoded, directory: undefined };
  if (looksLikeContent(input) || input.trim().includes('\n')) return { label, text: input, directory: undefined };
  return fromFile(input.trim(), label);
}

function fromFile(file: string, label: string): KubeConfigSource {
  try {
    return { label, text: readFileSync(file, 'utf8'), directory: dirname(resolve(file)) };
  } catch (error) {
    // Not the cause: it repeats the path, and what was taken for one may be a secret that was pasted wrongly.
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw invalid(
      `${label} cannot be read (${code})`,
      'It must be the content of a kubeconfig, the same in base64, or the path of a file on the runner.',
    );
  }
}

// `base64` wraps its lines, so white space says nothing.
function decodedBase64(input: string): string | undefined {
  const joined = input.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(joined)) return undefined;
  const text = Buffer.from(joined, 'base64').toString('utf8');
  return looksLikeContent(text) ? text : undefined;
}

function looksLikeContent(text: string): boolean {
  return /^\s*\{/.test(text) || /^["']?(?:apiVersion|kind|clusters|contexts|users|current-context|preferences)["']?\s*:/m.test(text);
}

function invalid(message: string, hint: string): UserError {
  return new UserError('kubeconfig-invalid', message, hint);
}

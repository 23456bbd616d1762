import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { loadYaml } from '@kubernetes/client-node';
import { messageOf, UserError } from '../errors.ts';
import type { ConfigMapContent } from './config-map-content.ts';

export type ConfigMapFile = { readonly path: string; readonly name: string | undefined };

export type ConfigMapFileOptions = {
  /** Paths are relative to it, and nothing outside of it is read. */
  readonly workspace: string;
  readonly namespace: string;
};

/** What etcd takes, and what the API server says in fewer words: values together, keys left out. */
const bytesMax = 1_048_576;
const keyPattern = /^[-._a-zA-Z0-9]{1,253}$/u;
const namePattern = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/u;
const nameLengthMax = 242;
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

class Problem extends Error {}

/** Reads manifests, files and folders of the repository. Throws one UserError `inputs-invalid` with everything that is wrong, and where. */
export function readConfigMaps(files: readonly ConfigMapFile[], options: ConfigMapFileOptions): readonly ConfigMapContent[] {
  const contents: ConfigMapContent[] = [];
  const problems: string[] = [];
  for (const file of files) {
    try {
      const read = file.name === undefined ? readManifests(file.path, options) : [readFolder(file.name, file.path, options)];
      for (const content of read) {
        checkContent(content, file.path);
        if (contents.some(({ source }) => source === content.source)) throw new Problem(`a second ConfigMap ${content.source}`);
        contents.push(content);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(`- ${file.path}: ${error.message}`);
    }
  }
  if (problems.length === 0) return contents;
  throw new UserError(
    'inputs-invalid',
    ['config-maps: what is named there cannot be released:', ...problems].join('\n'),
    'Nothing was sent to the cluster. Paths are relative to the workspace of the job, which needs a checkout of the repository',
  );
}

/** The real path, links followed: it must lie inside of the workspace. */
function inside(path: string, { workspace }: ConfigMapFileOptions): string {
  const root = realpathSync(workspace);
  let real: string;
  try {
    real = realpathSync(resolve(root, path));
  } catch (error) {
    throw new Problem('there is no such file or folder in the workspace', { cause: error });
  }
  const way = relative(root, real);
  if (way === '..' || way.startsWith(`..${'/'}`) || isAbsolute(way))
    throw new Problem('it lies outside of the workspace, or links to there');
  return real;
}

function readBytes(path: string, options: ConfigMapFileOptions): Buffer {
  const real = inside(path, options);
  const found = statSync(real);
  if (!found.isFile()) throw new Problem(found.isDirectory() ? 'it is a folder; give name=folder' : 'it is no ordinary file');
  if (found.size > bytesMax) throw new Problem(`${path} is ${found.size} bytes; a ConfigMap has room for ${bytesMax}`);
  try {
    return readFileSync(real);
  } catch (error) {
    throw new Problem(`it cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function readFolder(source: string, path: string, options: ConfigMapFileOptions): ConfigMapContent {
  const real = inside(path, options);
  const isFolder = statSync(real).isDirectory();
  // As `kubectl create configmap --from-file`: the files of a folder, not those of the folders in it.
  const names = isFolder
    ? readdirSync(real)
        .sort()
        .filter((name) => statSync(inside(join(path, name), options)).isFile())
    : [];
  const files = isFolder ? names.map((name) => [name, join(path, name)] as const) : [[basename(path), path] as const];
  const data: Record<string, string> = {};
  const binaryData: Record<string, string> = {};
  for (const [key, file] of files) {
    const bytes = readBytes(file, options);
    const text = textOf(bytes);
    if (text === undefined) binaryData[key] = bytes.toString('base64');
    else data[key] = text;
  }
  return { source, data, binaryData, labels: {}, annotations: {} };
}

/** Undefined where it is no UTF-8. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function readManifests(path: string, options: ConfigMapFileOptions): readonly ConfigMapContent[] {
  const text = textOf(readBytes(path, options));
  if (text === undefined) throw new Problem('it is no text in UTF-8; a file becomes a ConfigMap with name=path');
  let documents: readonly unknown[];
  try {
    documents = documentsOf(text).map((document): unknown => loadYaml(document));
  } catch (error) {
    // The parser shows the lines around its place, which may hold anything.
    throw new Problem(`it is no YAML or JSON: ${messageOf(error).split('\n')[0] ?? ''}`, { cause: error });
  }
  if (documents.length === 0) throw new Problem('it is empty');
  return documents.map((document) => contentOf(document, options));
}

/** The library stumbles over an empty document. At the start of a line `---` is always a separator, even in a block of text. */
function documentsOf(text: string): readonly string[] {
  return text.split(/^---(?=\s|$)/mu).filter((part) => part.split('\n').some((line) => line.trim() !== '' && !line.trim().startsWith('#')));
}

function contentOf(document: unknown, { namespace }: ConfigMapFileOptions): ConfigMapContent {
  const manifest = mapOf(document, 'the manifest');
  const [apiVersion, kind] = [manifest['apiVersion'], manifest['kind']].map(String);
  if (apiVersion !== 'v1' || kind !== 'ConfigMap')
    throw new Problem(`it is a ${kind} of ${apiVersion}; only ConfigMaps of v1 can be released`);
  const metadata = mapOf(manifest['metadata'] ?? {}, 'metadata');
  const { name: source, namespace: itsNamespace } = metadata;
  if (typeof source !== 'string' || source.length > nameLengthMax || !namePattern.test(source))
    throw new Problem(`metadata.name must be a name of at most ${nameLengthMax} lower case letters, digits, "-" and "."`);
  if (itsNamespace !== undefined && itsNamespace !== namespace)
    throw new Problem(`metadata.namespace is ${String(itsNamespace)}, the Deployment is in ${namespace}`);
  const { [lastApplied]: _, ...annotations } = stringsOf(metadata['annotations'], 'metadata.annotations');
  return {
    source,
    data: stringsOf(manifest['data'], 'data'),
    // As the API server gives it back: YAML folds long lines.
    binaryData: withoutSpace(stringsOf(manifest['binaryData'], 'binaryData')),
    labels: stringsOf(metadata['labels'], 'metadata.labels'),
    annotations,
  };
}

function withoutSpace(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value.replaceAll(/\s/gu, '')]));
}

function mapOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Problem(`${where} is not a mapping`);
  return value as Readonly<Record<string, unknown>>;
}

function stringsOf(value: unknown, where: string): Readonly<Record<string, string>> {
  const entries = Object.entries(mapOf(value ?? {}, where));
  const bad = entries.find(([, inner]) => typeof inner !== 'string');
  if (bad !== undefined) throw new Problem(`${where}.${bad[0]} is not a text; put it into quotes`);
  return Object.fromEntries(entries) as Readonly<Record<string, string>>;
}

function checkContent({ source, data, binaryData }: ConfigMapContent, path: string): void {
  const keys = [...Object.keys(data), ...Object.keys(binaryData)];
  if (keys.length === 0) throw new Problem(`the ConfigMap ${source} has no keys`);
  const bad = keys.find((key) => !keyPattern.test(key) || key === '.' || key.startsWith('..'));
  if (bad !== undefined) throw new Problem(`${bad} cannot be a key; valid are letters, digits, "-", "_" and "."`);
  const twice = Object.keys(data).find((key) => key in binaryData);
  if (twice !== undefined) throw new Problem(`the key ${twice} stands in data and in binaryData`);
  const noBase64 = Object.entries(binaryData).find(([, value]) => Buffer.from(value, 'base64').toString('base64') !== value);
  if (noBase64 !== undefined) throw new Problem(`binaryData.${noBase64[0]} is no base64`);
  const texts = Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const bytes = Object.values(binaryData).reduce((sum, text) => sum + Buffer.byteLength(text, 'base64'), texts);
  if (bytes > bytesMax) throw new Problem(`the ConfigMap ${source} (${path}) is ${bytes} bytes; there is room for ${bytesMax}`);
}

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { type ConfigMapContent, configMapManifest, isVersionOf, versionOf } from '../../src/kubernetes/config-map-content.ts';
import { type ConfigMapFile, readConfigMaps } from '../../src/kubernetes/config-map-files.ts';
import { plan } from '../rollout/scene.ts';

let outside = '';
let workspace = '';

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'config-maps-'));
  workspace = join(outside, 'workspace');
  mkdirSync(workspace);
  writeFileSync(join(outside, 'secret'), 'nobody may read this');
});
afterEach(() => rmSync(outside, { recursive: true }));

function files(contents: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), content);
  }
}

const read = (...sources: readonly ConfigMapFile[]): readonly ConfigMapContent[] =>
  readConfigMaps(sources, { workspace, namespace: 'shop' });
const manifest = (path: string): ConfigMapFile => ({ path, name: undefined });
const from = (name: string, path: string): ConfigMapFile => ({ path, name });

function problemOf(...sources: readonly ConfigMapFile[]): string {
  try {
    read(...sources);
  } catch (error) {
    if (error instanceof UserError && error.code === 'inputs-invalid') return error.message;
    throw error;
  }
  return 'none';
}

describe('readConfigMaps', () => {
  test('reads manifests, several in one file too, and leaves out what kubectl has noted', () => {
    files({
      'k8s/all.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  labels: {team: shop}\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: x, owner: me}\ndata:\n  MODE: "1"\nbinaryData:\n  logo: |\n    /wD/\n    AAA=\n---\n---\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"a": "b"}}\n',
    });
    expect(read(manifest('k8s/all.yaml'))).toEqual([
      { source: 'web', data: { MODE: '1' }, binaryData: { logo: '/wD/AAA=' }, labels: { team: 'shop' }, annotations: { owner: 'me' } },
      { source: 'other', data: { a: 'b' }, binaryData: {}, labels: {}, annotations: {} },
    ]);
  });

  test('makes a ConfigMap of a file, or of the files of a folder', () => {
    files({ 'conf/app.toml': 'a = 1\n', 'conf/deep/not': 'x', 'conf/logo.bin': new Uint8Array([0xff, 0, 1]) });
    symlinkSync('app.toml', join(workspace, 'conf/link'));
    expect(read(from('web', 'conf'), from('one', './conf/app.toml'))).toEqual([
      { source: 'web', data: { 'app.toml': 'a = 1\n', link: 'a = 1\n' }, binaryData: { 'logo.bin': '/wAB' }, labels: {}, annotations: {} },
      { source: 'one', data: { 'app.toml': 'a = 1\n' }, binaryData: {}, labels: {}, annotations: {} },
    ]);
  });

  test.each<[string, Record<string, string>, ConfigMapFile, string]>([
    ['is not there', {}, manifest('a.yaml'), 'a.yaml: there is no such file'],
    ['is outside', {}, from('web', '../secret'), 'outside of the workspace'],
    ['is outside, by its whole path', {}, from('web', '/etc/hostname'), 'outside of the workspace'],
    ['is a folder', { 'a/b': '' }, manifest('a'), 'it is a folder; give name=folder'],
    ['is empty', { a: '\n---\n' }, manifest('a'), 'it is empty'],
    ['is no YAML', { a: '{' }, manifest('a'), 'it is no YAML'],
    ['is a list', { a: '- a' }, manifest('a'), 'the manifest is not a mapping'],
    ['is another kind', { a: 'apiVersion: v1\nkind: Secret' }, manifest('a'), 'it is a Secret of v1'],
    ['has no name', { a: 'apiVersion: v1\nkind: ConfigMap' }, manifest('a'), 'metadata.name'],
    [
      'is for another namespace',
      { a: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}' },
      manifest('a'),
      'is b, the Deployment is in shop',
    ],
    [
      'has a number',
      { a: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {A: 1}' },
      manifest('a'),
      'data.A is not a text; put it into quotes',
    ],
    [
      'has no base64',
      { a: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbinaryData: {A: "?"}' },
      manifest('a'),
      'binaryData.A is no base64',
    ],
    ['has no keys', { a: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}' }, manifest('a'), 'has no keys'],
    ['has a key that is none', { 'a/b c': '' }, from('web', 'a'), 'b c cannot be a key'],
    ['is too large', { a: 'x'.repeat(1_048_577) }, from('web', 'a'), 'is 1048577 bytes; a ConfigMap has room for 1048576'],
    ['is too large in all', { 'a/b': 'x'.repeat(600_000), 'a/c': 'x'.repeat(600_000) }, from('web', 'a'), 'is 1200000 bytes'],
  ])('refuses what %s', (_title, contents, source, problem) => {
    files(contents);
    expect(problemOf(source)).toContain(problem);
  });

  test('follows no link out of the workspace', () => {
    files({ 'conf/a': '' });
    symlinkSync(join(outside, 'secret'), join(workspace, 'conf/b'));
    symlinkSync(outside, join(workspace, 'out'));
    expect(problemOf(from('web', 'conf'))).toContain('outside of the workspace');
    expect(problemOf(from('web', 'out/secret'))).toContain('outside of the workspace');
  });

  test('says everything at once', () => {
    files({ a: 'x' });
    expect(problemOf(manifest('b'), manifest('c'), from('web', 'a')).split('\n')).toHaveLength(3);
    expect(problemOf(from('web', 'a'), from('web', 'a'))).toContain('a second ConfigMap web');
  });
});

describe('versionOf', () => {
  const content = { source: 'web', data: { a: '1', b: '2' }, binaryData: {}, labels: {}, annotations: {} };
  const name = (changes: Partial<ConfigMapContent> = {}, deployment = 'web'): string =>
    versionOf({ ...content, ...changes }, deployment).name;

  test('is the same for the same content, and another for any other, or another Deployment', () => {
    expect(name()).toMatch(/^web-[0-9a-f]{10}$/u);
    expect(name({ data: { b: '2', a: '1' } })).toBe(name());
    const others = [name({ data: { a: '1', b: '3' } }), name({ data: { a: '1' }, binaryData: { b: '2' } }), name({}, 'api')];
    expect(new Set([name(), ...others]).size).toBe(4);
  });

  test('is told from an object that bears its name', () => {
    const version = versionOf(content, 'web');
    const ours = configMapManifest(content, version, plan(), 'job-1');
    expect(ours.metadata?.ownerReferences).toEqual([expect.objectContaining({ kind: 'Job', uid: 'job-1', controller: false })]);
    expect(isVersionOf(ours, version, plan())).toBe(true);
    expect(isVersionOf({ ...ours, data: { a: '1' } }, version, plan())).toBe(false);
    expect(isVersionOf({ ...ours, metadata: { ...ours.metadata, labels: {} } }, version, plan())).toBe(false);
  });
});

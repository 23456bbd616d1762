import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeHistory } from '../../src/rollout/history/history.ts';
import { describeRevisions, type FoundRevisions, type PodTemplate, parseChangeCause } from '../../src/rollout/history/revisions.ts';
import { chooseRevision, rollbackOutcome, rollbackRequest } from '../../src/rollout/history/rollback.ts';
import { nowMs } from './scene.ts';

const container = (name: string, image: string, more: object = {}): object => ({ name, image, ...more });
const template = (containers: readonly object[], more: object = {}): PodTemplate => ({ metadata: {}, spec: { containers, ...more } });
const v1 = template([container('app', 'app:v1'), container('proxy', 'proxy:v1')]);
const v2 = template([container('app', 'app:v2'), container('proxy', 'proxy:v1')]);

function found(current: number | undefined, ...revisions: readonly number[]): FoundRevisions {
  const one = (revision: number) => ({ revision, template: v1, changeCause: undefined, createdAtMs: nowMs - 60_000, replicas: 0 });
  return { nowMs, current, template: v2, revisions: revisions.map(one).sort((a, b) => b.revision - a.revision) };
}

describe('chooseRevision', () => {
  test.each<[string, FoundRevisions, number | undefined, object]>([
    ['the one before', found(5, 3, 4, 5), undefined, { kind: 'revision', found: { revision: 4 } }],
    ['the newest other, where the current one is an old one made new', found(6, 2, 5, 6), undefined, { found: { revision: 5 } }],
    ['a named one', found(5, 3, 4, 5), 3, { found: { revision: 3 } }],
    ['the current one', found(5, 4, 5), 5, { kind: 'current', revision: 5 }],
    ['one that is gone', found(12, 3, 12, 11), 2, { kind: 'problem', hint: expect.stringContaining('these exist: 3, 11, 12') }],
    ['no other', found(1, 1), undefined, { kind: 'problem', message: expect.stringContaining('no other revision') }],
    ['none at all', found(undefined), 1, { kind: 'problem', hint: expect.stringContaining('there is none') }],
  ])('%s', (_, revisions, toRevision, expected) => {
    expect(chooseRevision(revisions, toRevision)).toMatchObject(expected);
  });
});

describe('rollbackRequest', () => {
  const images = (then: PodTemplate, now: PodTemplate, containers: readonly string[] = []) => {
    const request = rollbackRequest(then, now, containers).images;
    return request.kind === 'by-container' ? request.images : undefined;
  };
  const left = (then: PodTemplate, now: PodTemplate) => rollbackRequest(then, now, []).notRolledBack;

  test('the containers whose image differs, or those that were named', () => {
    expect(images(v1, v2)).toEqual({ app: 'app:v1' });
    expect(images(v1, v2, ['proxy'])).toEqual({ proxy: 'proxy:v1' });
    expect(images(v1, v1)).toEqual({});
    expect(images(v1, v2, ['nobody'])).toEqual({ nobody: '' });
  });

  test('init containers and native sidecars, too', () => {
    const one = (image: string) => template([container('app', 'app:v1')], { initContainers: [container('migrate', image)] });
    expect(images(one('migrate:v1'), one('migrate:v2'))).toEqual({ migrate: 'migrate:v1' });
    expect(left(one('migrate:v1'), one('migrate:v2'))).toEqual([]);
  });

  test('a container that only one of them has stays as it is, and is named', () => {
    const one = template([container('app', 'app:v1')]);
    expect(images(one, v2)).toEqual({ app: 'app:v1' });
    expect(left(one, v2)).toEqual(['container proxy']);
    expect(left(v2, one)).toEqual(['container proxy']);
  });

  test.each<[string, PodTemplate, PodTemplate, readonly string[]]>([
    ['nothing', v1, v2, []],
    ['an order of keys', { spec: { a: 1, b: 2 } }, { spec: { b: 2, a: 1 } }, []],
    ['what is absent and what is empty', { spec: { volumes: [] } }, { spec: {} }, []],
    ["the ReplicaSet's own label", { metadata: { labels: { 'pod-template-hash': 'x' } }, spec: {} }, { metadata: {}, spec: {} }, []],
    ['a label', { metadata: { labels: { tier: 'a' } } }, { metadata: { labels: { tier: 'b' } } }, ['label tier']],
    [
      'variables that come from elsewhere, by name and without a value; literals are rolled back',
      template([
        container('app', 'app:v1', {
          env: [
            { name: 'TOKEN', value: 'secret-1' },
            { name: 'MODE', value: 'a' },
          ],
        }),
      ]),
      template([container('app', 'app:v2', { env: [{ name: 'TOKEN', valueFrom: {} }, { name: 'NEW' }, { name: 'IP', valueFrom: {} }] })]),
      ['env TOKEN of container app', 'env IP of container app'],
    ],
    [
      'a field of a container',
      template([container('app', 'a', { tty: true })]),
      template([container('app', 'b')]),
      ['tty of container app'],
    ],
    ['a volume', template([], { volumes: [{ name: 'data', a: 1 }] }), template([], { volumes: [{ name: 'data', a: 2 }] }), ['volume data']],
    ['a field of the pod', template([], { hostNetwork: true }), template([]), ['hostNetwork']],
  ])('differs in %s', (_, then, now, expected) => {
    expect(left(then, now)).toEqual(expected);
  });

  test('never throws, and never shows a value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (then, now) => {
        const secret = (value: unknown): PodTemplate => ({ spec: { containers: [{ name: 'app', image: 'i', env: value }], x: value } });
        const { notRolledBack } = rollbackRequest(secret(then), secret([...[now], 'hidden-value']), []);
        expect(notRolledBack.join()).not.toContain('hidden-value');
      }),
    );
  });
});

test.each([
  [
    { result: 'promoted', reason: 'gates-passed' },
    { result: 'rolled-back', reason: 'rollback-done' },
  ],
  [
    { result: 'promoted', reason: 'unproved' },
    { result: 'rolled-back', reason: 'unproved' },
  ],
  [
    { result: 'rolled-back', reason: 'crash' },
    { result: 'failed', reason: 'crash', because: expect.stringContaining('itself taken back') },
  ],
  [
    { result: 'inconclusive', reason: 'quota' },
    { result: 'inconclusive', reason: 'quota' },
  ],
  [
    { result: 'failed', reason: 'lock-lost' },
    { result: 'failed', reason: 'lock-lost' },
  ],
] as const)('a rollback whose release ended as %j', (outcome, expected) => {
  expect(rollbackOutcome({ ...outcome, because: 'so', evidence: [] }, 3)).toMatchObject(expected);
});

describe('parseChangeCause', () => {
  test.each([
    [
      'image web:v2, commit abc1234, run https://github.com/a/b/actions/runs/1, by alice',
      'https://github.com/a/b/actions/runs/1',
      'abc1234',
      'alice',
    ],
    ['abc1234 https://ci.example/1 by dependabot[bot] web:v2', 'https://ci.example/1', undefined, 'dependabot[bot]'],
    [`kubectl set image deploy/web app=x@sha256:${'a'.repeat(64)}`, undefined, undefined, undefined],
    [`released ${'b'.repeat(40)}`, undefined, 'b'.repeat(40), undefined],
    ['sha: 0123456789abcdef', undefined, '0123456789abcdef', undefined],
    ['', undefined, undefined, undefined],
  ])('%s', (text, run, commit, actor) => {
    expect(parseChangeCause(text)).toEqual({ run, commit, actor });
  });

  test('is quick whatever the text', () => {
    const started = performance.now();
    parseChangeCause(`by ${'a.'.repeat(100_000)} commit ${'0'.repeat(100_000)} http${'://'.repeat(100_000)}`);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

test('the history is a table, one line a revision', () => {
  const revisions = describeRevisions({
    ...found(2),
    current: 2,
    revisions: [
      { revision: 2, template: v2, changeCause: 'two\nlines', createdAtMs: nowMs - 3_600_000, replicas: 4 },
      { revision: 1, template: v1, changeCause: undefined, createdAtMs: nowMs - 86_400_000 * 3, replicas: 0 },
    ],
  });
  expect(describeHistory(revisions)).toEqual([
    'revision     images                     pods  age  change-cause',
    '2 (current)  app=app:v2 proxy=proxy:v1  4     1h   two lines',
    '1            app=app:v1 proxy=proxy:v1  0     3d   -',
  ]);
});

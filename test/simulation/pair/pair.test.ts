import { describe, expect, test } from 'vitest';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import type { Accident } from './client.ts';
import { namespace, newName, oldName, type Played, play, type Story, story } from './play.ts';

const found = 'app 5 v1, app-v2 0 v0';
const released = 'app 0 v1, app-v2 5 v2';
const nextReleased = 'app 0 v1, app-v2 5 v3';

const stories: Readonly<Record<string, { readonly story: Story; readonly end: string; readonly standing: string }>> = {
  good: { story: story(), end: 'promoted gates-passed', standing: released },
  bad: { story: story({ tag: 'crash' }), end: 'rolled-back crash', standing: found },
  'cancelled between two shares': { story: story({ cancelledAfterMs: 9_000 }), end: 'rolled-back cancelled', standing: found },
  'cancelled near the end': { story: story({ cancelledAfterMs: 15_500 }), end: 'rolled-back cancelled', standing: found },
};

/** With the log of the run where something is wrong. */
function check({ log, broken, left }: Played): void {
  expect(broken, log.join('\n')).toEqual([]);
  expect(left, log.join('\n')).toEqual([]);
}

describe('a pair of Deployments', () => {
  test.each(Object.entries(stories))('%s', async (_name, told) => {
    const played = await play(told.story);
    expect(played.end, played.log.join('\n')).toBe(told.end);
    expect(played.standing).toBe(told.standing);
    check(played);
  });

  test.each([
    ['one replica', story({ replicas: 1, maxUnavailable: 0, steps: [50] }), 'app 0 v1, app-v2 1 v2'],
    [
      'two replicas at 75 %, where Argo Rollouts would have none',
      story({ replicas: 2, maxUnavailable: 0, steps: [75] }),
      'app 0 v1, app-v2 2 v2',
    ],
    [
      'ten replicas, three at a time',
      story({ replicas: 10, maxSurge: 3, maxUnavailable: 2, steps: [10, 30, 95] }),
      'app 0 v1, app-v2 10 v2',
    ],
    ['no surge allowed', story({ maxSurge: 0, maxUnavailable: 1 }), released],
    ['the second one serves already', story({ replicas: 4, newReplicas: 2, steps: [20, 50] }), 'app 0 v1, app-v2 6 v2'],
    ['all at once', story({ steps: [50], maxSurge: 5 }), released],
  ])('%s', async (_name, told, standing) => {
    const played = await play(told);
    expect(played.end, played.log.join('\n')).toBe('promoted gates-passed');
    expect(played.standing).toBe(standing);
    check(played);
  });

  test('judged by metrics, a good image passes and one with errors goes back', async () => {
    const good = await play(story({ metrics: true, replicas: 4, steps: [25, 75] }));
    expect(good.end, good.log.join('\n')).toBe('promoted gates-passed');
    expect([good.broken, Object.keys(good.replayed)]).toEqual([[], ['pair-step pass', 'pair-finishing pass']]);
    const bad = await play(story({ metrics: true, replicas: 4, steps: [25, 75], tag: 'errors' }));
    expect(bad.end, bad.log.join('\n')).toBe('rolled-back metrics-failed');
    expect(bad.standing).toBe('app 4 v1, app-v2 0 v0');
    expect(bad.left).toEqual([]);
    expect([bad.broken.filter((one) => one.startsWith('replay')), Object.keys(bad.replayed)]).toEqual([[], ['pair-step fail']]);
    // What the bad version answered is its own; nobody else failed.
    const { byVersion } = bad.sandbox.traffic.clientStats();
    expect(Object.entries(byVersion).filter(([version, { failed }]) => version !== 'errors' && failed > 0)).toEqual([]);
  });

  test('judged by its share of the traffic, one that hangs goes back, and one that answers does not', async () => {
    const spec = { minTraffic: 0.5, timeoutMs: 600_000 };
    const bad = await play(story({ metrics: true, replicas: 4, steps: [25, 50], tag: 'hangs', spec }));
    expect(bad.end, bad.log.join('\n')).toBe('rolled-back traffic-vanished');
    expect(bad.standing).toBe('app 4 v1, app-v2 0 v0');
    expect([bad.broken.filter((one) => one.startsWith('replay')), Object.keys(bad.replayed)]).toEqual([[], ['pair-step fail']]);
    const good = await play(story({ metrics: true, replicas: 4, steps: [25, 50], spec: { ...spec, minDurationMs: 240_000 } }));
    expect(good.end, good.log.join('\n')).toBe('promoted gates-passed');
    expect([good.broken, Object.keys(good.replayed)]).toEqual([[], ['pair-step pass', 'pair-finishing pass']]);
  });

  test('never ready, goes back with what was found, even where that serves', async () => {
    const played = await play(story({ replicas: 4, newReplicas: 1, tag: 'never-ready', steps: [40] }));
    expect(played.end, played.log.join('\n')).toMatch(/^rolled-back (?:probe-failed|not-ready)$/);
    expect(played.standing).toBe('app 4 v1, app-v2 1 v0');
    check(played);
  });
});

const accidents: readonly Accident[] = ['dies-before', 'dies-after'];
const repairs = ['post', 'next'] as const;
const all = process.env['ALL'] === '1';

describe('a process that dies', () => {
  test.each(Object.entries(stories))(
    'at any write (%s), is made good by the post step or by the next run',
    async (name, told) => {
      const { writes } = await play(told.story);
      expect(writes.length).toBeGreaterThan(10);
      for (const [at, repair] of repairs.entries()) {
        for (const [way, kind] of accidents.entries()) {
          for (let write = 0; write < writes.length; write += 1) {
            // Every write each time, in one of the ways by turns; with ALL=1 in each.
            if (!all && write % 4 !== at * 2 + way) continue;
            const played = await play(told.story, { write, kind }, repair);
            const where = `${name}: ${kind} write ${write} (${writes[write]?.slice(0, 80)}), ${repair}: ${played.end}\n${played.log.join('\n')}`;
            const allowed = repair === 'post' ? [found, released] : [found, released, nextReleased];
            expect(allowed, where).toContain(played.standing);
            expect(played.broken, where).toEqual([]);
            if (played.end.startsWith('thrown')) {
              // The run before had gone all the way: the next one is told to exchange the two.
              expect([repair, played.standing], where).toEqual(['next', released]);
              expect(played.end, where).toContain('the release before went there');
              continue;
            }
            if (played.end !== 'nothing remembered' && played.end !== 'nothing left') expect(played.left, where).toEqual([]);
            if (repair === 'next' && told.story.tag === 'v2') expect([nextReleased, released], where).toContain(played.standing);
          }
        }
      }
    },
    600_000,
  );

  test.each(Object.entries(stories))(
    'loses a write, its answer, or sees it arrive late (%s)',
    async (_name, told) => {
      const { writes } = await play(told.story);
      for (const [way, kind] of (['lost', 'answer-lost', 'late'] as const).entries()) {
        for (let write = 0; write < writes.length; write += 1) {
          if (!all && write % 3 !== way) continue;
          const played = await play(told.story, { write, kind });
          const where = `${kind} write ${write} (${writes[write]?.slice(0, 80)}): ${played.end}\n${played.log.join('\n')}`;
          expect([found, released], where).toContain(played.standing);
          if (told.end.startsWith('rolled-back crash')) expect(played.standing, where).toBe(found);
          expect(played.broken, where).toEqual([]);
          expect(played.left, where).toEqual([]);
        }
      }
    },
    600_000,
  );
});

describe('people', () => {
  const scale = (name: string, replicas: number) => (sandbox: Sandbox) => change(sandbox, name, (spec) => ({ ...spec, replicas }));
  const image = (name: string, tag: string) => (sandbox: Sandbox) =>
    change(sandbox, name, (spec) => JSON.parse(JSON.stringify(spec).replaceAll(/shop\/web:[\w-]+/gu, `shop/web:${tag}`)) as typeof spec);

  test.each([
    ['scales the first', scale(oldName, 9), 'failed changed-by-others', 'app 9 v1, app-v2 0 v0'],
    ['scales the second', scale(newName, 4), 'failed changed-by-others', 'app 5 v1, app-v2 4 v0'],
    ['changes the image of the second', image(newName, 'v3'), 'failed changed-by-others', 'app 5 v1, app-v2 0 v3'],
    ['changes the image of the first', image(oldName, 'v3'), 'rolled-back changed-by-others', 'app 5 v3, app-v2 0 v0'],
    [
      'deletes the second',
      (sandbox: Sandbox) => sandbox.remove('deployments', namespace, newName),
      'rolled-back deployment-deleted',
      'app 5 v1, app-v2 gone',
    ],
    ['deletes the Job', (sandbox: Sandbox) => sandbox.remove('jobs', namespace, 'app-rollout'), 'rolled-back lock-lost', found],
    ['takes our label away', (sandbox: Sandbox) => unlabel(sandbox, newName), 'rolled-back fence-lost', found],
    ['deletes the first', (sandbox: Sandbox) => sandbox.remove('deployments', namespace, oldName), 'failed deployment-deleted', undefined],
  ] as const)('somebody %s between two shares', async (_name, act, end, standing) => {
    const played = await play(story({ deed: { afterMs: 5_200, act } }));
    expect(played.end, played.log.join('\n')).toBe(end);
    if (standing !== undefined) expect(played.standing, played.log.join('\n')).toBe(standing);
    expect(played.left, played.log.join('\n')).toEqual([]);
  });
});

type Spec = NonNullable<ReturnType<typeof read>>['spec'];

function read(sandbox: Sandbox, name: string) {
  return sandbox.get('deployments', namespace, name);
}

function change(sandbox: Sandbox, name: string, to: (spec: Spec) => Spec): void {
  const found = read(sandbox, name);
  if (found !== undefined) sandbox.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: found.metadata, spec: to(found.spec) });
}

function unlabel(sandbox: Sandbox, name: string): void {
  const found = read(sandbox, name);
  if (found === undefined) return;
  const { 'gated-rollout.github.io/rollout': _fence, ...labels } = found.metadata.labels ?? {};
  sandbox.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { ...found.metadata, labels }, spec: found.spec });
}

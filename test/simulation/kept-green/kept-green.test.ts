import { describe, expect, test } from 'vitest';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import type { Accident } from '../pair/client.ts';
import { type Played, play, type Story } from './play.ts';
import { blueName, greenName, namespace } from './scene.ts';

const found = 'blue: app 4 v1, app-2 1 v0';
const released = 'green: app 1 v1, app-2 4 v2';
const nextReleased = 'green: app 1 v1, app-2 4 v3';

const good: Story = { greenReplicas: 1, tag: 'v2' };
const stories: Readonly<Record<string, { readonly story: Story; readonly end: string; readonly standing: string }>> = {
  good: { story: good, end: 'promoted gates-passed', standing: released },
  bad: { story: { ...good, tag: 'crash' }, end: 'rolled-back crash', standing: found },
  'cancelled without traffic': { story: { ...good, cancelledAfterMs: 3_000 }, end: 'rolled-back cancelled', standing: found },
  'cancelled while green serves': { story: { ...good, cancelledAfterMs: 5_500 }, end: 'rolled-back cancelled', standing: found },
};

function check({ log, broken, left }: Played): void {
  expect(broken, log.join('\n')).toEqual([]);
  expect(left, log.join('\n')).toEqual([]);
}

describe('a flip between two Deployments of the user', () => {
  test.each(Object.entries(stories))('%s', async (_name, told) => {
    const played = await play(told.story);
    expect(played.end, played.log.join('\n')).toBe(told.end);
    expect(played.standing).toBe(told.standing);
    check(played);
  });

  test.each([
    ['none', 0, 'green: app 0 v1, app-2 4 v2'],
    ['as many', 4, 'green: app 4 v1, app-2 4 v2'],
    ['more', 6, 'green: app 4 v1, app-2 6 v2'],
  ])('green is found with %s', async (_name, greenReplicas, standing) => {
    const played = await play({ ...good, greenReplicas });
    expect(played.standing, played.log.join('\n')).toBe(standing);
    check(played);
    const back = await play({ ...good, greenReplicas, tag: 'crash' });
    expect(back.standing, back.log.join('\n')).toBe(`blue: app 4 v1, app-2 ${greenReplicas} v0`);
    check(back);
  });
});

const deaths: readonly Accident[] = ['dies-before', 'dies-after'];
const repairs = ['post', 'next'] as const;
const all = process.env['ALL'] === '1';

describe('a process that dies', () => {
  test.each(Object.entries(stories))(
    'at any write (%s), is made good by the post step or by the next run',
    async (name, told) => {
      const { writes } = await play(told.story);
      expect(writes.length).toBeGreaterThan(10);
      for (const [at, repair] of repairs.entries()) {
        for (const [way, kind] of deaths.entries()) {
          for (let write = 0; write < writes.length; write += 1) {
            // Every write each time, in one of the ways by turns; with ALL=1 in each.
            if (!all && write % 4 !== at * 2 + way) continue;
            const played = await play(told.story, { write, kind }, repair);
            const where = `${name}: ${kind} write ${write} (${writes[write]?.slice(0, 80)}), ${repair}: ${played.end}\n${played.log.join('\n')}`;
            expect(played.broken, where).toEqual([]);
            if (repair === 'next' && played.end.startsWith('thrown')) {
              // The run before had gone all the way: the next one is told to exchange the two.
              expect(played.standing, where).toBe(released);
              expect(played.end, where).toContain('leads to app-2 already');
              continue;
            }
            expect(repair === 'post' ? [found, released] : [nextReleased], where).toContain(played.standing);
            if (played.end !== 'nothing remembered' && played.end !== 'nothing left') expect(played.left, where).toEqual([]);
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
          if (told.end === 'rolled-back crash') expect(played.standing, where).toBe(found);
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
  const lead = (selector: Record<string, string>) => (sandbox: Sandbox) => {
    const service = sandbox.get('services', namespace, 'web');
    if (service !== undefined) sandbox.put('services', { ...service, spec: { ...service.spec, selector } });
  };

  test.each([
    ['scales blue', scale(blueName, 9), (played: Played) => expect(played.standing).toContain('app 9 ')],
    ['scales green', scale(greenName, 3), (played: Played) => expect(played.standing).toMatch(/app-2 (?:3|4) /u)],
    ['changes the image of green', image(greenName, 'v3'), (played: Played) => expect(played.standing).toMatch(/app-2 \d v3/u)],
    ['changes the image of blue', image(blueName, 'v3'), (played: Played) => expect(played.standing).toMatch(/app \d v3/u)],
    ['leads the Service elsewhere', lead({ app: 'maintenance' }), (played: Played) => expect(played.standing).toContain('nobody')],
    [
      'leads the Service back',
      lead({ app: 'web', colour: 'blue' }),
      (played: Played, isShrunk: boolean) => {
        // Who leads a Service to a blue that has been scaled already sees how many pods it has.
        if (!isShrunk) expect(played.standing).toMatch(/^green: app 1 |app 4 /u);
      },
    ],
    ['deletes green', (sandbox: Sandbox) => sandbox.remove('deployments', namespace, greenName), () => undefined],
    ['deletes blue', (sandbox: Sandbox) => sandbox.remove('deployments', namespace, blueName), () => undefined],
    ['deletes the Job', (sandbox: Sandbox) => sandbox.remove('jobs', namespace, `${blueName}-rollout`), () => undefined],
  ] as const)(
    'somebody %s before any write: it stands, and nothing of ours is left',
    async (_name, deed, stands) => {
      const { writes } = await play(good);
      for (let write = 1; write < writes.length; write += 1) {
        const played = await play(good, { write, deed });
        const where = `before write ${write} (${writes[write]?.slice(0, 80)}): ${played.end}\n${played.log.join('\n')}`;
        expect(played.left, where).toEqual([]);
        expect(played.end, where).not.toMatch(/^(?:thrown|died)/u);
        try {
          stands(
            played,
            writes.slice(0, write).some((line) => line.includes(`deployments/${blueName} `) && line.includes('/spec/replicas')),
          );
        } catch (error) {
          throw new Error(where, { cause: error });
        }
      }
    },
    300_000,
  );
});

type Spec = NonNullable<ReturnType<typeof read>>['spec'];

function read(sandbox: Sandbox, name: string) {
  return sandbox.get('deployments', namespace, name);
}

function change(sandbox: Sandbox, name: string, to: (spec: Spec) => Spec): void {
  const seen = read(sandbox, name);
  if (seen !== undefined) sandbox.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: seen.metadata, spec: to(seen.spec) });
}

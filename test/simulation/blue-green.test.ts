import { describe, expect, test } from 'vitest';
import type { ImageBehaviour, Sandbox } from '../../sandbox/sandbox.ts';
import { namespace } from '../process/scene.ts';
import { blueGreenMutants } from './blue-green-mutants.ts';
import { type Played, playBlueGreen, type Script } from './blue-green-play.ts';
import { loadMutant } from './mutants.ts';
import { original } from './subject.ts';

const services = ['admin', 'web'];
const two = { services };
/** Of a good run over two Services, heartbeats left out: the rest of the file goes through each of them. */
const writesMax = 32;
/** Writes that certainly come: after them nobody edits anything. */
const editedWrites = 24;
const everyWrite = Array.from({ length: writesMax }, (_, index) => index + 1);

const editService = (sandbox: Sandbox): void => {
  const service = sandbox.get('services', namespace, 'web');
  if (service !== undefined) sandbox.put('services', { ...service, spec: { ...service.spec, selector: { app: 'maintenance' } } });
};
const editImage = (sandbox: Sandbox): void => {
  const found = sandbox.get('deployments', namespace, 'web');
  const [container] = found?.spec.template.spec.containers ?? [];
  if (found === undefined || container === undefined) return;
  const template = { ...found.spec.template, spec: { ...found.spec.template.spec, containers: [{ ...container, image: 'shop/web:v3' }] } };
  sandbox.apply({ ...found, spec: { ...found.spec, template } });
};
const deleteJob = (sandbox: Sandbox): void => sandbox.remove('jobs', namespace, 'web-rollout');

const undisturbed: readonly (Script & { readonly ends: string })[] = [
  { name: 'good', ...two, ends: 'promoted gates-passed' },
  { name: 'crash', ...two, image: { crashAtStart: true }, ends: 'rolled-back crash' },
  { name: 'crashes later', ...two, image: { startMs: 200, readyMs: 100, crashAfterMs: 5_500 }, ends: 'rolled-back not-ready' },
];
const deaths: readonly Script[] = everyWrite.flatMap((write) =>
  (['dies-before', 'dies-after'] as const).flatMap((kind) =>
    (['post', 'next'] as const).map(
      (repair): Script => ({ name: `${kind} write ${write}, then ${repair}`, ...two, at: { write, fate: { kind } }, repair }),
    ),
  ),
);
const lost: readonly Script[] = everyWrite.map((write) => ({
  name: `the answer to write ${write} is lost`,
  ...two,
  at: { write, fate: { kind: 'answer-lost' } },
}));
/** It was asleep between its decision and its write; the write arrives when the next run has long begun, or has ended. */
const sleepers: readonly Script[] = everyWrite.flatMap((write) =>
  [246_000, 248_000, 250_000, 256_000, 300_000].map(
    (ms): Script => ({
      name: `write ${write} arrives ${ms / 1000} s later, after the next run`,
      ...two,
      at: { write, fate: { kind: 'sleeps', ms } },
      repair: 'next',
    }),
  ),
);
const people: readonly Script[] = everyWrite.flatMap((write) =>
  [
    ['edits the Service', editService],
    ['changes the image', editImage],
    ['deletes the Job', deleteJob],
  ].map(
    ([what, deed]): Script => ({
      name: `somebody ${what as string} before write ${write}`,
      ...two,
      at: { write, deed: deed as (sandbox: Sandbox) => void },
      personChanged: deed !== deleteJob,
      jobDeleted: deed === deleteJob,
      ...(deed === editService && write <= editedWrites ? { keeps: 'maintenance' } : {}),
    }),
  ),
);
const all = [...undisturbed, ...deaths, ...lost, ...sleepers, ...people];

async function violationsOf(scripts: readonly Script[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const script of scripts) {
    const { violations } = await playBlueGreen(script, original);
    for (const violation of violations) found.push(`${script.name}: ${violation}`);
  }
  return found;
}

describe('blue-green in the sandbox, in virtual time', () => {
  test.each(undisturbed)('$name', async (script) => {
    const { violations, end, log } = await playBlueGreen(script, original);
    expect(violations, log.join('\n')).toEqual([]);
    expect(end, log.join('\n')).toBe(script.ends);
  });

  const failing: ImageBehaviour = { startMs: 200, readyMs: 100, errorRate: 0.3 };
  const atTheLimit: ImageBehaviour = { ...failing, errorRate: 0.02 };
  const near = { maxErrorRate: 0.02, timeoutMs: 20_000 };
  const patient = { onInconclusive: 'promote', timeoutMs: 20_000 } as const;
  test.each<[string, Script, string, readonly string[]]>([
    ['a good image', { name: '', metrics: {} }, 'promoted gates-passed', ['green pass', 'live pass']],
    ['one with errors', { name: '', metrics: {}, image: failing }, 'rolled-back metrics-failed', ['green pass', 'live fail']],
    [
      'a rate that is given',
      { name: '', metrics: { maxErrorRate: 0.02 }, image: failing },
      'rolled-back metrics-failed',
      ['green pass', 'live fail'],
    ],
    ['no verdict', { name: '', metrics: near, image: atTheLimit }, 'inconclusive too-close-to-call', ['green pass', 'live inconclusive']],
    [
      'too little of stable to compare with',
      { name: '', metrics: patient, requestsPerSecond: 1 },
      'promoted gates-passed',
      ['green inconclusive', 'live pass'],
    ],
    [
      'none, and the policy',
      { name: '', metrics: { maxErrorRate: 1e-5, ...patient } },
      'promoted unproved',
      ['green pass', 'live inconclusive'],
    ],
  ])('judged by metrics, the recording says what the run said: %s', async (_, script, ends, verdicts) => {
    const { violations, end, log, replayed } = await playBlueGreen(script, original);
    expect([end, violations.filter((one) => !one.startsWith('clients')), Object.keys(replayed)], log.join('\n')).toEqual([
      ends,
      [],
      verdicts,
    ]);
  });

  test('there are no more writes than are gone through', async () => {
    const { writes } = await playBlueGreen({ name: 'good', ...two }, original);
    expect(writes).toBeLessThanOrEqual(writesMax);
    expect(writes).toBeGreaterThan(writesMax - 8);
  });

  test.each([
    ['dies at any write, and post or the next run comes', deaths],
    ['loses any answer', lost],
    ['sleeps before any write, and another run has taken over', sleepers],
    ['meets people at any write', people],
  ])('nothing is broken where a run %s', async (_, scripts) => {
    expect(await violationsOf(scripts)).toEqual([]);
  });

  test.each(blueGreenMutants)('a mistake is found: $name', async (mutant) => {
    const subject = loadMutant(mutant);
    const hinted = all.filter((script) => script.name.includes(mutant.hint));
    for (const script of [...hinted, ...all.filter((one) => !hinted.includes(one))]) {
      const played: Pick<Played, 'violations' | 'end'> = await playBlueGreen(script, subject);
      const expected = undisturbed.find((one) => one === script)?.ends;
      if (played.violations.length > 0 || (expected !== undefined && played.end !== expected)) return;
    }
    expect.unreachable(`nobody noticed: ${mutant.name}`);
  });
});

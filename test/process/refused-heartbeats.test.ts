import { describe, test, vi } from 'vitest';
import type { ApiRequest, ApiResponse } from '../../sandbox/sandbox.ts';
import type { RequestFault } from '../../sandbox/serve.ts';
import { expectSafe } from './golden.ts';
import { openKept, readinessInputs } from './kept-green-stage.ts';
import { describeWrite, isWrite, journalledPhase } from './requests.ts';
import { imagesOf, isComplete, namespace, pairSpec, secondManifest } from './scene.ts';
import { inPhase, openStage, refusal, type Stage } from './stage.ts';
import { normalise } from './transcript.ts';

vi.setConfig({ maxConcurrency: 6 });

const wayBack = /^(?:reverting|flipping-back|draining|pair-restoring|green-restoring|ending)$/u;
const forbidden = () => refusal(403, 'Forbidden', 'the role was changed');

type Answer = () => ApiResponse | RequestFault;

type Release = {
  readonly open: () => Promise<Stage>;
  readonly inputs: Readonly<Record<string, string>>;
  /** When it is cancelled; undefined: its image is bad. */
  readonly cancelWhen?: (stage: Stage) => Promise<void>;
  readonly reason: string;
  /** Whether users have what they had. */
  readonly isBack: (stage: Stage) => boolean;
};

const readiness = { prometheus: '', metrics: 'none' };
const slow = { images: { 'shop/web:v2': { version: 'v2', startMs: 200, readyMs: 4_000 } }, speed: 2 };
const selectorOf = ({ sandbox }: Stage): string => JSON.stringify(sandbox.get('services', namespace, 'web')?.spec.selector);
const isOld = ({ sandbox }: Stage): boolean => imagesOf(sandbox)[0] === 'shop/web:v1' && isComplete(sandbox, 'web');
const promotionSent = (stage: Stage) => stage.until('the promotion', () => imagesOf(stage.sandbox)[0] === 'shop/web:v2');
const secondOf = ({ sandbox }: Stage, name: string): string => {
  const { spec } = sandbox.get('deployments', namespace, name) ?? {};
  return `${spec?.replicas} ${spec?.template.spec.containers[0]?.image}`;
};

const releases: Readonly<Record<string, Release>> = {
  'canary in its promotion': {
    open: () => openStage(slow),
    inputs: { prometheus: '', steps: '20%' },
    cancelWhen: promotionSent,
    reason: 'cancelled',
    isBack: isOld,
  },
  rolling: {
    open: () => openStage(),
    inputs: { ...readiness, strategy: 'rolling', steps: '', tag: 'crash' },
    reason: 'crash',
    isBack: isOld,
  },
  recreate: {
    open: () => openStage({ ...slow, spec: { strategy: { type: 'Recreate' } } }),
    inputs: { ...readiness, strategy: 'recreate', steps: '' },
    cancelWhen: promotionSent,
    reason: 'cancelled',
    isBack: isOld,
  },
  'blue-green': {
    open: () => openStage(),
    inputs: { ...readiness, strategy: 'blue-green', steps: '', bake: '60s' },
    cancelWhen: (stage) => inPhase(stage, 'live'),
    reason: 'cancelled',
    isBack: (stage) => selectorOf(stage) === '{"app":"web"}' && isOld(stage),
  },
  'green-deployment': {
    open: () => openKept(),
    inputs: { ...readinessInputs, bake: '60s' },
    cancelWhen: (stage) => inPhase(stage, 'live'),
    reason: 'cancelled',
    isBack: (stage) => selectorOf(stage) === '{"app":"web","colour":"blue"}' && secondOf(stage, 'web-2') === '0 shop/web:v0',
  },
  'canary-deployment': {
    open: () => openStage({ spec: pairSpec('a'), prepare: (sandbox) => void sandbox.apply(secondManifest()) }),
    inputs: { ...readiness, 'canary-deployment': 'web-v2', steps: '50% for 60s, 75%' },
    cancelWhen: (stage) => stage.until('two and two', () => isComplete(stage.sandbox, 'web-v2') && secondOf(stage, 'web').startsWith('2 ')),
    reason: 'cancelled',
    isBack: (stage) => isOld(stage) && secondOf(stage, 'web').startsWith('4 ') && secondOf(stage, 'web-v2') === '0 shop/web:v1',
  },
};

/** Every write to the Job gets this answer, from the moment in which the journal is to say that the way back begins. */
function refuseJournal(answer: Answer): {
  readonly rule: (request: ApiRequest) => ApiResponse | RequestFault | undefined;
  seen: ApiRequest[];
} {
  const seen: ApiRequest[] = [];
  return {
    seen,
    rule(request) {
      if (!isWrite(request) || request.method !== 'PATCH' || !request.path.includes('/jobs/')) return undefined;
      if (seen.length === 0 && !wayBack.test(journalledPhase(request) ?? '')) return undefined;
      seen.push(request);
      return answer();
    },
  };
}

/** All writes from the one on that is to journal the way back. */
function fromWayBack(requests: readonly ApiRequest[]): readonly ApiRequest[] {
  const writes = requests.filter(isWrite);
  return writes.slice(writes.findIndex((request) => wayBack.test(journalledPhase(request) ?? '')));
}

/** What gives users their old version and cleans up, in its order: of two replicas in a row for the same Deployment the last ones. */
function writesBack(requests: readonly ApiRequest[]): readonly string[] {
  const writes = fromWayBack(requests)
    .filter((request) => journalledPhase(request) === undefined)
    .map((request) => normalise(describeWrite(request)));
  const scaled = (write: string | undefined): string | undefined => write?.match(/^PATCH (\S+): .*\/spec\/replicas/u)?.[1];
  return writes
    .filter((write, index) => scaled(write) === undefined || scaled(write) !== scaled(writes[index + 1]))
    .map((write) => write.replace(/test \/spec\/replicas \d+, /u, ''));
}

/** How often the journal was tried before the first write that gives users something back. */
function triesBeforeTheFirst(requests: readonly ApiRequest[]): number {
  return fromWayBack(requests).findIndex((request) => journalledPhase(request) === undefined);
}

async function takeBack(stage: Stage, { inputs, cancelWhen }: Release): Promise<Awaited<ReturnType<Stage['run']>>> {
  const action = stage.start(inputs);
  await cancelWhen?.(stage);
  if (cancelWhen !== undefined) action.kill('SIGINT');
  return { result: await action.done, requests: stage.served.requests() };
}

const logOf = (done: Awaited<ReturnType<Stage['run']>>): string => done.result.log.map(({ line }) => line).join('\n');

describe.concurrent('a way back whose Job takes no heartbeat any more', () => {
  test.concurrent.for(Object.entries(releases))('%s: is as short as any other', async ([, release], { expect }) => {
    await using undisturbed = await release.open();
    const expected = writesBack((await takeBack(undisturbed, release)).requests);
    await using stage = await release.open();
    const refused = refuseJournal(forbidden);
    stage.onRequest(refused.rule);
    const done = await takeBack(stage, release);
    expectSafe(expect, done);
    expect(done.result.outputs, logOf(done)).toMatchObject({ result: 'rolled-back', reason: release.reason });
    expect(release.isBack(stage)).toBe(true);
    expect(triesBeforeTheFirst(done.requests)).toBe(1);
    expect(writesBack(done.requests)).toEqual(expected);
    expect(stage.left()).toEqual([]);
    expect(logOf(done).split('the role was changed')).toHaveLength(2);
    // Once in each phase of the way, and then at the pace of heartbeats.
    const paceMs = 60_000 / 8;
    expect(refused.seen.length).toBeLessThanOrEqual(4 + (done.result.endedAtMs - done.result.startedAtMs) / paceMs);
  });

  const answers: Readonly<Record<string, Answer>> = {
    'answered with 409': () => refusal(409, 'Conflict', 'the object has been modified; please apply your changes to the latest version'),
    'answered with 422': () => refusal(422, 'Invalid', 'admission webhook "jobs.example" denied the request'),
    'answered with 429': () => refusal(429, 'TooManyRequests', 'too many requests', { 'retry-after': '1' }),
    'answered with 500': () => refusal(500, 'InternalError', 'failed calling webhook "jobs.example": context deadline exceeded'),
    'dropped before it was done': () => 'drop-before',
    'dropped after it was done': () => 'drop-after',
    'not answered at all': () => ({ delayMs: 15_000 }),
  };
  test.concurrent.for(Object.entries(answers))('where each write to it is %s', async ([, answer], { expect }) => {
    await using stage = await openStage();
    const release = releases['rolling'] as Release;
    stage.onRequest(refuseJournal(answer).rule);
    const done = await takeBack(stage, release);
    expectSafe(expect, done);
    expect(done.result.outputs, logOf(done)).toMatchObject({ result: 'rolled-back', reason: 'crash' });
    expect(triesBeforeTheFirst(done.requests)).toBeLessThanOrEqual(5);
    expect(release.isBack(stage)).toBe(true);
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('is given up for the refusals of its own write alone, and the record stays', async ({ expect }) => {
    await using stage = await openStage();
    const journal = refuseJournal(forbidden);
    let reverts = 0;
    stage.onRequest((request) => {
      if (!isWrite(request) || !/replace .*\/image "shop\/web:v1"/u.test(describeWrite(request))) return journal.rule(request);
      reverts += 1;
      return refusal(403, 'Forbidden', 'no old images here');
    });
    const done = await takeBack(stage, releases['rolling'] as Release);
    expect(done.result.outputs, logOf(done)).toMatchObject({ result: 'failed', reason: 'write-refused' });
    expect(logOf(done)).toContain('no old images here');
    expect(reverts).toBe(3);
  });
});

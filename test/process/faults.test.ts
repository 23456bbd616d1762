import { describe, test } from 'vitest';
import type { ApiRequest, ApiResponse } from '../../sandbox/sandbox.ts';
import type { RequestFault } from '../../sandbox/serve.ts';
import { expectSafe } from './golden.ts';
import { imagesStand } from './invariants.ts';
import { describeWrite, heartbeatFilter, isWrite } from './requests.ts';
import { openStage, refusal, type Stage } from './stage.ts';
import { normalise } from './transcript.ts';

type Fault = () => RequestFault | ApiResponse;

const faults: Readonly<Record<string, Fault>> = {
  'dropped before it was done': () => 'drop-before',
  'dropped after it was done': () => 'drop-after',
  'answered with 500': () => refusal(500, 'InternalError', 'etcdserver: leader changed'),
  'answered with 429 and Retry-After': () => refusal(429, 'TooManyRequests', 'too many requests', { 'retry-after': '0' }),
  'answered with 409': () => refusal(409, 'Conflict', 'the object has been modified; please apply your changes to the latest version'),
};

/** Every write meets the fault the first time that it is sent, heartbeats left out. */
function onEachWriteOnce(fault: Fault): (request: ApiRequest) => RequestFault | ApiResponse | undefined {
  const met = new Set<string>();
  const isHeartbeat = heartbeatFilter();
  return (request) => {
    if (!isWrite(request) || isHeartbeat(request)) return undefined;
    const write = normalise(describeWrite(request));
    if (met.has(write)) return undefined;
    met.add(write);
    return fault();
  };
}

function expectWhole(expect: Parameters<typeof expectSafe>[0], stage: Stage, result: string | undefined): void {
  expect(stage.left()).toEqual([]);
  expect(stage.broken()).toEqual([]);
  expect(imagesStand(stage.sandbox, ['shop/web:v1'], ['shop/web:v2'])).toBe(result === 'promoted' ? 'new' : 'old');
}

describe.concurrent('where every write is, the first time,', () => {
  test.concurrent.for(Object.entries(faults))('%s, a run ends well or changes nothing', async ([, fault], { expect }) => {
    await using stage = await openStage();
    stage.onRequest(onEachWriteOnce(fault));
    const done = await stage.run({ prometheus: '' });
    expectSafe(expect, done);
    expect(['promoted', 'rolled-back', 'refused']).toContain(done.result.outputs['result']);
    expectWhole(expect, stage, done.result.outputs['result']);
  });
});

/** By a few words of the write: what becomes of a run that is never allowed to do it. */
const forbidden: readonly (readonly [string, RegExp, string, string])[] = [
  ['the Job', /^POST jobs/u, 'refused', 'permission-missing'],
  ['the fence', /^PATCH deployments\/web: test \/metadata\/labels null/u, 'rolled-back', 'write-refused'],
  ['the canary', /^POST deployments/u, 'rolled-back', 'write-refused'],
  ['more canary pods', /^PATCH deployments\/web-canary/u, 'rolled-back', 'write-refused'],
  ['the promotion', /replace .*\/image/u, 'rolled-back', 'write-refused'],
];

describe.concurrent('where the API server always refuses', () => {
  // A heartbeat between two refusals does not begin the count again: with the short dead-man there always is one.
  const cases = forbidden.flatMap((one) => ['4m', '60s'].map((deadMan) => [...one, deadMan] as const));
  test.concurrent.for(cases)('%s, nothing is left', async ([, write, result, reason, deadMan], { expect }) => {
    await using stage = await openStage();
    stage.onRequest((request) =>
      isWrite(request) && write.test(describeWrite(request)) ? refusal(403, 'Forbidden', 'denied by policy') : undefined,
    );
    const done = await stage.run({ prometheus: '', 'dead-man': deadMan });
    expectSafe(expect, done);
    expect(done.result.outputs).toMatchObject({ result, reason });
    expect(done.result.log.map(({ line }) => line).join('\n')).toContain('denied by policy');
    expectWhole(expect, stage, result);
  });
});

test.concurrent('where the API server is away for a while in the middle, the run waits and goes on', async ({ expect }) => {
  await using stage = await openStage();
  let away = 0;
  stage.onRequest((request) => {
    const stepped = stage.sandbox.list('deployments').length > 1;
    if (!stepped || away >= 12) return undefined;
    away += 1;
    return request.method === 'GET' ? 'drop-before' : undefined;
  });
  const done = await stage.run({ prometheus: '' });
  expect(done.result.outputs).toMatchObject({ result: 'promoted' });
  expectWhole(expect, stage, 'promoted');
});

test.concurrent('where nobody answers at all, the run is refused', async ({ expect }) => {
  await using stage = await openStage();
  stage.onRequest(() => 'drop-before');
  const done = await stage.run({ prometheus: '' });
  expectSafe(expect, done);
  expect(done.result.outputs).toMatchObject({ result: 'refused' });
  expect(done.result.code).toBe(1);
});

import { expect, test } from 'vitest';
import { diagnose } from '../../src/rollout/gates/readiness.ts';
import type { ContainerFacts } from '../../src/rollout/observation.ts';
import { container, nowMs, pod, workload } from './scene.ts';

const init = (changes: Partial<ContainerFacts>): ContainerFacts => container({ name: 'migrate', ready: false, ...changes });
const failed = { exitCode: 1, reason: 'Error' };
const waitingFor = (reason: string) => ({ reason, message: 'no such image' });

test.each([
  ['one that is done says nothing', init({ ready: true, terminated: { exitCode: 0, reason: 'Completed' } }), 0, 'none'],
  ['one that cannot be pulled', init({ waiting: waitingFor('ErrImagePull') }), 2, 'fatal image-pull'],
  [
    'one that waits for something else',
    init({ waiting: waitingFor('CrashLoopBackOff'), restartCount: 2, lastTerminated: failed }),
    0,
    'waiting not-ready',
  ],
  [
    'one that goes on failing',
    init({ waiting: waitingFor('CrashLoopBackOff'), restartCount: 3, lastTerminated: failed }),
    0,
    'fatal crash',
  ],
])('init container: %s', (_title, found, pullFailures, expected) => {
  const ready = expected === 'none';
  const diagnosis = diagnose(workload(1, { pods: [pod({ ready, initContainers: [found], pullFailures })] }), nowMs);
  expect('reason' in diagnosis ? `${diagnosis.kind} ${diagnosis.reason}` : diagnosis.kind).toBe(expected);
});

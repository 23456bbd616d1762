import type { Outcome } from '../../src/rollout/verdict.ts';
import type { Change } from './api-server.ts';
import type { Checker } from './checker.ts';
import { isOver } from './jobs.ts';
import { isDeepEqual } from './json-patch.ts';
import { fenceOf, imagesOf, uidOf, withoutImages } from './objects.ts';
import type { SimulatedProcess } from './process.ts';
import type { Watch } from './rollout-record.ts';

/** I6, I12: a command that says that it has got there has left nothing, and an abort that came in time no new image. */
export function checkCommandEnd(
  checker: Checker,
  process: SimulatedProcess,
  name: 'abort' | 'reconcile',
  { result, reason }: Outcome,
): void {
  const { api } = checker.world;
  if (reason === 'running') checkLeftAlone(checker, process.name);
  if (result === 'failed' || result === 'refused' || reason === 'running') return;
  // A run that began meanwhile has things of its own.
  if (api.get('job') === undefined) {
    const stable = api.get('stable');
    const isOurs = stable?.metadata?.managedFields?.some((entry) => entry.manager === 'gated-rollout') === true;
    if (api.get('canary') !== undefined) checker.violate('I6', `${process.name} says ${reason}, but a canary is there`);
    if (fenceOf(stable) !== undefined || isOurs) checker.violate('I6', `${process.name} says ${reason}, but our label or name is there`);
  }
  const rollout = checker.workOf(process);
  const wasTaken = rollout?.takenBy === process.name && name === 'abort';
  if (result === 'unchanged' && wasTaken && !rollout.wasComplete)
    checker.violate('I12', `${process.name} came in time, and aborted nothing`);
}

/** Two seconds above the four minutes: the process' idea of the server's time may lag. */
const recordStaleMs = 242_000;

function checkLeftAlone(checker: Checker, name: string): void {
  const { api, schedule } = checker.world;
  const rollout = checker.rolloutOf(uidOf(api.get('job')));
  if (rollout === undefined || isOver(api.get('job')) || !['promoting', 'reverting'].includes(rollout.phase)) return;
  if (schedule.nowMs - rollout.journalAtMs > recordStaleMs) checker.violate('I6', `${name} leaves a record alone that nobody works on`);
}

/** What a process may do that finishes, undoes or cleans up after others, to what belongs to no rollout that it has taken over. */
export function checkLeftoverWrite(watch: Watch, process: SimulatedProcess, change: Change): void {
  const { name } = process;
  if (change.kind === 'stable') {
    checkStable(watch, name, change as Change<'stable'>);
    return;
  }
  const job = watch.world.api.get('job');
  if (change.kind === 'canary') {
    if (change.verb !== 'delete') watch.violate('I7', `${name} made or changed a canary`);
    else if (fenceOf((change as Change<'canary'>).before) === uidOf(job))
      watch.violate('I7', `${name} deleted the canary of a rollout that lives`);
    return;
  }
  const { before } = change as Change<'job'>;
  if (change.verb !== 'delete') watch.violate('I7', `${name} wrote to a Job that it has not taken over`);
  else if (!isOver(before)) watch.violate('I7', `${name} deleted a Job that still protects`);
}

function checkStable(watch: Watch, name: string, { before, after }: Change<'stable'>): void {
  if (before === undefined || after === undefined) {
    watch.violate('I2', `${name} made or deleted the Deployment`);
    return;
  }
  const sameSpec =
    isDeepEqual(imagesOf(before), imagesOf(after)) &&
    isDeepEqual(withoutImages(before.spec?.template), withoutImages(after.spec?.template));
  if (!sameSpec || before.spec?.replicas !== after.spec?.replicas)
    watch.violate('I2', `${name} changed the Deployment of no rollout of its own`);
  const was = fenceOf(before);
  if (was === fenceOf(after)) return;
  if (fenceOf(after) !== undefined) watch.violate('I4', `${name} put up a fence`);
  if (was === uidOf(watch.world.api.get('job'))) watch.violate('I4', `${name} took away the fence of a rollout that lives`);
}

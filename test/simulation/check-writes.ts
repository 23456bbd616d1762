import type { RawDeployment, RawJob } from '../../src/kubernetes/raw.ts';
import { journalAnnotation, rolloutLabel } from '../../src/rollout/names.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import type { Change } from './api-server.ts';
import { checkBake, checkSender, checkStart, checkTemplate, checkTrial, checkTrialPod } from './check-direct.ts';
import { checkGates, checkHold, replicasOf } from './check-gates.ts';
import { deadlineOf, protects } from './jobs.ts';
import { isDeepEqual } from './json-patch.ts';
import { causeOf, fenceOf, imagesOf, uidOf, withoutImages } from './objects.ts';
import type { SimulatedProcess } from './process.ts';
import { expectedImages, isDirect, type Rollout, recordPhases, type Watch } from './rollout-record.ts';

const recordMs = 3_600_000;
/** A request that its sender has given up may arrive that much later. */
const strayMs = 3_500;

/** I2, I3, I4, I9, I10: what was written to the user's Deployment, and whether it was allowed. */
export function checkStableWrite(watch: Watch, process: SimulatedProcess, rollout: Rollout, change: Change<'stable'>): void {
  const { before, after } = change;
  if (before === undefined || after === undefined || rollout.plan === undefined) {
    watch.violate('I2', `${process.name} made or deleted the Deployment`);
    return;
  }
  if (!isDeepEqual(blanked(before), blanked(after)))
    watch.violate('I2', `${process.name} changed more than images, our label and our field entry`);
  checkFence(watch, process, rollout, before, after);
  checkCause(watch, process, rollout.plan, before, after);
  const was = imagesOf(before);
  const is = imagesOf(after);
  if (isDeepEqual(was, is)) return;
  const old = expectedImages(rollout.plan, was, 'from');
  const fresh = expectedImages(rollout.plan, was, 'to');
  const isPromotion = isDeepEqual(was, old) && isDeepEqual(is, fresh);
  const isReversion = isDeepEqual(was, fresh) && isDeepEqual(is, old);
  if (!isPromotion && !isReversion) watch.violate('I3/I10', `${process.name} turned ${JSON.stringify(was)} into ${JSON.stringify(is)}`);
  if (fenceOf(before) !== rollout.jobUid) watch.violate('I4', `${process.name} wrote images under the fence of ${fenceOf(before)}`);
  checkFooting(watch, process, rollout, 'wrote images');
  if (isPromotion) checkPromotion(watch, process, rollout, before);
  if (isReversion) {
    if (rollout.phase !== 'reverting' && !rollout.wasRefusedWayBack)
      watch.violate('journal', `${process.name} put the old image back in phase ${rollout.phase}`);
    rollout.revertedAtMs = watch.world.schedule.nowMs;
  }
}

/** The note of the change goes out and back with what it is a note of, and never over somebody else's. */
function checkCause(watch: Watch, process: SimulatedProcess, plan: Plan, before: RawDeployment, after: RawDeployment): void {
  const [was, is] = [causeOf(before), causeOf(after)];
  const [from, to] = [plan.changeCause?.from, plan.changeCause?.to];
  const images = imagesOf(before);
  const isChanged = !isDeepEqual(images, imagesOf(after));
  const isForth = isChanged && isDeepEqual(imagesOf(after), expectedImages(plan, images, 'to'));
  const wanted = !isChanged ? was : isForth ? (was === from ? to : was) : was === to ? from : was;
  if (is !== wanted) watch.violate('I2', `${process.name} turned the change-cause ${was} into ${is}, not ${wanted}`);
}

function checkFence(watch: Watch, process: SimulatedProcess, rollout: Rollout, before: RawDeployment, after: RawDeployment): void {
  const was = fenceOf(before);
  const is = fenceOf(after);
  if (was === is) return;
  if (is === undefined) {
    if (was !== rollout.jobUid) watch.violate('I4', `${process.name} took away the fence of ${was}`);
    return;
  }
  if (is !== rollout.jobUid) watch.violate('I4', `${process.name} put up the fence of ${is}`);
  if (was !== undefined && was === uidOf(watch.world.api.get('job')))
    watch.violate('I4', `${process.name} overwrote the fence of a rollout that lives`);
  checkFooting(watch, process, rollout, 'claimed the fence');
}

/** A rollout whose Job is over, or taken over, writes nothing any more, but for what was under way when it was shown that. */
function checkFooting(watch: Watch, process: SimulatedProcess, rollout: Rollout, what: string): void {
  const { api, schedule, arriving } = watch.world;
  if (watch.knewOfLoss(process)) watch.violate('I4', `${process.name} ${what}, and knew that its Job was over or another's`);
  const { deadManMs } = (rollout.plan ?? process.options.script).spec;
  const wayMs = schedule.nowMs - arriving.begunMs - process.pausedMsSince(arriving.begunMs);
  if (wayMs > deadManMs / 4 + strayMs) watch.violate('I4', `${process.name} ${what} by a request that was on its way for ${wayMs} ms`);
  if (rollout.jobGoneAtMs === undefined && !protects(api.get('job'), rollout.jobUid))
    watch.violate('dead-man', `${process.name} ${what} before its Job was armed`);
}

function checkPromotion(watch: Watch, process: SimulatedProcess, rollout: Rollout, before: RawDeployment): void {
  const { api, schedule } = watch.world;
  const { plan } = rollout;
  if (plan === undefined) return;
  if (rollout.revertedAtMs > 0) watch.violate('order', `${process.name} promoted again after it had put the old image back`);
  rollout.promotedAtMs = schedule.nowMs;
  if (isDirect(plan)) checkSender(watch, process, rollout);
  if (isDirect(plan)) checkTemplate(watch, process, plan, before);
  else if (withoutImages(before.spec?.template) !== rollout.copied)
    watch.violate('I10', `${process.name} promoted a template that the canary was not copied from`);
  const phase = isDirect(plan) ? 'rolling' : 'promoting';
  // What was on its way when an abort took the rollout over still arrives, and is put back.
  const isOvertaken = isAborted(watch, rollout) && rollout.takenInPhase === phase;
  if (rollout.phase !== phase && !isOvertaken) watch.violate('journal', `${process.name} promoted in phase ${rollout.phase || 'none'}`);
  const { deadManMs } = plan.spec;
  const ageMs = schedule.nowMs - rollout.journalAtMs - process.pausedMsSince(rollout.journalAtMs);
  if (ageMs > deadManMs / 8 + deadManMs / 2 + strayMs + outagesMs(process))
    watch.violate('heartbeat', `${process.name} promoted ${ageMs} ms after its last heartbeat`);
  const leftMs = (deadlineOf(api.get('job')) ?? Number.POSITIVE_INFINITY) - rollout.journalAtMs;
  if (uidOf(api.get('job')) === rollout.jobUid && leftMs < recordMs - deadManMs / 4 - strayMs)
    watch.violate('record', `the Job outlives the promotion by ${leftMs} ms only`);
}

function isAborted({ world }: Watch, { takenBy }: Rollout): boolean {
  return world.scenario.runs.some(({ name, command }) => name === takenBy && command === 'abort');
}

function outagesMs(process: SimulatedProcess): number {
  return process.options.faults.partitions.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

/** The share of the step in force, steps in their order, each held; only with an armed dead-man; nothing of others. */
export function checkCanaryWrite(watch: Watch, process: SimulatedProcess, rollout: Rollout, change: Change<'canary'>): void {
  const { api } = watch.world;
  if (change.verb === 'delete') {
    const owner = fenceOf(change.before);
    if (owner !== rollout.jobUid && owner === uidOf(api.get('job')))
      watch.violate('I7', `${process.name} deleted the canary of a rollout that lives`);
    return;
  }
  checkFooting(watch, process, rollout, 'wrote a canary');
  if (fenceOf(api.get('stable')) !== rollout.jobUid && rollout.index < 0 && rollout.phase !== 'trial')
    watch.violate('I4', `${process.name} wrote a canary without a fence`);
  if (change.verb === 'create') noteCreation(watch, rollout, change.after);
  else if (fenceOf(change.before) !== rollout.jobUid) watch.violate('I7', `${process.name} scaled the canary of ${fenceOf(change.before)}`);
  if (rollout.plan?.spec.strategy === 'recreate') {
    checkTrialPod(watch, rollout, change.after);
    return;
  }
  checkStep(watch, rollout, change.after?.spec?.replicas ?? 1);
}

function noteCreation(watch: Watch, rollout: Rollout, canary: RawDeployment | undefined): void {
  const { canary: mine, stable } = watch.world.traffic.totals;
  const owners = canary?.metadata?.ownerReferences ?? [];
  if (owners.length !== 1 || owners[0]?.uid !== rollout.jobUid) watch.violate('I5', 'the canary is not owned by the Job alone');
  if (rollout.copied === '') {
    rollout.baseline = {
      canaryErrors: mine.errors,
      canaryRequests: mine.requests,
      stableErrors: stable.errors,
      stableRequests: stable.requests,
    };
  }
  rollout.copied = withoutImages(watch.world.api.get('stable')?.spec?.template);
}

/** The canary has the size of the step that the journal names: never more, and never that of a later one. */
function checkStep(watch: Watch, rollout: Rollout, replicas: number): void {
  const wanted = replicasOf(rollout, rollout.index);
  if (replicas !== wanted)
    watch.violate('share', `${replicas} canary pods beside ${rollout.seenReplicas}: step ${rollout.index + 1} asks for ${wanted}`);
  if (replicas !== rollout.replicas) rollout.heldSinceMs = undefined;
  rollout.replicas = replicas;
  watch.world.canaryMost = Math.max(watch.world.canaryMost, replicas);
}

/** The intent is journalled first: here a step begins, one after the other, and the one before has had its time. */
function checkNextStep(watch: Watch, process: SimulatedProcess, rollout: Rollout, index: number): void {
  if (index === rollout.index) return;
  // An advance whose answer was lost has not happened for its process: a heartbeat may write the step before once more.
  if (index === rollout.index - 1) {
    rollout.index = index;
    return;
  }
  if (index !== rollout.index + 1) watch.violate('order', `${process.name} goes from step ${rollout.index + 1} to step ${index + 1}`);
  if (rollout.index >= 0) checkHold(watch, rollout);
  rollout.index = index;
  rollout.stepsAtMs[index] = watch.world.schedule.nowMs;
}

/** The Job: created once, kept alive for as long as its phase allows and no longer, deleted by its own rollout. */
export function checkJobWrite(watch: Watch, process: SimulatedProcess, rollout: Rollout, change: Change<'job'>): void {
  const { schedule } = watch.world;
  if (change.verb === 'create') {
    rollout.jobUid = uidOf(change.after);
    rollout.jobGoneAtMs = undefined;
    return;
  }
  // Who aborts and who is aborted may both be about to delete it, as long as neither has heard of the other; of a record nobody may.
  const wasRecord = recordPhases.has(rollout.takenInPhase ?? '');
  const isUndone = change.verb === 'delete' && isAborted(watch, rollout) && !wasRecord && !watch.knewOfLoss(process);
  if (rollout.takenBy !== undefined && rollout.takenBy !== process.options.script.name && !isUndone)
    watch.violate('I4', `${process.name} wrote to a Job that was taken over`);
  if (uidOf(change.before) !== rollout.jobUid) watch.violate('I7', `${process.name} touched the Job of another rollout`);
  if (change.verb === 'delete') {
    checkService(watch, process, rollout);
    return;
  }
  const journal = readPhase(change.after);
  if (journal.plan !== readPhase(change.before).plan) watch.violate('journal', `${process.name} changed the plan of a rollout`);
  if (journal.phase === 'trial' && journal.passed) checkTrial(watch, process, rollout);
  if (journal.phase === 'step') checkNextStep(watch, process, rollout, journal.index);
  const limitMs = recordPhases.has(journal.phase) ? recordMs : (rollout.plan ?? process.options.script).spec.deadManMs;
  const reachMs = (deadlineOf(change.after) ?? 0) - schedule.nowMs;
  if (reachMs > limitMs + 1_000) watch.violate('I5', `the deadline is ${reachMs} ms away in phase ${journal.phase}`);
  rollout.journalAtMs = schedule.nowMs;
  if (journal.phase === 'reverting' && watch.world.arriving.isAnswered) rollout.knowsWayBack = true;
  if (journal.phase === 'baking') rollout.bakingAtMs ??= schedule.nowMs;
  if (journal.phase !== rollout.phase) {
    if (journal.phase === 'ending') checkSurrender(watch, process, rollout);
    if (journal.phase === 'rolling') checkStart(watch, process, rollout);
    if (journal.phase === 'ending' && journal.result === 'promoted') checkBake(watch, process, rollout, journal.reason);
    if (journal.phase === 'aborting' || journal.phase === 'ending') rollout.endsSinceMs ??= schedule.nowMs;
    rollout.phase = journal.phase;
    rollout.phaseAtMs = schedule.nowMs;
    if (journal.phase === 'promoting' && rollout.promotedAtMs === 0) checkGates(watch, process, rollout, journal.proved);
  }
}

/** The way back is tried before it is given up, however long ago it was decided. */
function checkSurrender(watch: Watch, process: SimulatedProcess, rollout: Rollout): void {
  if (rollout.phase !== 'reverting' || rollout.triedToRevert || rollout.plan === undefined) return;
  // An advance whose answer was lost has not happened for its process.
  if (!rollout.knowsWayBack && process.name === rollout.name) return;
  const images = imagesOf(watch.world.api.get('stable'));
  if (isDeepEqual(images, expectedImages(rollout.plan, images, 'to'))) {
    watch.violate('I9', `${process.name} gives up to put the old image back, and never tried`);
  }
}

/** I8: a canary that alone still serves is not taken away by a planned end, for a minute. */
function checkService(watch: Watch, process: SimulatedProcess, rollout: Rollout): void {
  const { world } = watch;
  const desired = world.api.get('stable')?.spec?.replicas ?? 0;
  if (process.cancel.signal.aborted || desired === 0 || world.ready('stable') > 0 || world.ready('canary') === 0) return;
  const waitedMs = world.schedule.nowMs - (rollout.endsSinceMs ?? world.schedule.nowMs);
  const silentMs = world.schedule.nowMs - (world.stableSilentSinceMs ?? world.schedule.nowMs);
  // An answer that was slow may show pods that have gone since.
  const staleMs = 2_500 + (process.options.faults.slow > 0 ? 9_500 : 0) + process.pausedMsSince(world.schedule.nowMs - 60_000);
  if (silentMs > staleMs && waitedMs < 58_000) watch.violate('I8', `${process.name} took the last pods that served`);
}

type Phase = {
  readonly plan: string;
  readonly phase: string;
  readonly proved: boolean;
  readonly index: number;
  readonly passed: boolean;
  readonly result: string;
  readonly reason: string;
};

function readPhase(job: RawJob | undefined): Phase {
  const text = job?.metadata?.annotations?.[journalAnnotation] ?? '{}';
  type Written = { kind?: string; proved?: boolean; index?: number; passed?: object; outcome?: { result: string; reason: string } };
  const { plan, state } = JSON.parse(text) as { plan?: object; state?: { phase?: Written } };
  const phase = state?.phase ?? {};
  const { result = '', reason = '' } = phase.outcome ?? {};
  return {
    plan: JSON.stringify(plan),
    phase: phase.kind ?? '',
    proved: phase.proved ?? true,
    index: phase.index ?? 0,
    passed: phase.passed !== undefined,
    result,
    reason,
  };
}

function blanked(object: RawDeployment): object {
  const { [rolloutLabel]: _, ...labels } = object.metadata?.labels ?? {};
  const { resourceVersion: _version, generation: _generation, managedFields, annotations: notes, ...metadata } = object.metadata ?? {};
  const { 'kubernetes.io/change-cause': _cause, ...annotations } = notes ?? {};
  const others = (managedFields ?? []).filter((entry) => entry.manager !== 'gated-rollout');
  return {
    metadata: { ...metadata, labels, annotations, others },
    spec: { ...object.spec, template: withoutImages(object.spec?.template) },
  };
}

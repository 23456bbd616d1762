import type { RolloutEnd } from '../../src/runner/run-rollout.ts';
import { type Change, cluster, person } from './api-server.ts';
import { checkLeftoverWrite } from './check-commands.ts';
import { checkCanaryWrite, checkJobWrite, checkStableWrite } from './check-writes.ts';
import { holderOf, isOver } from './jobs.ts';
import { isDeepEqual } from './json-patch.ts';
import { fenceOf, imagesOf, type Kind, type Objects, uidOf } from './objects.ts';
import type { SimulatedProcess } from './process.ts';
import { expectedImages, type Rollout, recordPhases, type Watch } from './rollout-record.ts';
import { epochMs } from './schedule.ts';
import type { Observer, World } from './world.ts';

const recordStaleMs = 238_000;

/** Watches every change of the world from outside and knows nothing of the state of the code: design.md, section 7. */
export class Checker implements Observer, Watch {
  readonly world: World;
  readonly violations: string[] = [];
  /** By process: the rollout that it began, and the one that it works on. */
  readonly #own = new Map<string, Rollout>();
  readonly #rollouts = new Map<string, Rollout>();
  readonly #processes = new Map<string, SimulatedProcess>();
  /** By process: since when every answer has said that its Job is over, or another's. */
  readonly #toldAtMs = new Map<string, number>();

  constructor(world: World) {
    this.world = world;
    world.observer = this;
    world.api.listen((change) => this.#changed(change));
  }

  /** A process and the rollout that it works on: the post step works on that of the main step. */
  watch(process: SimulatedProcess, rollout: Rollout): void {
    this.#processes.set(process.name, process);
    this.#own.set(process.name, rollout);
    this.#rollouts.set(process.name, rollout);
  }

  knewOfLoss({ name }: SimulatedProcess): boolean {
    const toldAtMs = this.#toldAtMs.get(name);
    return toldAtMs !== undefined && toldAtMs <= this.world.arriving.begunMs;
  }

  /** What a process works on: its own rollout, or one that it has taken over. */
  workOf(process: SimulatedProcess): Rollout | undefined {
    return this.#rollouts.get(process.name);
  }

  rolloutOf(jobUid: string): Rollout | undefined {
    return [...this.#own.values()].find((rollout) => rollout.jobUid !== '' && rollout.jobUid === jobUid);
  }

  violate(invariant: string, text: string): void {
    const line = `${invariant}: ${text}`;
    this.world.log('CHECKER', line);
    this.violations.push(`${((this.world.schedule.nowMs - epochMs) / 1000).toFixed(3)} ${line}`);
  }

  saw(process: SimulatedProcess, kind: Kind, object: Objects[Kind] | undefined): void {
    const rollout = this.#rollouts.get(process.name);
    if (rollout === undefined || rollout.jobUid === '') return;
    if (kind === 'stable') {
      rollout.seenReplicas = (object as Objects['stable'] | undefined)?.spec?.replicas ?? 0;
      this.#sawStable(rollout, object as Objects['stable'] | undefined);
    }
    if (kind === 'job') this.#sawJob(process, rollout, object as Objects['job'] | undefined);
    if (kind === 'canary') this.#sawCanary(rollout, object as Objects['canary'] | undefined);
  }

  measured(process: SimulatedProcess): void {
    const rollout = this.#rollouts.get(process.name);
    if (rollout !== undefined) rollout.readingAtMs = this.world.schedule.nowMs;
  }

  tried(process: SimulatedProcess): void {
    const rollout = this.#rollouts.get(process.name);
    if (rollout?.phase === 'reverting') rollout.triedToRevert = true;
  }

  unjournalled(process: SimulatedProcess, phase: string): void {
    const rollout = this.#rollouts.get(process.name);
    if (rollout === undefined) return;
    if (phase === 'reverting') rollout.wasRefusedWayBack = true;
    if (phase === 'ending') rollout.endsSinceMs ??= this.world.schedule.nowMs;
  }

  podsChanged(): void {
    const canary = this.world.api.get('canary');
    const wanted = canary?.spec?.replicas ?? 0;
    const live = this.world.canary.live;
    const ready = live.filter((pod) => pod.ready).length;
    if (canary !== undefined && ready > Math.max(wanted, this.world.canaryMost))
      this.violate('share', `${ready} canary pods serve, ${wanted} were asked for`);
    if (this.world.ready('stable') > 0) this.world.stableSilentSinceMs = undefined;
    else this.world.stableSilentSinceMs ??= this.world.schedule.nowMs;
  }

  /** I12 and what is left: the result against the world's truth. */
  ended(process: SimulatedProcess, rollout: Rollout, end: RolloutEnd): void {
    const { api } = this.world;
    const { result, reason } = end.outcome;
    const images = imagesOf(api.get('stable'));
    const areNew = rollout.plan !== undefined && isDeepEqual(images, expectedImages(rollout.plan, images, 'to'));
    if (result === 'promoted') {
      if (!rollout.wasComplete) this.violate('I12', `${process.name} says promoted, but the Deployment never was complete`);
      if (!areNew && rollout.changedByOthersAtMs < rollout.promotedAtMs)
        this.violate('I12', `${process.name} says promoted, but ${JSON.stringify(images)} stands`);
      if (reason === 'unproved' && rollout.plan?.spec.onInconclusive !== 'promote')
        this.violate('I13', 'unproved, and nobody asked for that');
    }
    if ((result === 'rolled-back' || result === 'inconclusive') && areNew) {
      this.violate('I12', `${process.name} says ${result} (${reason}), but the new image stands`);
    }
    const left = this.leftOf(rollout.jobUid);
    if (end.leftovers?.length === 0 && left.length > 0)
      this.violate('I7', `${process.name} says that nothing is left, but: ${left.join(', ')}`);
  }

  /** What of one rollout is still there. */
  leftOf(jobUid: string): readonly string[] {
    const { api } = this.world;
    const left: string[] = [];
    if (uidOf(api.get('job')) === jobUid) left.push('the Job');
    if (fenceOf(api.get('canary')) === jobUid) left.push('the canary');
    if (fenceOf(api.get('stable')) === jobUid) left.push('the label');
    return left;
  }

  #sawStable(rollout: Rollout, stable: Objects['stable'] | undefined): void {
    const { plan } = rollout;
    if (plan === undefined) return;
    const { status, metadata, spec } = stable ?? {};
    const images = imagesOf(stable);
    const desired = spec?.replicas;
    const full = [status?.replicas, status?.updatedReplicas, status?.availableReplicas].every((count) => count === desired);
    const settled = (status?.observedGeneration ?? -1) >= (metadata?.generation ?? 0);
    const isNew = isDeepEqual(images, expectedImages(plan, images, 'to'));
    rollout.fullSinceMs = full && settled && isNew ? (rollout.fullSinceMs ?? this.world.schedule.nowMs) : undefined;
  }

  #sawJob(process: SimulatedProcess, { jobUid }: Rollout, job: Objects['job'] | undefined): void {
    const isOurs = uidOf(job) === jobUid && !isOver(job) && holderOf(job) === process.options.script.name;
    if (isOurs) this.#toldAtMs.delete(process.name);
    else if (!this.#toldAtMs.has(process.name)) this.#toldAtMs.set(process.name, this.world.schedule.nowMs);
  }

  #sawCanary(rollout: Rollout, canary: Objects['canary'] | undefined): void {
    const { nowMs } = this.world.schedule;
    const wanted = canary?.spec?.replicas;
    const { status } = canary ?? {};
    const settled = (status?.observedGeneration ?? -1) >= (canary?.metadata?.generation ?? 0);
    const full = status?.replicas === wanted && status?.updatedReplicas === wanted && status?.availableReplicas === wanted;
    if (fenceOf(canary) === rollout.jobUid && settled && full && wanted === rollout.replicas) {
      rollout.heldSinceMs ??= nowMs;
      rollout.servingSinceMs ??= nowMs;
      return;
    }
    if (rollout.heldSinceMs !== undefined) rollout.brokeAtMs = nowMs;
    rollout.heldSinceMs = undefined;
  }

  #changed(change: Change): void {
    this.#noteChange(change);
    if (change.actor === cluster || change.actor === person) return;
    const process = this.#processes.get(change.actor);
    if (change.kind === 'job') this.#noteWork(change as Change<'job'>);
    const rollout = this.#rollouts.get(change.actor);
    if (process === undefined || rollout === undefined) return;
    if (process.options.script.command !== undefined && this.#isLeftover(rollout, change)) {
      checkLeftoverWrite(this, process, change);
      return;
    }
    if (change.kind === 'stable') checkStableWrite(this, process, rollout, change as Change<'stable'>);
    if (change.kind === 'canary') checkCanaryWrite(this, process, rollout, change as Change<'canary'>);
    if (change.kind === 'job') checkJobWrite(this, process, rollout, change as Change<'job'>);
  }

  /** Whether a change concerns no rollout that its process has taken over. */
  #isLeftover({ jobUid }: Rollout, { kind, before }: Change): boolean {
    if (jobUid === '') return true;
    if (kind === 'job') return uidOf(before) !== jobUid;
    const fence = fenceOf(before as Objects['stable'] | undefined);
    // A Deployment without a fence has nothing but our name in managedFields.
    return fence !== undefined && fence !== jobUid;
  }

  /** A record whose last heartbeat is old may be taken over, by the first write to its Job. */
  #noteWork({ actor, verb, before, after }: Change<'job'>): void {
    const own = this.#own.get(actor);
    if (own !== undefined && verb === 'create') this.#rollouts.set(actor, own);
    if (verb !== 'patch' || this.#rollouts.get(actor)?.jobUid === uidOf(before)) return;
    const record = [...this.#own.values()].find((rollout) => rollout.jobUid === uidOf(before));
    const isAbort = this.#processes.get(actor)?.options.script.command === 'abort';
    if (record === undefined || holderOf(after) !== this.#processes.get(actor)?.options.script.name) return;
    if (!isAbort && (!recordPhases.has(record.phase) || this.world.schedule.nowMs - record.journalAtMs < recordStaleMs)) return;
    this.#takeOver(actor, record);
  }

  #takeOver(actor: string, record: Rollout): void {
    this.world.log('CHECKER', `${actor} has taken over the rollout of ${record.name}`);
    record.takenBy = actor;
    record.takenInPhase = record.phase;
    this.#rollouts.set(actor, record);
  }

  #noteChange({ kind, verb, actor, before, after }: Change): void {
    const { nowMs } = this.world.schedule;
    for (const rollout of new Set(this.#rollouts.values())) {
      if (
        kind === 'job' &&
        (verb === 'delete' || verb === 'status') &&
        uidOf(before) === rollout.jobUid &&
        isOver(after as Objects['job'] | undefined)
      ) {
        rollout.jobGoneAtMs ??= nowMs;
      }
      if (kind !== 'stable') continue;
      const others = actor !== cluster && this.#rollouts.get(actor) !== rollout;
      if (others) rollout.changedByOthersAtMs = nowMs;
      const was = (before as Objects['stable'] | undefined)?.spec?.replicas;
      if (others && was !== (after as Objects['stable'] | undefined)?.spec?.replicas) rollout.wasRescaled = true;
      if (verb === 'status') noteComplete(rollout, after as Objects['stable']);
    }
  }
}

function noteComplete(rollout: Rollout, stable: Objects['stable']): void {
  const { plan } = rollout;
  if (plan === undefined || rollout.promotedAtMs === 0) return;
  const images = imagesOf(stable);
  const { status, spec } = stable;
  const desired = spec?.replicas ?? 0;
  const complete =
    desired === 0 || (status?.updatedReplicas === desired && status.availableReplicas === desired && status.replicas === desired);
  if (complete && isDeepEqual(images, expectedImages(plan, images, 'to'))) rollout.wasComplete = true;
}

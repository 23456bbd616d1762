import type { RawJob } from '../../src/kubernetes/raw.ts';
import { journalAnnotation } from '../../src/rollout/names.ts';
import { type ApiServer, cluster } from './api-server.ts';
import { timestamp, uidOf } from './objects.ts';
import type { Dice } from './random.ts';
import type { Schedule } from './schedule.ts';

export type JobsOptions = {
  readonly api: ApiServer;
  readonly schedule: Schedule;
  readonly dice: Dice;
  readonly startsAfterMs: number | undefined;
};

/** The Job controller, the TTL controller and the garbage collector: a deadline that passes takes the Job and all that it owns. */
export class Jobs {
  readonly #options: JobsOptions;

  constructor(options: JobsOptions) {
    this.#options = options;
    options.api.listen(({ kind, verb, before, after }) => {
      if (kind === 'job' && verb === 'create') this.#start(uidOf(after));
      if (kind === 'job' && verb === 'patch') this.#watch(after as RawJob);
      if (kind === 'job' && verb === 'delete') this.#collect(uidOf(before));
      if (kind === 'canary' && verb === 'create') this.#collectStray(uidOf(after));
      if (kind === 'stable' && verb === 'delete') this.#collectJob();
    });
  }

  #start(uid: string): void {
    const { api, schedule, startsAfterMs } = this.#options;
    if (startsAfterMs === undefined) return;
    schedule.after(startsAfterMs, () => {
      const job = api.get('job');
      if (uidOf(job) !== uid || job === undefined) return;
      api.replaceStatus('job', { ...job, status: { startTime: timestamp(schedule.nowMs) } });
      this.#watch(api.get('job'));
    });
  }

  #watch(job: RawJob | undefined): void {
    const deadlineMs = deadlineOf(job);
    if (job === undefined || deadlineMs === undefined) return;
    const { api, schedule, dice } = this.#options;
    schedule.at(deadlineMs + dice.between(0, 1_000), () => {
      const now = api.get('job');
      if (now === undefined || uidOf(now) !== uidOf(job) || deadlineOf(now) !== deadlineMs || isOver(now)) return;
      const conditions = [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded' }];
      api.replaceStatus('job', { ...now, status: { ...now.status, conditions } });
      schedule.after(dice.between(20, 150), () => api.remove('job', uidOf(job), cluster));
    });
  }

  #collect(jobUid: string): void {
    const { api, schedule, dice } = this.#options;
    schedule.after(dice.between(10, 90), () => {
      const canary = api.get('canary');
      if (canary?.metadata?.ownerReferences?.some((owner) => owner.uid === jobUid)) api.remove('canary', uidOf(canary), cluster);
    });
  }

  /** An object whose owner is gone already when it is created. */
  #collectStray(canaryUid: string): void {
    const { api, schedule, dice } = this.#options;
    schedule.after(dice.between(100, 900), () => {
      const canary = api.get('canary');
      if (uidOf(canary) !== canaryUid) return;
      const owners = canary?.metadata?.ownerReferences ?? [];
      if (owners.length > 0 && owners.every((owner) => owner.uid !== uidOf(api.get('job')))) api.remove('canary', canaryUid, cluster);
    });
  }

  #collectJob(): void {
    const { api, schedule, dice } = this.#options;
    schedule.after(dice.between(20, 90), () => {
      const job = api.get('job');
      if (job !== undefined) api.remove('job', uidOf(job), cluster);
    });
  }
}

export function deadlineOf(job: RawJob | undefined): number | undefined {
  const seconds = job?.spec?.activeDeadlineSeconds;
  const start = job?.status?.startTime;
  return seconds === undefined || start === undefined ? undefined : Date.parse(start) + seconds * 1000;
}

/** The run that a Job's journal names. */
export function holderOf(job: RawJob | undefined): string | undefined {
  const { state } = JSON.parse(job?.metadata?.annotations?.[journalAnnotation] ?? '{}') as { state?: { holder: { runUrl: string } } };
  return state?.holder.runUrl.split('/').at(-1);
}

export function isOver(job: RawJob | undefined): boolean {
  return job === undefined || job.metadata?.deletionTimestamp !== undefined || (job.status?.conditions ?? []).length > 0;
}

/** Whether this Job protects its rollout at present. */
export function protects(job: RawJob | undefined, uid: string): boolean {
  return uidOf(job) === uid && !isOver(job) && job?.status?.startTime !== undefined;
}

import type { Mutant } from './mutants.ts';

/** Mistakes in abort and reconcile, and in what a run makes of them. */
export const commandMutants: readonly Mutant[] = [
  {
    name: 'reconcile takes over what lives',
    hint: 'good: reconcile at',
    edits: [
      { file: 'rollout/situation/standing.ts', from: "silentMs >= recordStaleMs ? 'stale'", to: "silentMs >= 0 ? 'stale'" },
      { file: 'kubernetes/writes/lock.ts', from: 'nowMs - journal.state.heartbeatAtMs < recordStaleMs', to: 'nowMs < 0' },
    ],
  },
  {
    name: 'reconcile cleans up behind a rollout that lives',
    hint: 'good: reconcile at',
    edits: [
      { file: 'rollout/situation/standing.ts', from: 'if (job === undefined || !job.ours) return', to: 'if (job !== undefined) return' },
      { file: 'rollout/situation/standing.ts', from: 'if (job?.ours === true) return [];', to: '' },
    ],
  },
  {
    name: 'an abort of a promotion puts nothing back',
    hint: 'good: abort at',
    edits: [
      { file: 'rollout/situation/abort.ts', from: "phase.kind === 'ending' || !isUndoneByDeletion(phase)", to: "phase.kind === 'ending'" },
    ],
  },
  {
    name: 'an aborted run that has heard of it deletes the Job all the same',
    hint: 'good: abort at',
    edits: [
      {
        file: 'rollout/phases/ending.ts',
        from: 'if (isTakenOver(state, observation)) {',
        to: 'if (isTakenOver(state, observation) && elapsedMs < 0) {',
      },
      {
        file: 'rollout/phases/ending.ts',
        from: 'if (lostJob(state, observation) !== undefined && elapsedMs <= collectorMs) {',
        to: 'if (lostJob(state, observation) !== undefined && elapsedMs < 0) {',
      },
    ],
  },
  {
    name: 'an abort does not say in the journal who has come',
    hint: 'good: abort at 270 ms',
    edits: [
      { file: 'kubernetes/writes/seizure.ts', from: '...becomes(journal.state, nowMs), holder,', to: '...becomes(journal.state, nowMs),' },
    ],
  },
  {
    name: 'who takes a rollout over forgets what it found',
    hint: 'good: abort at',
    edits: [
      {
        file: 'kubernetes/writes/seizure.ts',
        from: '{ plan: journal.plan, state }, deadline',
        to: '{ plan: { ...journal.plan, images: [] }, state }, deadline',
      },
    ],
  },
  {
    name: 'nobody hears of an abort',
    hint: 'good: abort at',
    edits: [
      { file: 'rollout/phases/interruption.ts', from: 'job.holder !== state.holder.id', to: "job.holder === 'nobody'" },
      { file: 'kubernetes/cluster-world.ts', from: 'jobFacts(job).holder !== state.holder.id', to: "jobFacts(job).holder === 'nobody'" },
    ],
  },
  {
    name: 'a stale record is left to itself',
    hint: 'repaired by reconcile',
    edits: [{ file: 'runner/commands/reconcile.ts', from: "if (standing === 'stale') {", to: "if (standing === 'none') {" }],
  },
  {
    name: 'reconcile leaves our name',
    hint: 'repaired by reconcile',
    edits: [
      { file: 'rollout/situation/standing.ts', from: 'if (stable.owned) left.push', to: "if (stable.owned && names.job === '') left.push" },
    ],
  },
];

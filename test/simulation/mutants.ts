import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandMutants } from './command-mutants.ts';
import { directMutants } from './direct-mutants.ts';
import type { Subject } from './subject.ts';

/** One mistake in the code: what stands in a file, and what the mutant has instead. `hint`: what the cases have in their names that have killed it before. */
export type Mutant = {
  readonly name: string;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  readonly hint: string;
};

export const mutants: readonly Mutant[] = [
  {
    name: 'unknown counts as pass',
    hint: 'undisturbed: metrics are lost for good',
    edits: [
      { file: 'rollout/strategies/canary.ts', from: "verdict.kind === 'pass' && longEnough", to: "verdict.kind !== 'fail' && longEnough" },
    ],
  },
  {
    name: 'readiness is skipped',
    hint: 'seed 225',
    edits: [{ file: 'rollout/strategies/canary.ts', from: 'if (!isAvailable(canary, replicas)) return', to: 'if (replicas < 0) return' }],
  },
  {
    name: 'no hold',
    hint: 'undisturbed: good',
    edits: [{ file: 'rollout/strategies/canary.ts', from: 'if (heldMs >= holdMs && ', to: 'if (heldMs >= 0 && ' }],
  },
  {
    name: 'the hold counts from the step, not from the pods',
    hint: 'undisturbed: slow',
    edits: [
      {
        file: 'rollout/strategies/canary.ts',
        from: 'const heldMs = heldFor(state, phase, nowMs);',
        to: 'const heldMs = nowMs - phase.sinceMs;',
      },
    ],
  },
  {
    name: 'a step is skipped',
    hint: 'undisturbed: three',
    edits: [
      {
        file: 'rollout/strategies/canary.ts',
        from: 'index: phase.index + 1, sinceMs',
        to: 'index: Math.min(phase.index + 2, plan.steps.length - 1), sinceMs',
      },
    ],
  },
  {
    name: 'no minimum duration',
    hint: 'undisturbed: three steps by metrics',
    edits: [{ file: 'rollout/strategies/canary.ts', from: 'servedMs >= plan.spec.minDurationMs', to: 'servedMs >= 0' }],
  },
  {
    name: 'promotes without a heartbeat',
    hint: 'undisturbed: slow',
    edits: [
      {
        file: 'rollout/heartbeat.ts',
        from: 'if (nowMs - state.heartbeatAtMs < paceMs(plan)) return undefined;',
        to: 'if (nowMs > 0 || plan === undefined || state === undefined) return undefined;',
      },
    ],
  },
  {
    name: 'promotes without a record',
    hint: 'undisturbed: good',
    edits: [
      {
        file: 'rollout/heartbeat.ts',
        from: 'isUndoneByDeletion(phase) ? plan.spec.deadManMs : recordMs',
        to: 'isUndoneByDeletion(phase) || recordMs > 0 ? plan.spec.deadManMs : recordMs',
      },
    ],
  },
  {
    name: 'a foreign change is ignored',
    hint: 'good: env ',
    edits: [{ file: 'kubernetes/template-hash.ts', from: '.slice(0, 32)', to: '.slice(0, 0)' }],
  },
  {
    name: 'the promotion does not test the template',
    hint: 'good: env ',
    edits: [
      {
        file: 'kubernetes/patches/patches.ts',
        from: "    { op: 'test', path: '/spec/template', value: stable.spec?.template },\n",
        to: '',
      },
    ],
  },
  {
    name: 'no write tests the fence',
    hint: 'good: unlabel ',
    edits: [{ file: 'kubernetes/patches/patches.ts', from: "{ op: 'test', path: fencePath, value: jobUid },", to: '' }],
  },
  {
    name: 'a claim of the fence counts again when it comes late',
    hint: 'handmade: a claim of the fence comes late',
    edits: [
      {
        file: 'kubernetes/patches/patches.ts',
        from: "{ op: 'test', path: '/metadata/resourceVersion', value: stable.metadata?.resourceVersion }, ",
        to: '',
      },
    ],
  },
  {
    name: 'the promotion may be on its way for half of the dead-man',
    hint: 'seed 56',
    edits: [
      { file: 'kubernetes/writes/commands.ts', from: 'timeoutMs: plan.spec.deadManMs / 4', to: 'timeoutMs: plan.spec.deadManMs / 2' },
    ],
  },
  {
    name: 'the way back overwrites any image',
    hint: 'bad once promoted: image ',
    edits: [{ file: 'kubernetes/patches/patches.ts', from: '/image`, value: from(image) },', to: '/name`, value: image.container },' }],
  },
  {
    name: 'the promotion is not watched to its end',
    hint: 'undisturbed: good',
    edits: [
      { file: 'rollout/phases/promoting.ts', from: 'if (isAvailable(stable, stable.desiredReplicas)) {', to: 'if (stable.settled) {' },
    ],
  },
  {
    name: 'the end deletes nothing',
    hint: 'seed 104',
    edits: [
      {
        file: 'rollout/phases/ending.ts',
        from: 'if (observation.job?.uid === state.jobUid) return removeJob',
        to: "if (observation.job?.uid === 'none') return removeJob",
      },
    ],
  },
  {
    name: 'the end leaves the label',
    hint: 'seed 104',
    edits: [{ file: 'rollout/phases/ending.ts', from: 'if (stable.rollout === state.jobUid) {', to: "if (stable.rollout === 'nobody') {" }],
  },
  {
    name: 'the end does not wait for the stable pods',
    hint: 'handmade: the canary alone serves when the rollout must end',
    edits: [{ file: 'rollout/phases/ending.ts', from: '!carriesAlone(phase, stable, elapsedMs)', to: 'carryMs < 0' }],
  },
  {
    name: 'the canary has no owner',
    hint: 'undisturbed: good',
    edits: [
      {
        file: 'kubernetes/manifests/canary-metadata.ts',
        from: '...(jobUid === undefined ? {} : { ownerReferences: [jobOwner(plan, jobUid)] }),',
        to: '...(jobUid === undefined || jobUid !== "" ? {} : { ownerReferences: [jobOwner(plan, jobUid)] }),',
      },
    ],
  },
  {
    name: 'the canary is twice as large',
    hint: 'undisturbed: good',
    edits: [
      {
        file: 'rollout/strategies/canary.ts',
        from: "command: { kind: 'ensure-canary', replicas },",
        to: "command: { kind: 'ensure-canary', replicas: replicas * 2 },",
      },
    ],
  },
  {
    name: 'a dead Job does not stop anything',
    hint: 'orphan-job',
    edits: [
      {
        file: 'rollout/phases/interruption.ts',
        from: '  const { job } = observation;\n',
        to: '  const { job } = observation;\n  if (state.version === 1) return undefined;\n',
      },
      {
        file: 'kubernetes/cluster-world.ts',
        from: "if (job === undefined) throw new Fault('not-found',",
        to: "if (job === undefined) return; if (job === undefined) throw new Fault('not-found',",
      },
    ],
  },
  {
    name: 'serves before the dead-man is armed',
    hint: 'seed 1',
    edits: [
      {
        file: 'rollout/phases/arming.ts',
        from: 'if (observation.job?.startedAtMs !== undefined) {',
        to: 'if (observation.job !== undefined) {',
      },
    ],
  },
  {
    name: 'the lock is no lock',
    hint: 'seed 273',
    edits: [
      {
        file: 'rollout/plan/refusals.ts',
        from: "namesake.kind === 'Job' && !namesake.terminating",
        to: "namesake.kind === 'Job' && namesake.uid === ''",
      },
      { file: 'kubernetes/writes/lock.ts', from: 'if (readJournal(job)?.state.holder.id === holder.id) {', to: 'if (holder.id !== "") {' },
    ],
  },
  {
    name: 'never gives up',
    hint: 'undisturbed: metrics are lost for good',
    edits: [
      {
        file: 'rollout/strategies/canary.ts',
        from: 'return nowMs - state.startedAtMs >= plan.spec.timeoutMs;',
        to: 'return nowMs - state.startedAtMs >= plan.spec.timeoutMs * 1000;',
      },
    ],
  },
  ...commandMutants,
  ...directMutants,
];

const source = join(import.meta.dirname, '../../src');
const require = createRequire(import.meta.url);

/** The modules with a mistake in them, from a copy that Node itself loads: the code needs no seam for this. */
export function loadMutant(mutant: Mutant): Subject {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  try {
    for (const part of ['rollout', 'runner', 'kubernetes', 'errors.ts'])
      cpSync(join(source, part), join(folder, part), { recursive: true });
    for (const { file, from, to } of mutant.edits) {
      const path = join(folder, file);
      const text = readFileSync(path, 'utf8');
      if (!text.includes(from)) throw new Error(`${file} has changed: rewrite the mutant "${mutant.name}"`);
      writeFileSync(path, text.replaceAll(from, to));
    }
    const files = [
      'runner/deploy.ts',
      'runner/commands/command.ts',
      'runner/repair/finish-left.ts',
      'kubernetes/cluster.ts',
      'rollout/state.ts',
      'errors.ts',
    ];
    return Object.assign({}, ...files.map((file) => require(join(folder, file)) as object)) as Subject;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

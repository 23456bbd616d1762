import type { Mutant } from './mutants.ts';

/** Mistakes in rolling, recreate and the bake. */
export const directMutants: readonly Mutant[] = [
  {
    name: 'rolling leaves no record',
    hint: 'undisturbed: rolling by readiness',
    edits: [{ file: 'rollout/state.ts', from: "  'rolling',\n  'baking',\n", to: '' }],
  },
  {
    name: 'rolling ends when it is settled, not when it is complete',
    hint: 'undisturbed: rolling with a bake',
    edits: [
      { file: 'rollout/phases/rolling.ts', from: 'if (isAvailable(stable, stable.desiredReplicas)) {', to: 'if (stable.settled) {' },
      {
        file: 'rollout/phases/baking.ts',
        from: 'const complete = isAvailable(stable, stable.desiredReplicas);',
        to: 'const complete = true;',
      },
      { file: 'rollout/phases/baking.ts', from: 'restMs <= 0 && complete', to: 'complete' },
    ],
  },
  {
    name: 'rolling is not watched in its bake',
    hint: 'undisturbed: rolling with a bake',
    edits: [{ file: 'rollout/phases/bake.ts', from: 'Math.max(bakeMs, minDurationMs)', to: 'minDurationMs' }],
  },
  {
    name: 'a bake after a canary is skipped',
    hint: 'undisturbed: canary with a bake',
    edits: [{ file: 'rollout/phases/promoting.ts', from: 'if (plan.spec.bakeMs > 0) return', to: 'if (plan.spec.bakeMs < 0) return' }],
  },
  {
    name: 'unknown counts as pass in a bake',
    hint: 'rolling: no turns for 70000 ms before call',
    edits: [{ file: 'rollout/phases/baking.ts', from: "complete && verdict.kind === 'pass'", to: "complete && verdict.kind !== 'fail'" }],
  },
  {
    name: 'errors convict nobody while it rolls and bakes',
    hint: 'undisturbed: rolling, errors',
    edits: [
      { file: 'rollout/strategies/roll-conviction.ts', from: "verdict?.kind === 'fail' ?", to: "verdict?.kind === 'fail' && nowMs < 0 ?" },
      { file: 'rollout/phases/baking.ts', from: "metrics?.kind === 'fail'", to: "metrics?.kind === 'fail' && nowMs < 0" },
      { file: 'rollout/phases/baking.ts', from: "complete && verdict.kind === 'pass'", to: 'complete' },
    ],
  },
  {
    name: 'the absolute limit is ten times as wide',
    hint: 'undisturbed: rolling, twice the errors',
    edits: [
      {
        file: 'rollout/gates/before-after.ts',
        from: 'absolute: allowedRate(limit, bound) }',
        to: 'absolute: Math.min(0.9, 10 * allowedRate(limit, bound)) }',
      },
    ],
  },
  {
    name: 'pods that restart or break are ready all the same',
    hint: 'undisturbed: rolling, pods that flap',
    edits: [
      { file: 'rollout/phases/baking.ts', from: 'if (unbrokenMs >= neededMs) {', to: 'if (unbrokenMs >= -1) {' },
      { file: 'rollout/strategies/canary.ts', from: 'if (state.breaks >= breaksMax) {', to: 'if (state.breaks < 0) {' },
      { file: 'rollout/strategies/roll-conviction.ts', from: 'roll.losses < lossesMax', to: 'roll.losses >= 0' },
      { file: 'rollout/phases/baking.ts', from: 'restMs <= 0 && complete', to: 'complete' },
    ],
  },
  {
    name: 'the trial pod is behind the Service',
    hint: 'undisturbed: recreate by metrics',
    edits: [{ file: 'kubernetes/manifests/trial.ts', from: '...trial.labels, ...ours', to: '...ours' }],
  },
  {
    name: 'a recreation does not wait for its trial',
    hint: 'undisturbed: recreate by metrics',
    edits: [{ file: 'rollout/phases/trial.ts', from: 'return unbrokenMs >= trialHoldMs(plan.spec) ?', to: 'return unbrokenMs >= 0 ?' }],
  },
  {
    name: 'a recreation begins beside its trial pod',
    hint: 'undisturbed: recreate by metrics',
    edits: [
      {
        file: 'rollout/phases/trial.ts',
        from: '  if (canary === undefined) {\n    const fresh',
        to: '  if (canary !== undefined) {\n    const fresh',
      },
    ],
  },
  {
    name: 'the old pods of a recreation are taken for the new ones',
    hint: 'undisturbed: recreate by metrics',
    edits: [
      {
        file: 'kubernetes/inspection/workload-facts.ts',
        from: "const isSure = deployment.spec?.strategy?.type !== 'Recreate' ||",
        to: "const isSure = deployment.spec?.strategy?.type !== '' ||",
      },
    ],
  },
  {
    name: 'rolling sends a template that was changed meanwhile',
    hint: 'rolling: env ',
    edits: [
      {
        file: 'kubernetes/patches/patches.ts',
        from: "    { op: 'test', path: '/spec/template', value: stable.spec?.template },\n",
        to: '',
      },
    ],
  },
  {
    name: 'a failed bake is not put back in the journal first',
    hint: 'rolling, bad',
    edits: [
      {
        file: 'rollout/phases/rolling.ts',
        from: "return advance(state, { kind: 'reverting', sinceMs: nowMs, outcome: reason }, nowMs, reason.because);",
        to: "return { kind: 'apply', command: { kind: 'ensure-reverted' }, because: reason.because };",
      },
    ],
  },
  {
    name: 'a record that is taken over sends what nobody has judged',
    hint: 'rolling: dies before call',
    edits: [{ file: 'rollout/phases/rolling.ts', from: 'if (state.resumed === true)', to: 'if (state.startedAtMs < 0)' }],
  },
  {
    name: 'a bad release by rolling just ends',
    hint: 'undisturbed: rolling, bad',
    edits: [
      {
        file: 'rollout/phases/rolling.ts',
        from: "return advance(state, { kind: 'reverting', sinceMs: nowMs, outcome: reason }, nowMs, reason.because);",
        to: "return advance(state, { kind: 'ending', sinceMs: nowMs, outcome: reason }, nowMs, reason.because);",
      },
    ],
  },
];

import type { Mutant } from './mutants.ts';

/** Mistakes in blue-green that its simulation must find. */
export const blueGreenMutants: readonly Mutant[] = [
  {
    name: 'flips without a fence',
    hint: 'arrives 2',
    edits: [
      {
        file: 'kubernetes/patches/service-patches.ts',
        from: "...(jobUid === undefined ? [] : [{ op: 'test', path: fencePath, value: jobUid } as const]),",
        to: '',
      },
    ],
  },
  {
    name: 'the way back leaves the fence',
    hint: 'good',
    edits: [{ file: 'kubernetes/patches/service-patches.ts', from: "{ op: 'remove', path: fencePath },", to: '' }],
  },
  {
    name: 'green still belongs to the Job when the Services flip',
    hint: 'good',
    edits: [
      { file: 'rollout/strategies/blue-green-flip.ts', from: 'if (green?.owned === true) {', to: 'if (green?.owned === undefined) {' },
    ],
  },
  {
    name: 'no record before the flip',
    hint: 'good',
    edits: [{ file: 'rollout/state.ts', from: "  'flipping',\n", to: '' }],
  },
  {
    name: 'green goes before the Services have gone back',
    hint: 'good',
    edits: [
      { file: 'rollout/strategies/blue-green-flip.ts', from: 'const next = services.find(', to: 'const next = services.slice(0, 1).find(' },
    ],
  },
  {
    name: 'the Services go back to a Deployment that rolls',
    hint: 'good',
    edits: [
      {
        file: 'rollout/strategies/blue-green-update.ts',
        from: 'if (!isAvailable(stable, stable.desiredReplicas)) {',
        to: 'if (!stable.settled) {',
      },
      {
        file: 'rollout/strategies/blue-green-flip.ts',
        from: 'if (isAvailable(stable, stable.desiredReplicas) && (stable.availableReplicas > 0 || !greenServes)) return undefined;',
        to: 'if (stable.settled) return undefined;',
      },
    ],
  },
  {
    name: 'a change of a Service is overwritten',
    hint: 'edits the Service',
    edits: [
      {
        file: 'kubernetes/patches/service-patches.ts',
        from: "colour: value === blue ? 'blue' : value === green ? 'green' : 'other',",
        to: "colour: value === green ? 'green' : 'blue',",
      },
      { file: 'kubernetes/patches/service-patches.ts', from: "    { op: 'test', path, value: blue },\n", to: '' },
    ],
  },
  {
    name: 'nobody looks why green does not start',
    hint: 'crash',
    edits: [
      {
        file: 'rollout/strategies/green-conviction.ts',
        from: "if (diagnosis.kind === 'fatal')",
        to: 'if (diagnosis.kind !== diagnosis.kind)',
      },
    ],
  },
  {
    name: 'our name stays in the managedFields of the Service',
    hint: 'good',
    edits: [
      {
        file: 'rollout/strategies/blue-green-end.ts',
        from: 'if (owned === undefined) return undefined;',
        to: 'if (owned !== services[5]) return undefined;',
      },
    ],
  },
];

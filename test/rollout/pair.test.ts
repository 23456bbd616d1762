import { describe, expect, it } from 'vitest';
import { decide } from '../../src/rollout/decide.ts';
import type { Decision } from '../../src/rollout/decision.ts';
import type { Observation, StableFacts } from '../../src/rollout/observation.ts';
import type { DeploymentFacts } from '../../src/rollout/plan/deployment-facts.ts';
import { type PairFacts, type PairPlan, planPair } from '../../src/rollout/plan/pair-plan.ts';
import { pairRefusals } from '../../src/rollout/plan/pair-refusals.ts';
import { planPairSteps } from '../../src/rollout/plan/pair-share.ts';
import { isUndoneByDeletion, type Phase, type RolloutState } from '../../src/rollout/state.ts';
import { phaseLeft } from '../../src/rollout/strategies/pair-ends.ts';
import type { Outcome } from '../../src/rollout/verdict.ts';
import { healthy, jobUid, nowMs, observation, plan, pod, refusedHeartbeat, spec, stable, state, workload } from './scene.ts';

const pairPlan: PairPlan = {
  name: 'web-v2',
  uid: 'web-v2-1',
  images: [{ container: 'app', index: 0, from: 'app:v0', to: 'app:v2' }],
  templateHash: 'hash-2',
  found: { old: 10, new: 0 },
  total: 10,
  minAvailable: 8,
  maxTotal: 13,
  fences: { old: undefined, new: undefined },
};
const steps = [10, 50, 80].map((weightPercent) => ({ weightPercent, holdMs: 5_000 }));
const planned = plan({ pair: pairPlan, spec: spec({ steps }), steps: planPairSteps(steps, 10) });

const old = (replicas: number, changes: Partial<StableFacts> = {}): StableFacts =>
  stable({ ...workload(replicas, { uid: 'web-1' }), minAvailable: 8, ...changes });
const fresh = (replicas: number, changes: Partial<StableFacts> = {}): StableFacts =>
  stable({ ...workload(replicas, { uid: 'web-v2-1' }), images: { app: 'app:v2' }, templateHash: 'hash-2', ...changes });
const unreleased: Partial<StableFacts> = { images: { app: 'app:v0' } };
const both = (first: StableFacts, second: StableFacts): Partial<Observation> => ({ stable: first, pair: second });

function brief(decision: Decision): string {
  if (decision.kind === 'apply') {
    const { command } = decision;
    return command.kind === 'ensure-pair-replicas' ? `${command.side} ${command.replicas}` : command.kind;
  }
  if (decision.kind === 'wait') return 'wait';
  if (decision.kind === 'finish') return `finish ${decision.outcome.result}`;
  const { phase } = decision.to;
  if (phase.kind === 'ending') return `end ${phase.outcome.result} ${phase.outcome.reason}`;
  if (phase.kind === 'pair-restoring') {
    const last = phase.wished.at(-1);
    return decision.because.startsWith('back to') ? `wish ${last?.old}:${last?.new}` : `restore ${phase.outcome.reason}`;
  }
  if (phase.kind !== 'pair-step' && phase.kind !== 'pair-finishing') return phase.kind;
  const last = phase.wished.at(-1);
  return `${phase.kind}${phase.kind === 'pair-step' ? ` ${phase.index}` : ''} ${last?.old}:${last?.new}`;
}

type Row = readonly [name: string, seen: Partial<Observation>, expected: string, state?: Partial<RolloutState>];

function table(phase: Phase, rows: readonly Row[]): void {
  for (const [name, seen, expected, changes] of rows) {
    it(`${name}: ${expected}`, () => {
      expect(brief(decide(planned, state(phase, changes), observation(seen)))).toBe(expected);
    });
  }
}

const steady = (replicas: number): Partial<RolloutState> => ({
  steadiness: { replicas, availableSinceMs: nowMs - 6_000, missingSinceMs: undefined, wasAvailable: true },
  servingSinceMs: nowMs - 100_000,
  unbrokenSinceMs: nowMs - 100_000,
});
const crashed: Outcome = { result: 'rolled-back', reason: 'crash', because: 'it crashed', evidence: [] };
const notReady = pod({ ready: false, containers: [] });

describe('the fences', () => {
  table({ kind: 'fencing', sinceMs: nowMs - 1_000 }, [
    ['the first one comes first', both(old(10, { rollout: undefined }), fresh(0, { ...unreleased, rollout: undefined })), 'ensure-fence'],
    ['then the second one', both(old(10), fresh(0, { ...unreleased, rollout: undefined })), 'ensure-pair-fence'],
    ['both stand', both(old(10), fresh(0, unreleased)), 'pair-step 0 10:0'],
    ['the second one is of another rollout', both(old(10), fresh(0, { ...unreleased, rollout: 'job-9' })), 'end rolled-back fence-lost'],
    ['the first one is of another rollout', both(old(10, { rollout: 'job-9' }), fresh(0, unreleased)), 'end rolled-back fence-lost'],
    ['the second Deployment is gone', { stable: old(10) }, 'end failed deployment-deleted'],
  ]);
});

describe('a share', () => {
  table({ kind: 'pair-step', index: 0, sinceMs: nowMs - 20_000, wished: [{ old: 10, new: 0 }], by: 'run-1' }, [
    ['the image comes before any pod', both(old(10), fresh(0, unreleased)), 'ensure-pair-image'],
    ['up before down, journalled first', both(old(10), fresh(0)), 'pair-step 0 10:1'],
    ['somebody scaled the first', both(old(7), fresh(0)), 'restore changed-by-others'],
    ['somebody scaled the second', both(old(10), fresh(2)), 'restore changed-by-others'],
    ['somebody changed an image of the first', both(old(10, { images: { app: 'x' } }), fresh(0)), 'restore changed-by-others'],
    ['somebody changed an image of the second', both(old(10), fresh(0, { images: { app: 'x' } })), 'restore changed-by-others'],
    ['somebody changed the template of the second', both(old(10), fresh(0, { templateHash: 'x' })), 'restore changed-by-others'],
    ['somebody paused the second', both(old(10), fresh(0, { paused: true })), 'restore changed-by-others'],
    ['the second is gone', { stable: old(10) }, 'restore deployment-deleted'],
    ['the first is gone', { stable: undefined, pair: fresh(0) }, 'end failed deployment-deleted'],
    ['a label is gone', both(old(10), fresh(0, { rollout: undefined })), 'restore fence-lost'],
    ['a label is of another rollout', both(old(10), fresh(0, { rollout: 'job-9' })), 'end failed fence-lost'],
    ['the Job is gone', { ...both(old(10), fresh(0)), job: undefined }, 'restore lock-lost'],
    [
      'another run has the record',
      { ...both(old(10), fresh(0)), job: { uid: jobUid, startedAtMs: 1, deadlineAtMs: 2, over: undefined, holder: 'run-2' } },
      'end failed lock-lost',
    ],
    ['cancelled', { ...both(old(10), fresh(0)), cancelled: true }, 'restore cancelled'],
    ['refused three times', { ...both(old(10), fresh(0)), rejection: { message: 'no', times: 3 } }, 'restore write-refused'],
    ['a heartbeat is due', both(old(10), fresh(0)), 'pair-step 0 10:0', { heartbeatAtMs: nowMs - 31_000 }],
  ]);
  table(
    {
      kind: 'pair-step',
      index: 0,
      sinceMs: nowMs - 20_000,
      wished: [
        { old: 10, new: 0 },
        { old: 10, new: 1 },
      ],
      by: 'run-1',
    },
    [
      ['what was journalled is written', both(old(10), fresh(0)), 'new 1'],
      ['the first is not lowered before the new pod serves', both(old(10), fresh(1, { availableReplicas: 0, pods: [notReady] })), 'wait'],
      ['the controller has not seen it', both(old(10), fresh(1, { settled: false })), 'wait'],
      ['it serves', both(old(10), fresh(1)), 'pair-step 0 9:1'],
    ],
  );
  table(
    {
      kind: 'pair-step',
      index: 0,
      sinceMs: nowMs - 20_000,
      wished: [
        { old: 10, new: 1 },
        { old: 9, new: 1 },
      ],
      by: 'run-1',
    },
    [
      ['held long enough', both(old(9), fresh(1)), 'pair-step 1 9:1', steady(1)],
      [
        'not yet',
        both(old(9), fresh(1)),
        'wait',
        { ...steady(1), steadiness: { replicas: 1, availableSinceMs: nowMs - 1_000, missingSinceMs: undefined, wasAvailable: true } },
      ],
    ],
  );
  table({ kind: 'pair-step', index: 2, sinceMs: nowMs - 20_000, wished: [{ old: 2, new: 8 }], by: 'run-1' }, [
    ['the last one, and the gates pass', both(old(2, { minAvailable: 1 }), fresh(8)), 'pair-finishing 2:8', steady(8)],
  ]);
});

describe('all replicas', () => {
  const phase: Phase = {
    kind: 'pair-finishing',
    sinceMs: nowMs - 20_000,
    proved: true,
    because: 'all passed',
    wished: [{ old: 2, new: 8 }],
  };
  table(phase, [
    ['up first', both(old(2), fresh(8)), 'pair-finishing 2:10'],
    ['cancelled', { ...both(old(2), fresh(8)), cancelled: true }, 'restore cancelled'],
  ]);
  table(
    {
      ...phase,
      wished: [
        { old: 2, new: 10 },
        { old: 0, new: 10 },
      ],
    },
    [
      ['then the last of the first', both(old(2), fresh(10)), 'old 0'],
      ['its pods are still going', both(old(0, { replicas: 1 }), fresh(10)), 'wait'],
      ['complete', both(old(0), fresh(10)), 'end promoted gates-passed'],
    ],
  );
});

describe('the way back', () => {
  const phase: Phase = {
    kind: 'pair-restoring',
    sinceMs: nowMs - 5_000,
    outcome: crashed,
    wished: [
      { old: 2, new: 10 },
      { old: 1, new: 10 },
    ],
  };
  table(phase, [
    ['the first comes up at once', both(old(1), fresh(10)), 'wish 10:10'],
    ['a wish that was under way arrives', both(old(2), fresh(10)), 'wish 10:10'],
    ['a label that was taken comes again', both(old(1, { rollout: undefined }), fresh(10)), 'ensure-pair-fence'],
    ['another rollout has it', both(old(1), fresh(10, { rollout: 'job-9' })), 'end failed fence-lost'],
    ['the first is gone: the second stays', { stable: undefined, pair: fresh(10) }, 'end failed deployment-deleted'],
    ['the Job is gone: all the same', { ...both(old(1), fresh(10)), job: undefined }, 'wish 10:10'],
    ['the second is gone', { stable: old(1) }, 'wish 10:10'],
    ['a heartbeat is due', both(old(1), fresh(10)), 'restore crash', { heartbeatAtMs: nowMs - 31_000 }],
    ['a heartbeat is refused', { ...both(old(1), fresh(10)), ...refusedHeartbeat.seen }, 'wish 10:10', refusedHeartbeat.state],
  ]);
  table(
    {
      ...phase,
      wished: [
        { old: 1, new: 10 },
        { old: 10, new: 10 },
      ],
    },
    [
      ['written', both(old(1), fresh(10)), 'old 10'],
      ['no pod of the first serves yet', both(old(10, { availableReplicas: 1 }), fresh(10)), 'wish 10:7'],
      ['a number of somebody stands', both(old(15), fresh(10)), 'wish 10:0'],
    ],
  );
  table(
    {
      ...phase,
      wished: [
        { old: 10, new: 10 },
        { old: 10, new: 0 },
      ],
    },
    [
      ['the image goes last', both(old(10), fresh(0)), 'ensure-pair-image-back'],
      ['then the first fence', both(old(10), fresh(0, unreleased)), 'ensure-fence-released'],
      ['then the second one', both(old(10, { rollout: undefined }), fresh(0, unreleased)), 'ensure-pair-fence-released'],
      ['a late write shows: again', both(old(10, { rollout: undefined }), fresh(0, { rollout: undefined })), 'ensure-pair-fence'],
      ['done', both(old(10, { rollout: undefined }), fresh(0, { ...unreleased, rollout: undefined })), 'end rolled-back crash'],
      [
        'an image of somebody stands',
        both(old(10, { rollout: undefined }), fresh(0, { images: { app: 'x' }, rollout: undefined })),
        'end failed crash',
      ],
    ],
  );
  it('leaves the second alone where the first cannot carry', () => {
    const stuck = state({
      ...phase,
      sinceMs: nowMs - 700_000,
      wished: [
        { old: 10, new: 10 },
        { old: 10, new: 8 },
      ],
    });
    const seen = observation(both(old(10, { availableReplicas: 0 }), fresh(8)));
    expect(brief(decide(planned, stuck, seen))).toBe('end failed stable-unhealthy');
  });
});

describe('the record', () => {
  it('is what a pair is from its first write on', () => {
    expect(isUndoneByDeletion({ kind: 'pair-step', index: 0, sinceMs: 0, wished: [], by: 'run-1' })).toBe(false);
    expect(isUndoneByDeletion({ kind: 'pair-restoring', sinceMs: 0, outcome: crashed, wished: [] })).toBe(false);
  });

  const left: Phase = {
    kind: 'pair-step',
    index: 0,
    sinceMs: nowMs,
    wished: [
      { old: 10, new: 1 },
      { old: 9, new: 1 },
    ],
    by: 'run-0',
  };
  const seen = observation(both(old(9), fresh(1)));

  it('is undone by whoever takes it over between two shares', () => {
    expect(brief(decide(planned, state(left), seen))).toBe('restore cancelled');
    expect(brief(decide(planned, state({ ...left, by: 'run-1' }), seen))).not.toMatch(/^restore/u);
    expect(brief(decide(planned, state(phaseLeft({ ...left, by: 'run-1' }, nowMs)), seen))).toBe('restore cancelled');
  });

  it('is finished by whoever takes it over once every gate has passed', () => {
    const phase: Phase = { kind: 'pair-finishing', sinceMs: 0, proved: true, because: '', wished: [{ old: 9, new: 1 }] };
    expect(phaseLeft(phase, nowMs)).toEqual({ ...phase, sinceMs: nowMs });
  });
});

const facts: DeploymentFacts = { ...healthy, replicas: 10, minAvailable: 8, maxSurge: 3, budgets: [] };
const second: NonNullable<PairFacts['found']> = {
  uid: 'web-v2-1',
  replicas: 0,
  paused: false,
  unhealthy: undefined,
  containers: [
    { name: 'helper', image: 'helper:1' },
    { name: 'app', image: 'app:v0' },
  ],
  templateHash: 'hash-2',
  rollout: undefined,
};
const pairFacts: PairFacts = {
  name: 'web-v2',
  found: second,
  commonServices: ['web'],
  overlaps: false,
  autoscalers: [],
  heldBy: undefined,
};

describe('pairRefusals', () => {
  it.each<readonly [string, Partial<PairFacts>, Partial<DeploymentFacts>, RegExp]>([
    ['it does not exist', { found: undefined }, {}, /There is no Deployment web-v2/u],
    ['the other way round', { found: { ...second, replicas: 10 } }, { replicas: 0 }, /web-v2 has all 10 replicas and web has none/u],
    ['nothing runs', {}, { replicas: 0 }, /both have 0 replicas/u],
    ['paused', { found: { ...second, paused: true } }, {}, /web-v2 is paused/u],
    ['unhealthy', { found: { ...second, unhealthy: '1 of 2 pods are available' } }, {}, /web-v2 is not healthy/u],
    ['another container', { found: { ...second, containers: [{ name: 'x', image: 'y' }] } }, {}, /has no container app; it has x/u],
    ['overlapping selectors', { overlaps: true }, {}, /the selector of one matches/u],
    ['no common Service', { commonServices: [] }, {}, /no Service selects the pods of both/u],
    ['an autoscaler', { autoscalers: ['HorizontalPodAutoscaler web of web'] }, {}, /autoscaler would fight/u],
    ['a release of the second', { heldBy: 'by octocat' }, {}, /web-v2 is being released already: by octocat/u],
  ])('%s', (_name, changes, others, words) => {
    const [refusal] = pairRefusals({ ...facts, ...others, pair: { ...pairFacts, ...changes } }, spec(), ['app']);
    expect(refusal?.message).toMatch(words);
  });

  it('is silent where nothing is wrong, or autoscalers cannot be listed', () => {
    expect(pairRefusals({ ...facts, pair: pairFacts }, spec(), ['app'])).toEqual([]);
    expect(pairRefusals({ ...facts, pair: { ...pairFacts, autoscalers: undefined } }, spec(), ['app'])).toEqual([]);
    expect(pairRefusals(facts, spec(), ['app'])).toEqual([]);
  });

  it('tells which of the two inputs to exchange', () => {
    const [refusal] = pairRefusals({ ...facts, replicas: 0, pair: { ...pairFacts, found: { ...second, replicas: 10 } } }, spec(), ['app']);
    expect(refusal?.hint).toBe('Exchange the two: deployment: web-v2, canary-deployment: web');
  });
});

describe('planPair', () => {
  const images = [{ container: 'app', index: 0, from: 'app:v1', to: 'app:v2' }];
  it('finds the containers by name, and keeps what was found', () => {
    expect(planPair({ ...facts, pair: pairFacts }, images)).toEqual({
      ...pairPlan,
      images: [{ container: 'app', index: 1, from: 'app:v0', to: 'app:v2' }],
    });
  });

  it('needs room for one pod, whatever maxSurge says, and keeps one serving, whatever maxUnavailable says', () => {
    const tight = planPair({ ...facts, maxSurge: 0, minAvailable: 0, pair: pairFacts }, images);
    expect(tight).toMatchObject({ maxTotal: 11, minAvailable: 1 });
  });
});

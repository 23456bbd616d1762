import { describe, expect, it } from 'vitest';
import { decide } from '../../src/rollout/decide.ts';
import type { Decision } from '../../src/rollout/decision.ts';
import type { BlueGreenFacts, Observation, ServiceFacts } from '../../src/rollout/observation.ts';
import type { BlueGreenPlan } from '../../src/rollout/plan/blue-green-plan.ts';
import { chooseColours, greenValue } from '../../src/rollout/plan/blue-green-plan.ts';
import { isUndoneByDeletion, type Phase, type RolloutState } from '../../src/rollout/state.ts';
import type { Outcome } from '../../src/rollout/verdict.ts';
import { container, jobUid, nowMs, observation, plan, pod, refusedHeartbeat, spec, stable, state, workload } from './scene.ts';

const colours: BlueGreenPlan = {
  key: 'app',
  blue: 'web',
  green: 'web-green',
  isInSelector: true,
  services: ['web', 'admin'],
  preview: { selector: { app: 'web-green' }, ports: [{ port: 80 }] },
};
const blue = (changes: Partial<ServiceFacts> = {}): ServiceFacts => ({
  name: 'web',
  colour: 'blue',
  rollout: undefined,
  owned: false,
  terminating: false,
  ...changes,
});
const fenced = { rollout: jobUid };
const green = { ...workload(4, { uid: 'green-1' }), owned: true };
const both = (web: Partial<ServiceFacts>, admin: Partial<ServiceFacts>): ServiceFacts[] => [blue(web), blue({ name: 'admin', ...admin })];
const facts = (changes: Partial<BlueGreenFacts> = {}): BlueGreenFacts => ({
  green,
  preview: { rollout: jobUid, terminating: false },
  services: both({}, {}),
  ...changes,
});
const kept = { ...green, owned: false };
const serving: BlueGreenFacts = facts({ green: kept, services: both({ ...fenced, colour: 'green' }, { ...fenced, colour: 'green' }) });
const returned: BlueGreenFacts = facts({ green: kept });
const failed: Outcome = { result: 'rolled-back', reason: 'metrics-failed', because: 'it fails', evidence: [] };
const promoted: Outcome = { result: 'promoted', reason: 'gates-passed', because: 'it is good', evidence: [] };
const steady = (ms: number): Partial<RolloutState> => ({
  steadiness: { replicas: 4, availableSinceMs: nowMs - ms, missingSinceMs: undefined, wasAvailable: true },
  servingSinceMs: nowMs - ms,
  unbrokenSinceMs: nowMs - ms,
});
const updated = stable({ images: { app: 'app:v2' } });
const rolling = stable({ images: { app: 'app:v2' }, updatedReplicas: 2, availableReplicas: 3 });

function brief(decision: Decision): string {
  if (decision.kind === 'apply') {
    const { command } = decision;
    if ('service' in command) return `${command.kind} ${command.service}`;
    return 'replicas' in command ? `${command.kind} ${command.replicas}` : command.kind;
  }
  if (decision.kind !== 'advance') return decision.kind === 'finish' ? `finish ${decision.outcome.result}` : 'wait';
  const { phase } = decision.to;
  const journal = decision.journal ? '' : ' without a journal';
  if ('outcome' in phase) return `${phase.kind} ${phase.outcome.result} ${phase.outcome.reason}${journal}`;
  return `${phase.kind}${journal}`;
}

type Row = {
  readonly name: string;
  readonly spec?: Parameters<typeof spec>[0];
  readonly state?: Partial<RolloutState>;
  readonly seen?: Partial<Observation>;
  readonly expect: string;
};

function table(phase: Phase, seen: BlueGreenFacts, rows: readonly Row[]): void {
  it.each(rows)('$name → $expect', (row) => {
    const release = plan({ spec: spec({ strategy: 'blue-green', ...row.spec }), steps: [], blueGreen: colours });
    expect(brief(decide(release, state(phase, row.state), observation({ blueGreen: seen, ...row.seen })))).toBe(row.expect);
  });
}

const badPod = pod({
  ready: false,
  containers: [container({ ready: false, restartCount: 3, waiting: { reason: 'CrashLoopBackOff', message: '' } })],
});
const crashing = { ...kept, availableReplicas: 0, pods: [badPod] };

describe('fencing', () => {
  table({ kind: 'fencing', sinceMs: nowMs }, facts({ green: undefined, preview: undefined }), [
    { name: 'the fence stands', expect: 'green' },
    {
      name: 'a green that was left behind',
      seen: { blueGreen: facts({ green: { ...green, rollout: 'job-0' } }) },
      expect: 'ensure-green-deleted',
    },
    {
      name: 'a preview that was left behind',
      seen: { blueGreen: facts({ green: undefined, preview: { rollout: 'job-0', terminating: false } }) },
      expect: 'ensure-preview-deleted',
    },
  ]);
});

describe('green, without traffic', () => {
  table({ kind: 'green', sinceMs: nowMs }, facts(), [
    { name: 'nothing is there', seen: { blueGreen: facts({ green: undefined, preview: undefined }) }, expect: 'ensure-green 4' },
    { name: 'somebody scaled the Deployment', seen: { stable: stable({ ...workload(6, { uid: 'web-1' }) }) }, expect: 'ensure-green 6' },
    { name: 'no preview', seen: { blueGreen: facts({ preview: undefined }) }, expect: 'ensure-preview' },
    { name: 'not available', seen: { blueGreen: facts({ green: { ...green, availableReplicas: 3 } }) }, expect: 'wait' },
    { name: 'ready, not long enough', state: steady(30_000), expect: 'wait' },
    { name: 'ready for long enough', state: steady(60_000), expect: 'flipping' },
    { name: 'crashing', seen: { blueGreen: facts({ green: crashing }) }, expect: 'ending rolled-back crash' },
    {
      name: 'somebody changed a Service',
      state: steady(60_000),
      seen: { blueGreen: facts({ services: both({ colour: 'other' }, {}) }) },
      expect: 'ending rolled-back changed-by-others',
    },
    { name: 'blue is not there to go back to', state: steady(60_000), seen: { stable: stable({ availableReplicas: 2 }) }, expect: 'wait' },
    { name: 'cancelled', seen: { cancelled: true }, expect: 'ending rolled-back cancelled' },
    { name: 'a smoke test', spec: { smokeTest: 'true' }, state: steady(1_000), expect: 'run-smoke-test' },
    { name: 'it runs', spec: { smokeTest: 'true' }, state: steady(90_000), seen: { smoke: { kind: 'running' } }, expect: 'wait' },
    {
      name: 'its answer is journalled',
      spec: { smokeTest: 'true' },
      seen: { smoke: { kind: 'passed', because: '', evidence: [] } },
      expect: 'green',
    },
    {
      name: 'it has passed: that is the verdict',
      spec: { smokeTest: 'true' },
      state: { ...steady(1_000), smoke: { kind: 'passed', because: '', evidence: [] } },
      expect: 'flipping',
    },
    {
      name: 'it has failed',
      spec: { smokeTest: 'true' },
      state: { ...steady(90_000), smoke: { kind: 'failed', because: '', evidence: [] } },
      expect: 'ending rolled-back smoke-test-failed',
    },
    {
      name: 'nobody knows',
      spec: { smokeTest: 'true', onInconclusive: 'promote' },
      state: { ...steady(90_000), smoke: { kind: 'unknown', because: '', evidence: [] } },
      expect: 'ending inconclusive smoke-test-unknown',
    },
  ]);
});

describe('flipping', () => {
  table({ kind: 'flipping', sinceMs: nowMs - 1_000, judged: ['sha256:v2'] }, facts({ green: kept, services: both(fenced, fenced) }), [
    { name: 'green would go with the Job', seen: { blueGreen: facts() }, expect: 'ensure-green-kept' },
    { name: 'no fence', seen: { blueGreen: facts({ green: kept }) }, expect: 'ensure-service-fenced web' },
    { name: 'one fence', seen: { blueGreen: facts({ green: kept, services: both(fenced, {}) }) }, expect: 'ensure-service-fenced admin' },
    { name: 'all fenced', expect: 'ensure-flipped web' },
    { name: 'a heartbeat comes first', state: { heartbeatAtMs: nowMs - 30_000 }, expect: 'flipping' },
    {
      name: 'one flipped',
      seen: { blueGreen: facts({ green: kept, services: both({ ...fenced, colour: 'green' }, fenced) }) },
      expect: 'ensure-flipped admin',
    },
    { name: 'all flipped', seen: { blueGreen: serving }, expect: 'live' },
    {
      name: 'green lost a pod',
      seen: { blueGreen: facts({ ...serving, services: both(fenced, fenced), green: { ...kept, availableReplicas: 3 } }) },
      expect: 'wait',
    },
    {
      name: 'one of them is somebody else’s now: all or none',
      seen: { blueGreen: facts({ green: kept, services: both({ ...fenced, colour: 'green' }, { colour: 'other' }) }) },
      expect: 'flipping-back rolled-back changed-by-others',
    },
    { name: 'refused three times', seen: { rejection: { message: 'no', times: 3 } }, expect: 'flipping-back rolled-back write-refused' },
    { name: 'cancelled', seen: { cancelled: true }, expect: 'flipping-back rolled-back cancelled' },
    {
      name: 'another run has taken over',
      seen: { job: { uid: jobUid, startedAtMs: 1, deadlineAtMs: 2, over: undefined, holder: 'run-2' } },
      expect: 'ending failed lock-lost without a journal',
    },
    { name: 'the Job is gone', seen: { job: undefined }, expect: 'flipping-back rolled-back lock-lost without a journal' },
  ]);
});

describe('live', () => {
  table({ kind: 'live', sinceMs: nowMs - 60_000, judged: ['sha256:v2'] }, serving, [
    { name: 'long enough', state: steady(90_000), expect: 'updating' },
    { name: 'bake is longer', spec: { bakeMs: 90_000 }, state: steady(90_000), expect: 'wait' },
    { name: 'ready before the flip only does not count', state: steady(30_000), expect: 'wait' },
    { name: 'crashing', seen: { blueGreen: { ...serving, green: crashing } }, expect: 'flipping-back rolled-back crash' },
    {
      name: 'none of it available',
      seen: { blueGreen: { ...serving, green: { ...kept, availableReplicas: 0, pods: [pod({ ready: false })] } } },
      expect: 'flipping-back rolled-back not-ready',
    },
    {
      name: 'somebody deleted green',
      seen: { blueGreen: { ...serving, green: undefined } },
      expect: 'flipping-back rolled-back changed-by-others',
    },
    {
      name: 'somebody changed a Service',
      seen: { blueGreen: { ...serving, services: both({ colour: 'other' }, { ...fenced, colour: 'green' }) } },
      expect: 'flipping-back rolled-back changed-by-others',
    },
    {
      name: 'somebody changed the image',
      seen: { stable: stable({ images: { app: 'app:v9' } }) },
      expect: 'flipping-back rolled-back changed-by-others',
    },
    {
      name: 'an autoscaler has shrunk blue',
      state: steady(90_000),
      seen: { stable: stable({ ...workload(2, { uid: 'web-1' }), minAvailable: 2 }) },
      expect: 'updating',
    },
  ]);
});

describe('updating', () => {
  table({ kind: 'updating', sinceMs: nowMs - 5_000, judged: ['sha256:v2'], proved: true, because: 'good' }, serving, [
    { name: 'not sent yet', expect: 'ensure-promoted' },
    { name: 'cancelled before', seen: { cancelled: true }, expect: 'flipping-back rolled-back cancelled' },
    {
      name: 'cancelled, and a heartbeat is due that may be refused',
      seen: { cancelled: true },
      state: { heartbeatAtMs: nowMs - 31_000 },
      expect: 'flipping-back rolled-back cancelled',
    },
    {
      name: 'its pods crash, and a heartbeat is due that may be refused',
      seen: { stable: { ...rolling, pods: [pod({ ready: false, containers: [container({ ready: false, restartCount: 2 })] })] } },
      state: { heartbeatAtMs: nowMs - 31_000 },
      expect: 'flipping-back rolled-back crash',
    },
    { name: 'rolling', seen: { stable: rolling }, expect: 'wait' },
    { name: 'complete', seen: { stable: updated }, expect: 'flipping-back promoted gates-passed' },
    {
      name: 'the tag was moved',
      seen: { stable: { ...updated, pods: [pod({ containers: [container({ imageId: 'sha256:v3' })] })] } },
      expect: 'flipping-back rolled-back image-changed',
    },
    {
      name: 'stuck',
      seen: { stable: { ...rolling, progressDeadlineExceeded: true } },
      expect: 'flipping-back rolled-back promotion-stuck',
    },
    {
      name: 'somebody changed the template',
      seen: { stable: stable({ templateHash: 'hash-2' }) },
      expect: 'flipping-back failed changed-by-others',
    },
    { name: 'the Deployment is gone', seen: { stable: undefined }, expect: 'flipping-back failed deployment-deleted' },
  ]);
});

describe('flipping back after a failure', () => {
  table({ kind: 'flipping-back', sinceMs: nowMs - 1_000, outcome: failed, images: 'old', sent: false }, serving, [
    { name: 'blue is complete', expect: 'ensure-flipped-back web' },
    { name: 'blue lacks a pod', seen: { stable: stable({ availableReplicas: 3 }) }, expect: 'wait' },
    {
      name: 'blue lacks a pod, green all of them',
      seen: { stable: stable({ availableReplicas: 3 }), blueGreen: { ...serving, green: crashing } },
      expect: 'ensure-flipped-back web',
    },
    {
      name: 'a person has scaled blue to 0: green goes on serving',
      seen: { stable: stable({ desiredReplicas: 0, replicas: 0, updatedReplicas: 0, availableReplicas: 0, minAvailable: 0 }) },
      expect: 'wait',
    },
    {
      name: 'a person has scaled blue to 0, and green serves nobody either',
      seen: {
        stable: stable({ desiredReplicas: 0, replicas: 0, updatedReplicas: 0, availableReplicas: 0, minAvailable: 0 }),
        blueGreen: { ...serving, green: { ...kept, availableReplicas: 0 } },
      },
      expect: 'ensure-flipped-back web',
    },
    { name: 'blue was deleted', seen: { stable: undefined }, expect: 'ensure-flipped-back web' },
    { name: 'a fence alone', seen: { blueGreen: facts({ green: kept, services: both(fenced, {}) }) }, expect: 'ensure-flipped-back web' },
    {
      name: 'the fence of another rollout',
      seen: { blueGreen: { ...serving, services: both({ colour: 'green', rollout: 'job-2' }, {}) } },
      expect: 'draining rolled-back metrics-failed',
    },
    { name: 'all back', seen: { blueGreen: returned }, expect: 'draining rolled-back metrics-failed' },
    { name: 'the Job is gone', seen: { job: undefined }, expect: 'ensure-flipped-back web' },
    { name: 'a heartbeat is due', state: { heartbeatAtMs: nowMs - 31_000 }, expect: 'flipping-back rolled-back metrics-failed' },
    { name: 'a heartbeat is refused: the Service goes back', ...refusedHeartbeat, expect: 'ensure-flipped-back web' },
  ]);
  table({ kind: 'flipping-back', sinceMs: nowMs - 11_000, outcome: failed, images: 'old', sent: false }, serving, [
    { name: 'patience for the last pod is over', seen: { stable: stable({ availableReplicas: 3 }) }, expect: 'ensure-flipped-back web' },
    { name: 'less than the user allows', seen: { stable: stable({ availableReplicas: 2 }) }, expect: 'wait' },
  ]);
  table({ kind: 'flipping-back', sinceMs: nowMs - 1_000, outcome: failed, images: 'old', sent: true }, serving, [
    { name: 'our image stands', seen: { stable: rolling }, expect: 'ensure-reverted' },
    { name: 'our image stands without a fence', seen: { stable: { ...rolling, rollout: undefined } }, expect: 'ensure-fence' },
    { name: 'the old one is back: no update may arrive late', expect: 'ensure-fence-released' },
    { name: 'green serves until blue is complete', seen: { stable: stable({ rollout: undefined, availableReplicas: 3 }) }, expect: 'wait' },
    { name: 'complete', seen: { stable: stable({ rollout: undefined }) }, expect: 'ensure-flipped-back web' },
    {
      name: 'refused three times: said, and the traffic goes where the Deployment is',
      seen: { stable: rolling, rejection: { message: 'no', times: 3 } },
      expect: 'flipping-back failed write-refused',
    },
  ]);
});

describe('flipping back without end', () => {
  table({ kind: 'flipping-back', sinceMs: nowMs - 3_600_001, outcome: failed, images: 'old', sent: false }, serving, [
    { name: 'the record has lasted its hour', expect: 'ending failed write-refused' },
    { name: 'blue never came back', seen: { stable: stable({ availableReplicas: 0 }) }, expect: 'ending failed write-refused' },
  ]);
});

describe('flipping back after success', () => {
  table({ kind: 'flipping-back', sinceMs: nowMs - 1_000, outcome: promoted, images: 'new', sent: true }, serving, [
    { name: 'blue has the new image', seen: { stable: updated }, expect: 'ensure-flipped-back web' },
    { name: 'an autoscaler asks for more pods', seen: { stable: { ...updated, desiredReplicas: 6 } }, expect: 'wait' },
    { name: 'cancelled now: it is done', seen: { stable: updated, cancelled: true }, expect: 'ensure-flipped-back web' },
  ]);
  table({ kind: 'flipping-back', sinceMs: nowMs - 601_000, outcome: promoted, images: 'new', sent: true }, serving, [
    { name: 'blue never stays complete', seen: { stable: rolling }, expect: 'flipping-back rolled-back promotion-stuck' },
  ]);
});

describe('draining and ending', () => {
  table({ kind: 'draining', sinceMs: nowMs - 1_000, outcome: promoted }, returned, [
    { name: 'not every node has heard of it', expect: 'wait' },
    { name: 'a flip arrived late', seen: { blueGreen: serving }, expect: 'flipping-back promoted gates-passed' },
    {
      name: 'somebody else’s Service leads to green: it stays',
      seen: { blueGreen: { ...serving, services: both({ colour: 'green', rollout: 'job-2' }, {}) } },
      expect: 'ending promoted gates-passed',
    },
  ]);
  table({ kind: 'draining', sinceMs: nowMs - 5_000, outcome: promoted }, returned, [
    { name: 'drained', expect: 'ensure-green-deleted' },
    { name: 'a heartbeat is refused', ...refusedHeartbeat, expect: 'ensure-green-deleted' },
    { name: 'green is gone', seen: { blueGreen: facts({ green: undefined }) }, expect: 'ending promoted gates-passed' },
  ]);
  table(
    { kind: 'ending', sinceMs: nowMs - 1_000, outcome: promoted },
    facts({ green: undefined, preview: undefined, services: both({ owned: true }, {}) }),
    [
      { name: 'the Job goes first', expect: 'ensure-job-deleted' },
      { name: 'our name in the Service', seen: { job: undefined }, expect: 'ensure-service-ownership-released web' },
      { name: 'green that the collector takes', seen: { job: undefined, blueGreen: facts() }, expect: 'wait' },
      { name: 'green without an owner', seen: { job: undefined, blueGreen: returned }, expect: 'ensure-green-deleted' },
      {
        name: 'a fence that was left',
        seen: { job: undefined, blueGreen: facts({ green: undefined, preview: undefined, services: both(fenced, {}) }) },
        expect: 'ensure-flipped-back web',
      },
    ],
  );
});

describe('the record', () => {
  it.each(['flipping', 'live', 'updating', 'flipping-back', 'draining'] as const)('%s is not undone by deleting the Job', (kind) => {
    expect(isUndoneByDeletion({ kind, sinceMs: 0 } as unknown as Phase)).toBe(false);
  });
  it('green is', () => expect(isUndoneByDeletion({ kind: 'green', sinceMs: 0 })).toBe(true));
});

describe('chooseColours', () => {
  const service = (name: string, selector: Record<string, string>) => ({ name, selector, ports: [{ port: 80 }] });
  const given = {
    deployment: 'web',
    labels: { app: 'web', tier: 'front' },
    matchLabels: { app: 'web' },
    expressionKeys: [],
    services: [service('web', { app: 'web' })],
    bystander: undefined,
    strangers: [],
    selectors: [],
  };

  it('takes a key of every Service that nobody else selects by, one of the Deployment’s own selector first', () => {
    const two = [service('web', { app: 'web', tier: 'front' }), service('admin', { tier: 'front', app: 'web' })];
    expect(chooseColours({ ...given, services: two })).toMatchObject({
      plan: { key: 'app', blue: 'web', green: 'web-green', isInSelector: true },
    });
    const budget = [{ what: 'PodDisruptionBudget web', keys: ['app'] }];
    expect(chooseColours({ ...given, services: two, selectors: budget })).toMatchObject({
      plan: { key: 'tier', isInSelector: false },
      warnings: [],
    });
    expect(chooseColours({ ...given, selectors: budget })).toMatchObject({
      plan: { key: 'app' },
      warnings: [expect.stringContaining('PodDisruptionBudget web')],
    });
  });

  it.each([
    ['no Service', { services: [], bystander: 'Service web has no selector' }, 'has no selector'],
    [
      'no common key',
      { services: [service('web', { app: 'web' }), service('admin', { tier: 'front' })] },
      'no key of their selectors in common',
    ],
    ['an expression', { expressionKeys: ['app'] }, 'needs as an expression'],
    ['strangers', { strangers: [{ service: 'web', pod: 'cart-1' }] }, 'cart-1'],
  ])('refuses %s with two lines of YAML', (_, changes, says) => {
    const refused = chooseColours({ ...given, ...changes });
    expect(refused).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(says),
      hint: expect.stringMatching(/\n {2}selector:\n {4}[^\n]+: [^\n]+$/u),
    });
  });

  it('makes a value that a label may have', () => {
    expect(greenValue('web')).toBe('web-green');
    expect(greenValue('')).toBe('green');
    expect(greenValue(`${'a'.repeat(56)}.b${'c'.repeat(5)}`)).toBe(`${'a'.repeat(56)}-green`);
  });
});

import { directHandmade, directStories } from './direct-stories.ts';
import { type Played, play } from './play.ts';
import {
  calm,
  type DeedKind,
  good,
  type Interference,
  type RunScript,
  run,
  type Scenario,
  scenario,
  shortSpec,
  type WayToDie,
  waysToDie,
} from './scenario.ts';
import type { Subject } from './subject.ts';

/** Who puts right what a dead process has left. Each of them alone has to do. */
export const repairs = ['time', 'post', 'next', 'reconcile', 'abort'] as const;
export type Repair = (typeof repairs)[number];

const quick = { ...good, startMs: [300, 700] as const };
const spec = shortSpec({
  steps: [
    { weightPercent: 25, holdMs: 1_500 },
    { weightPercent: 50, holdMs: 1_000 },
  ],
  minDurationMs: 3_000,
});
const behaviours = { ...scenario().behaviours, v1: quick, v2: quick, v3: quick };
const base = scenario({ replicas: 3, behaviours, runs: [run({ spec })], aftermath: false });

/** Short runs, and how each of them ends when nothing happens to it. */
export const stories: Readonly<Record<string, { readonly scenario: Scenario; readonly ends: string }>> = {
  good: { scenario: base, ends: 'promoted gates-passed' },
  bad: { scenario: { ...base, behaviours: { ...behaviours, v2: { ...quick, fate: 'pull' } } }, ends: 'rolled-back image-pull' },
  'bad once promoted': {
    scenario: { ...base, behaviours: { ...behaviours, v2: { ...quick, movesAtMs: 5_500 } } },
    ends: 'rolled-back image-changed',
  },
  cancelled: { scenario: { ...base, runs: [run({ spec, cancelledAtMs: 3_050 })] }, ends: 'rolled-back cancelled' },
  ...directStories(base, spec, quick),
  'cancelled while it promotes': { scenario: { ...base, runs: [run({ spec, cancelledAtMs: 8_000 })] }, ends: 'rolled-back cancelled' },
};

const slow = shortSpec({
  steps: [
    { weightPercent: 10, holdMs: 4_000 },
    { weightPercent: 33, holdMs: 18_000 },
    { weightPercent: 50, holdMs: 1_000 },
  ],
  minDurationMs: 40_000,
  deadManMs: 15_000,
});

/** Releases to which nobody does anything (the checker knows how a good one must end), and moments that chance is too seldom at. */
export const handmade: readonly Case[] = [
  ...directHandmade,
  ...Object.entries(stories).map(([name, story]) => ({ name: `undisturbed: ${name}`, scenario: { ...story.scenario, aftermath: true } })),
  { name: 'undisturbed: slow', scenario: scenario({ replicas: 8, runs: [run({ spec: slow })] }) },
  {
    name: 'undisturbed: three steps by metrics',
    scenario: scenario({ replicas: 8, runs: [run({ spec: { ...slow, judgedBy: 'metrics' } })], requestsPerSecond: 1_000 }),
  },
  {
    name: 'undisturbed: metrics are lost for good',
    scenario: scenario({
      runs: [run({ spec: { ...slow, steps: [{ weightPercent: 50, holdMs: 1_000 }], judgedBy: 'metrics', minDurationMs: 100_000 } })],
      faults: { ...calm, metricsOutages: [{ fromMs: 4_000, toMs: 1_000_000_000 }] },
    }),
  },
  {
    name: 'handmade: the canary alone serves when the rollout must end',
    scenario: scenario({
      replicas: 1,
      behaviours: { ...scenario().behaviours, v1: { ...good, startMs: [30_000, 31_000] } },
      runs: [run({ spec: slow })],
      deeds: [
        { atMs: 6_000, kind: 'evict-stable' },
        { atMs: 12_000, kind: 'unlabel' },
      ],
    }),
  },
  {
    name: 'handmade: a claim of the fence comes late, when the label has been taken away',
    scenario: {
      ...base,
      seed: 13_522,
      faults: { ...calm, lostBefore: 0.3, late: 0.3 },
      runs: [run({ spec: { ...spec, deadManMs: 240_000, timeoutMs: 40_000 } })],
    },
  },
];

export type Case = { readonly name: string; readonly scenario: Scenario };

/** The calls of every story when nothing happens. */
export async function tracesOf(subject: Subject): Promise<ReadonlyMap<string, Played['trace']>> {
  const traces = new Map<string, Played['trace']>();
  for (const [name, story] of Object.entries(stories)) traces.set(name, (await play(story.scenario, subject)).trace);
  return traces;
}

/**
 * Every call of every story, every way to die there, every repair alone. A read changes nothing: there is one way to die at it, and after
 * the first read that follows a write the cluster is as it was before.
 */
export function everyDeath(traces: Awaited<ReturnType<typeof tracesOf>>): readonly Case[] {
  const cases: Case[] = [];
  for (const [story, trace] of traces) {
    trace.forEach((kind, index) => {
      const ways: readonly WayToDie[] = kind === 'write' ? waysToDie : ['before'];
      const isNews = kind === 'write' || trace[index - 1] === 'write';
      for (const way of ways) {
        for (const repair of isNews ? repairs : (['time'] as const)) cases.push(deathOf(story, index + 1, way, repair));
      }
    });
  }
  return cases;
}

function deathOf(story: string, call: number, way: WayToDie, repair: Repair): Case {
  return {
    name: `${story}: dies ${way} call ${call}, repaired by ${repair}`,
    scenario: repairedBy(
      repair,
      withFirst(story, { dies: { call, way }, post: repair === 'post' }, repair === 'next' ? 30_000 : undefined),
    ),
  };
}

const staleMs = 300_000;
/** Longer than a promotion may take that has to be finished or undone. */
const laterMs = 900_000;

/** A reconcile once the dead-man has fired and the record is stale, or an abort soon after; and a second one, which must have nothing to do. */
function repairedBy(repair: Repair, given: Scenario): Scenario {
  if (repair !== 'reconcile' && repair !== 'abort') return given;
  const startMs = repair === 'abort' ? 12_000 : staleMs;
  const first = run({ name: repair, command: repair, spec, startMs });
  const second = run({ name: `${repair} again`, command: 'reconcile', idle: true, spec, startMs: startMs + laterMs });
  return { ...given, runs: [...given.runs, first, second] };
}

/** A release that lives, and at every moment somebody who aborts it, or who reconciles what needs no help. */
export function everyVisit(): readonly Case[] {
  const cases: Case[] = [];
  for (const story of ['good', 'bad once promoted', 'cancelled while it promotes']) {
    for (const command of ['abort', 'reconcile'] as const) {
      for (let startMs = 100; startMs <= visitsMs; startMs += 170) {
        const visit = run({ name: command, command, spec, startMs });
        const given = withFirst(story, {}, undefined);
        cases.push({
          name: `${story}: ${command} at ${startMs} ms`,
          scenario: { ...given, aftermath: true, runs: [...given.runs, visit] },
        });
      }
    }
  }
  return cases;
}

/** An abort that dies itself, at every call, in a step and in the promotion; a reconcile puts it right, and a second one has nothing to do. */
export function everyAbortDeath(): readonly Case[] {
  const cases: Case[] = [];
  for (const startMs of [2_000, 6_400, 7_000]) {
    for (let call = 1; call <= abortCallsMax; call += 1) {
      for (const way of waysToDie) {
        const abort = run({ name: 'abort', command: 'abort', spec, startMs, dies: { call, way } });
        const given = repairedBy('reconcile', withFirst('good', {}, undefined));
        cases.push({
          name: `good: the abort at ${startMs} ms dies ${way} call ${call}`,
          scenario: { ...given, runs: [...given.runs, abort] },
        });
      }
    }
  }
  return cases;
}

const abortCallsMax = 25;
const visitsMs = 14_000;

const deeds: readonly DeedKind[] = [
  'image',
  'env',
  'replicas',
  'pause',
  'unlabel',
  'delete-stable',
  'delete-job',
  'orphan-job',
  'foreground-job',
  'evict-canary',
];
const zombieMs = [70_000, 300_000, 3_900_000] as const;

/**
 * Every write of every story that gets far enough, and whatever may come between the decision and its request: a person, or so long a time
 * without turns that the dead-man has fired, that another run has released, or that it has taken the record over.
 */
export function everyInterference(traces: Awaited<ReturnType<typeof tracesOf>>): readonly Case[] {
  const cases: Case[] = [];
  for (const story of ['good', 'bad once promoted', 'rolling', 'rolling, bad', 'recreate']) {
    (traces.get(story) ?? []).forEach((kind, index) => {
      if (kind !== 'write') return;
      const call = index + 1;
      const add = (what: string, interference: Interference, nextAtMs?: number): void => {
        cases.push({ name: `${story}: ${what} before call ${call}`, scenario: withFirst(story, { interference }, nextAtMs) });
      };
      for (const deed of deeds) add(deed, { call, deed });
      for (const pauseMs of zombieMs) {
        add(`no turns for ${pauseMs} ms`, { call, pauseMs });
        add(`no turns for ${pauseMs} ms, and another run meanwhile,`, { call, pauseMs }, 20_000);
      }
    });
  }
  return cases;
}

function withFirst(story: string, changes: Partial<RunScript>, nextAtMs: number | undefined): Scenario {
  const given = stories[story]?.scenario;
  const first = given?.runs[0];
  if (given === undefined || first === undefined) throw new Error(`there is no story ${story}`);
  const next =
    nextAtMs === undefined
      ? []
      : [run({ name: 'next', tag: 'v3', spec: first.spec.strategy === 'canary' ? spec : first.spec, startMs: nextAtMs, patience: 30 })];
  return { ...given, runs: [{ ...first, ...changes }, ...next] };
}

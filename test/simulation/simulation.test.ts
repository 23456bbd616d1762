/**
 * The production code (release, run-rollout, finish-left, all of rollout/ and of kubernetes/ above the REST client) in a simulated cluster, in
 * virtual time. A checker watches the world from outside and knows nothing of the code's state.
 *
 * A failing seed prints its whole story. To read it again, alone:
 *   SEED=7 npx vitest run --config test/vitest.config.ts test/simulation
 * (and with DIRECT=1 the seed as it is told with rolling, recreate or a bake).
 * A failing case of the exhaustive part has a name, and is played again by a part of it:
 *   CASE='good: env before call 42' npx vitest run --config test/vitest.config.ts test/simulation
 * For hours: SEEDS=100000 FROM=1000000 (every seed is then played twice, and both logs must be the same).
 *
 * In a log, times are seconds; a process says what it would have told people, and what became of each of its writes; `cluster` and `person`
 * are the others; CHECKER names the invariant of the design that is broken. A seed that found something goes to seeds.ts, with its story.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Case, everyAbortDeath, everyDeath, everyInterference, everyVisit, handmade, stories, tracesOf } from './exhaustive.ts';
import { loadMutant, mutants } from './mutants.ts';
import { type Played, play } from './play.ts';
import { randomDirectScenario, randomScenario } from './random-scenario.ts';
import { seedsThatFailed } from './seeds.ts';
import { original, type Subject } from './subject.ts';

const { SEED, DIRECT, SEEDS, FROM, CASE } = process.env;
const seedsCount = Number(SEEDS ?? 600);
const firstSeed = Number(FROM ?? 1);
const directCount = Math.ceil(seedsCount / 2);
const isSoak = SEEDS !== undefined;
const twiceEvery = isSoak ? 1 : 10;
const soakMs = 24 * 3_600_000;

const tally = { runs: 0, deaths: 0, virtualMs: 0, replayed: new Set<string>() };

async function playCase({ scenario }: Case, subject: Subject = original): Promise<Played> {
  const played = await play(scenario, subject);
  tally.runs += 1;
  tally.deaths += played.deaths;
  tally.virtualMs += played.virtualMs;
  for (const verdict of Object.keys(played.replayed)) tally.replayed.add(verdict);
  return played;
}

function seedCase(seed: number): Case {
  return { name: `seed ${seed}`, scenario: randomScenario(seed) };
}

function directCase(seed: number): Case {
  return { name: `direct seed ${seed}`, scenario: randomDirectScenario(seed) };
}

function pastCase({ seed, direct }: (typeof seedsThatFailed)[number]): Case {
  return direct === true ? directCase(seed) : seedCase(seed);
}

function tell({ name }: Case, played: Played): string {
  return [`${name}:`, ...played.log, '', ...played.violations, JSON.stringify(played.ends)].join('\n');
}

/** All of them are played: one bug breaks many, and their names say what they have in common. */
async function expectClean(cases: readonly Case[]): Promise<void> {
  const broken: { readonly name: string; readonly violation: string | undefined }[] = [];
  let firstStory = '';
  for (const one of cases) {
    const played = await playCase(one);
    if (played.violations.length === 0) continue;
    if (firstStory === '') firstStory = tell(one, played);
    broken.push({ name: one.name, violation: played.violations[0] });
  }
  if (broken.length > 0) console.log(firstStory);
  expect(broken).toEqual([]);
}

describe.runIf(SEED !== undefined || CASE !== undefined)('one story', () => {
  it(`${SEED ?? CASE}`, async () => {
    const traces = await tracesOf(original);
    const cases =
      SEED === undefined
        ? [...handmade, ...everyDeath(traces), ...everyInterference(traces), ...everyVisit()].filter(({ name }) =>
            name.includes(CASE ?? ''),
          )
        : [DIRECT === undefined ? seedCase(Number(SEED)) : directCase(Number(SEED))];
    for (const one of cases.slice(0, 3)) console.log(tell(one, await playCase(one)));
  });
});

describe.runIf(SEED === undefined && CASE === undefined)('simulation', () => {
  it.each(Object.entries(stories))('%s, undisturbed, ends as it must', async (_, { scenario, ends }) => {
    expect((await playCase({ name: '', scenario })).ends['run-1']).toBe(ends);
  });

  it('ends as it must when nobody does anything, and in hand-made moments', async () => {
    await expectClean(handmade);
  });

  it('dies at every call, in every way, and each repair alone puts it right', async () => {
    await expectClean(everyDeath(await tracesOf(original)));
  });

  it('is aborted at any moment, and reconciled without need', async () => {
    await expectClean([...everyVisit(), ...everyAbortDeath()]);
  });

  it('is not disturbed by a reconcile that is not needed', async () => {
    for (const one of everyVisit().filter(({ name }) => name.startsWith('good: reconcile')))
      expect((await playCase(one)).ends['run-1'], one.name).toBe('promoted gates-passed');
  });

  it('meets everybody between every decision and its write', async () => {
    await expectClean(everyInterference(await tracesOf(original)));
  });

  it('keeps what the seeds of the past have taught', async () => {
    await expectClean(seedsThatFailed.map(pastCase));
  });

  it(`survives ${seedsCount} random stories, and each always goes the same way`, { timeout: isSoak ? soakMs : 120_000 }, async () => {
    const startMs = performance.now();
    const before = { ...tally };
    const seeds = Array.from({ length: seedsCount }, (_, index) => firstSeed + index);
    await expectClean(seeds.map(seedCase));
    for (const seed of seeds.filter((one) => one % twiceEvery === 0)) {
      const one = seedCase(seed);
      expect((await playCase(one)).log).toEqual((await playCase(one)).log);
    }
    const days = (tally.virtualMs - before.virtualMs) / 86_400_000;
    console.log(
      `${tally.runs - before.runs} stories, ${tally.deaths - before.deaths} deaths, ${days.toFixed(1)} days in ${((performance.now() - startMs) / 1000).toFixed(1)} s`,
    );
  });

  it(`survives ${directCount} of them by rolling, recreate, or with a bake`, { timeout: isSoak ? soakMs : 120_000 }, async () => {
    await expectClean(Array.from({ length: directCount }, (_, index) => directCase(firstSeed + index)));
  });

  it('has judged recordings again with every verdict that metrics can give', () => {
    const verdicts = ['step pass', 'step fail', 'step inconclusive', 'rolling fail', 'baking pass', 'baking fail', 'baking inconclusive'];
    expect([...tally.replayed].sort()).toEqual(verdicts.sort());
  });

  describe('the checker kills', () => {
    let all: readonly Case[] = [];

    beforeAll(async () => {
      const seeds = Array.from({ length: 500 }, (_, index) => seedCase(index + 1));
      const direct = Array.from({ length: 300 }, (_, index) => directCase(index + 1));
      const traces = await tracesOf(original);
      all = [
        ...handmade,
        ...seedsThatFailed.map(pastCase),
        ...everyInterference(traces),
        ...everyVisit(),
        ...everyDeath(traces),
        ...seeds,
        ...direct,
      ];
    });

    it.each(mutants)('$name', async (mutant) => {
      const subject = loadMutant(mutant);
      const hinted = all.filter(
        ({ name }) => name === mutant.hint || (!/^(?:direct )?seed/.test(mutant.hint) && name.includes(mutant.hint)),
      );
      let killedBy: string | undefined;
      for (const one of [...hinted, ...all]) {
        if ((await playCase(one, subject)).violations.length === 0) continue;
        killedBy = one.name;
        break;
      }
      if (killedBy !== undefined && !hinted.some(({ name }) => name === killedBy))
        console.log(`${mutant.name}: the hint is ${killedBy} now`);
      expect(killedBy).toBeDefined();
    });
  });
});

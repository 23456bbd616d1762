import { seeded } from '../rollout/gates/random.ts';

/** Dice of one seed: the same seed always throws the same numbers. */
export type Dice = {
  /** From `min` to `max`, `max` left out. */
  between(min: number, max: number): number;
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  /** A number of events where `mean` are expected. */
  poisson(mean: number): number;
};

export function diceFrom(seed: number): Dice {
  const random = seeded(seed);
  const between = (min: number, max: number): number => min + random() * (max - min);
  return {
    between,
    whole: (min, max) => Math.floor(between(min, max + 1)),
    chance: (probability) => random() < probability,
    pick: (items) => items[Math.floor(random() * items.length)] ?? items[0],
    poisson: (mean) => {
      if (mean > 40)
        return Math.max(0, Math.round(mean + Math.sqrt(mean) * (random() + random() + random() + random() - 2) * Math.sqrt(3)));
      let product = random();
      let events = 0;
      for (const limit = Math.exp(-mean); product > limit; events += 1) product *= random();
      return events;
    },
  };
}

export type Random = () => number;

/** A seeded generator of numbers in [0, 1) (mulberry32), so that every run of a simulation is the same. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A binomial draw: `trials` of probability `p`, by jumping from one success to the next. */
export function binomial(random: Random, trials: number, p: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return trials;
  let successes = 0;
  for (let position = 0; ; successes += 1) {
    position += Math.floor(Math.log(1 - random()) / Math.log1p(-p)) + 1;
    if (position > trials) return successes;
  }
}

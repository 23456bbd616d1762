export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A suffix of the kind that the API server gives to generated names. */
  suffix(length: number): string;
  uuid(): string;
  /** A stream of its own: drawing from it leaves this one's sequence as it is. */
  fork(name: string): Random;
}

const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  function pick(alphabet: string, length: number): string {
    return Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)]).join('');
  }

  return {
    next,
    suffix: (length) => pick(SUFFIX_ALPHABET, length),
    uuid() {
      const hex = pick('0123456789abcdef', 30);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-a${hex.slice(15, 18)}-${hex.slice(18)}`;
    },
    fork: (name) => createRandom(seed ^ hashText(name)),
  };
}

/** FNV-1a. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

/** The n-th of a fixed sequence in [0, 1): a pod's answers depend on its own request count alone. */
export function chance(seed: number, n: number): number {
  let mixed = (seed ^ Math.imul(n, 0x9e3779b9)) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 0;
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000;
}

import { inputSchema } from './schema.ts';

const prefix = 'INPUT_';

/** Problems for variables INPUT_* that no input of ours explains, with the nearest name: a typo would be ignored otherwise. */
export function unknownInputs(environmentNames: readonly string[]): readonly string[] {
  const known: readonly string[] = inputSchema.map((input) => input.name);
  return environmentNames
    .filter((name) => name.toUpperCase().startsWith(prefix))
    .map((name) => name.slice(prefix.length).toLowerCase())
    .filter((name) => name !== '' && !known.includes(name))
    .map((name) => describe(name, nearestName(name, known)));
}

/** The name that differs in the fewest letters; undefined where none is near enough to be meant. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const spelled = name.replaceAll('_', '-');
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(spelled, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  const base = known.find((candidate) => spelled.startsWith(`${candidate}-`));
  // With so long a beginning in common, another ending is hardly a misspelt one.
  if (base !== undefined && best?.candidate.startsWith(`${base}-`) && best.distance > (best.candidate.length - base.length) / 2)
    return base;
  if (best !== undefined && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3))) return best.candidate;
  return known.find((candidate) => spelled.length >= 4 && (candidate.startsWith(spelled) || spelled.startsWith(candidate)));
}

function describe(name: string, nearest: string | undefined): string {
  if (nearest !== undefined) return `${name}: there is no such input; did you mean ${nearest}?`;
  return `${name}: there is no such input; the README lists those that exist`;
}

const editNameMax = 64;

/** Levenshtein distance. */
function editDistance(left: string, right: string): number {
  if (left.length > editNameMax) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

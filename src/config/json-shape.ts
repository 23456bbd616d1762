import { quoted } from './parsed.ts';

/** The bounds of a number; both are valid unless `aboveMin`. */
export type NumberRange = {
  readonly min: number;
  readonly max: number;
  /** Whether `min` itself is not valid. */
  readonly aboveMin?: boolean;
  readonly whole?: boolean;
};

/** Every count that doubles hold exactly. */
export const countRange: NumberRange = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** Reads foreign JSON and collects a problem for each place that is wrong; what it returns beside a problem is never used. */
export class JsonShape {
  readonly problems: string[] = [];

  reject(place: string, problem: string): void {
    this.problems.push(`${place}: ${problem}`);
  }

  /** The object at `place`, which may have no other keys than these; undefined where it is none. */
  object(place: string, value: unknown, keys: readonly string[]): Readonly<Record<string, unknown>> | undefined {
    const found = this.record(place, value);
    if (found === undefined) return undefined;
    for (const key of Object.keys(found).filter((name) => !keys.includes(name)))
      this.reject(`${place === '' ? '' : `${place}.`}${quoted(key)}`, `there is no such key; valid: ${keys.join(', ')}`);
    return found;
  }

  /** As `object`, with keys that are names. */
  record(place: string, value: unknown): Readonly<Record<string, unknown>> | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
    this.reject(place === '' ? 'the file' : place, `${shown(value, 'an object')}; valid is {…}`);
    return undefined;
  }

  number(place: string, value: unknown, range: NumberRange): number {
    const { min, max, aboveMin = false, whole = false } = range;
    const inRange = typeof value === 'number' && (aboveMin ? value > min : value >= min) && value <= max;
    if (inRange && (!whole || Number.isInteger(value))) return value;
    const upper = max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${max}`;
    const kind = whole ? 'a whole number' : 'a number';
    this.reject(place, `${shown(value, 'valid')}; valid is ${kind} ${aboveMin ? 'above' : 'of at least'} ${min}${upper}`);
    return Number.NaN;
  }

  /** Requests and errors of one arm: as many errors as requests at most. */
  counts(place: string, value: unknown, requests: NumberRange): { readonly errors: number; readonly requests: number } {
    const found = this.object(place, value, ['errors', 'requests']);
    if (found === undefined) return { errors: Number.NaN, requests: Number.NaN };
    const counts = {
      errors: this.number(`${place}.errors`, found['errors'], countRange),
      requests: this.number(`${place}.requests`, found['requests'], requests),
    };
    if (counts.errors > counts.requests)
      this.reject(`${place}.errors`, `${counts.errors} errors of ${counts.requests} requests; valid are as many as requests at most`);
    return counts;
  }
}

function shown(value: unknown, isNot: string): string {
  if (value === undefined) return 'it is missing';
  if (Array.isArray(value)) return `a list is not ${isNot}`;
  if (typeof value === 'object' && value !== null) return `an object is not ${isNot}`;
  return `${typeof value === 'string' ? quoted(value) : String(value)} is not ${isNot}`;
}

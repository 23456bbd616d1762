import { type Parsed, quoted } from './parsed.ts';
import { defaultOf, type InputName } from './schema.ts';
import { formatDuration, parseDuration } from './units.ts';

/** Reads inputs and collects every problem; what it returns beside a problem is never used. */
export class InputReader {
  readonly problems: string[] = [];
  private readonly read: (name: string) => string;

  constructor(read: (name: string) => string) {
    this.read = read;
  }

  /** An empty input is one that was left out: `${{ inputs.force }}` is empty on a push. */
  text(name: InputName): string | undefined {
    const text = this.read(name).trim();
    return text === '' ? defaultOf(name) : text;
  }

  /** Whether it says something else than its default; the runner fills defaults in, so the default itself cannot be told. */
  isGiven(name: InputName): boolean {
    return this.text(name) !== defaultOf(name);
  }

  reject(name: InputName, problem: string): void {
    this.problems.push(`${name}: ${problem}`);
  }

  parse<T>(name: InputName, parser: (text: string) => Parsed<T>): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const parsed = parser(text);
    if ('value' in parsed) return parsed.value;
    this.reject(name, parsed.problem);
    return undefined;
  }

  parseOr<T>(name: InputName, parser: (text: string) => Parsed<T>, fallback: T): T {
    return this.parse(name, parser) ?? fallback;
  }

  /** Undefined where it is wrong. */
  durationMs(name: InputName, minMs: number, maxMs: number): number | undefined {
    return this.parse(name, (text) => {
      const duration = parseDuration(text);
      if ('problem' in duration || (duration.value >= minMs && duration.value <= maxMs)) return duration;
      const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
      return { problem: `${quoted(text)} is out of range; valid is ${range}, for example ${defaultOf(name) ?? '1m'}` };
    });
  }

  choice<T extends string>(name: InputName, existing: readonly T[], later: readonly string[] = []): T | undefined {
    return this.parse(name, (text) => {
      const value = existing.find((choice) => choice === text);
      if (value !== undefined) return { value };
      if (!later.includes(text)) return { problem: `${quoted(text)} is not valid; valid: ${existing.join(', ')}` };
      const verb = existing.length === 1 ? 'does' : 'do';
      return { problem: `${text} does not exist yet; ${existing.join(' and ')} ${verb}` };
    });
  }
}

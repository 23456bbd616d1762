const warningsMax = 20;
const warningLengthMax = 300;

/** The `Warning` headers of all answers, each told once: what the API server wants a person to know (a deprecated API, an ignored field). */
export class WarningHeaders {
  readonly #told = new Set<string>();
  readonly #tell: (text: string) => void;

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  note(header: string | readonly string[] | undefined): void {
    if (header === undefined) return;
    const joined = typeof header === 'string' ? header : header.join(', ');
    for (const match of joined.matchAll(/\b299 \S+ "((?:\\.|[^"\\])*)"/g)) {
      const text = (match[1] ?? '').replace(/\\(.)/g, '$1').slice(0, warningLengthMax);
      if (text === '' || this.#told.has(text) || this.#told.size === warningsMax) continue;
      this.#told.add(text);
      this.#tell(text);
    }
  }
}

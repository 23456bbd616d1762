const warningsMax = 20;
const warningLengthMax = 300;

/** The `Warning` headers of all answers, each once: what the API server wants a person to know (a deprecated API, an ignored field). */
export class WarningHeaders {
  readonly #texts = new Set<string>();

  note(header: string | readonly string[] | undefined): void {
    if (header === undefined) return;
    const joined = typeof header === 'string' ? header : header.join(', ');
    for (const match of joined.matchAll(/\b299 \S+ "((?:\\.|[^"\\])*)"/g)) {
      const text = (match[1] ?? '').replace(/\\(.)/g, '$1').slice(0, warningLengthMax);
      if (text !== '' && this.#texts.size < warningsMax) this.#texts.add(text);
    }
  }

  texts(): readonly string[] {
    return [...this.#texts];
  }
}

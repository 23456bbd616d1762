/** What a parser gives: a value, or a sentence that says what is wrong and what is valid. Parsers never throw. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

const quotedMax = 80;

/** The text of an input as a message shows it: bounded, and on one line. */
export function quoted(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ').trim();
  return `"${line.length > quotedMax ? `${line.slice(0, quotedMax)}…` : line}"`;
}

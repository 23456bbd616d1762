export type Colour = 'red' | 'green' | 'yellow' | 'magenta' | 'cyan';
export type Style = { readonly colour?: Colour; readonly weight?: 'bold' | 'dim' };
export type Span = { readonly text: string; readonly style: Style };
/** One line of a terminal, before anybody decided how styles are written there. */
export type Line = readonly Span[];

export function span(text: string, style: Style = {}): Span {
  return { text, style };
}

export function plainText(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/** Every character the demo prints takes one column. */
export function lengthOf(line: Line): number {
  return [...plainText(line)].length;
}

export function padTo(line: Line, columns: number): Line {
  const missing = columns - lengthOf(line);
  return missing > 0 ? [...line, span(' '.repeat(missing))] : line;
}

export function cut(line: Line, columns: number): Line {
  if (lengthOf(line) <= columns) return line;
  const ellipsis = span('…', { weight: 'dim' });
  return [...slice(line, 0, Math.max(0, columns - 1)), ellipsis];
}

/** Breaks a line between words; the rows after the first one are indented. */
export function wrap(line: Line, columns: number, indent: number): readonly Line[] {
  const characters = [...plainText(line)];
  if (characters.length <= columns) return [line];
  const rows: Line[] = [];
  let from = 0;
  while (from < characters.length) {
    const margin = rows.length === 0 ? 0 : Math.min(indent, Math.floor(columns / 2));
    const room = Math.max(1, columns - margin);
    const to = breakAt(characters, from, room);
    rows.push(margin > 0 ? [span(' '.repeat(margin)), ...slice(line, from, to)] : slice(line, from, to));
    from = to;
    while (characters[from] === ' ') from += 1;
  }
  return rows;
}

function breakAt(characters: readonly string[], from: number, room: number): number {
  const end = from + room;
  if (end >= characters.length) return characters.length;
  for (let at = end; at > from; at -= 1) {
    // A number and its percent sign stay together.
    const isGap = characters[at] === ' ' && characters[at + 1] !== '%';
    if (isGap && characters.slice(from, at).some((character) => character !== ' ')) return at;
  }
  return end;
}

function slice(line: Line, from: number, to: number): Line {
  const spans: Span[] = [];
  let at = 0;
  for (const { text, style } of line) {
    const characters = [...text];
    const part = characters.slice(Math.max(0, from - at), Math.max(0, to - at)).join('');
    if (part !== '') spans.push({ text: part, style });
    at += characters.length;
  }
  return spans;
}

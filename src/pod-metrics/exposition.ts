export type ExposedSample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number };

/** What a page of metrics held of the wanted names, or why it cannot be used: one line that is no metric makes all of it doubtful. */
export type Exposed =
  | { readonly kind: 'samples'; readonly samples: readonly ExposedSample[] }
  | { readonly kind: 'unusable'; readonly why: string };

/** Series of the wanted names in one page: more is a label without a bound, and slow to add up every second. */
const samplesMax = 20_000;
const labelsMax = 64;
const shownMax = 80;

const namePattern = /[a-zA-Z_:][\w:]*/y;
/** UTF-8 names stand in the braces; nobody serves them unasked, and none is wanted. */
const quotedNamePattern = /^\{[ \t]*"(?:[^"\\]|\\.)*"[ \t]*[,}]/;
const labelPattern = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*/y;
const numberPattern = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const spacePattern = /[ \t]+/;

class Malformed extends Error {}

/**
 * Reads Prometheus' text format 0.0.4 and OpenMetrics 1.0 (timestamps, exemplars, `# EOF`). Only lines of wanted names are read in full.
 * Takes time in proportion to the text's length.
 */
export function parseExposition(text: string, isWanted: (name: string) => boolean): Exposed {
  const samples: ExposedSample[] = [];
  let isOver = false;
  // The format demands it, and half a number would be another number.
  if (text !== '' && !text.endsWith('\n')) return { kind: 'unusable', why: 'the page of metrics is cut off: its last line has no end' };
  try {
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf('\n', start);
      const end = newline < 0 ? text.length : newline;
      const line = text.slice(start, text.charCodeAt(end - 1) === 13 ? end - 1 : end);
      start = end + 1;
      if (line === '' || (line.charCodeAt(0) === 35 && line !== '# EOF')) continue;
      if (isOver) throw new Malformed('there is more after # EOF');
      if (line === '# EOF') isOver = true;
      else readLine(line, isWanted, samples);
    }
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'unusable', why: error.message };
    throw error;
  }
  return { kind: 'samples', samples };
}

function readLine(line: string, isWanted: (name: string) => boolean, samples: ExposedSample[]): void {
  namePattern.lastIndex = 0;
  const name = namePattern.exec(line)?.[0];
  if (name === undefined) {
    if (line.trim() === '' || quotedNamePattern.test(line)) return;
    throw new Malformed(`this is no page of metrics: ${shown(line)}`);
  }
  if (!isWanted(name)) return;
  if (samples.length === samplesMax) throw new Malformed(`more than ${samplesMax} series of ${name}`);
  const { labels, end } = readLabels(line, name.length);
  samples.push({ name, labels, value: readValue(line, end) });
}

function readLabels(line: string, from: number): { readonly labels: Readonly<Record<string, string>>; readonly end: number } {
  let at = from;
  while (line[at] === ' ' || line[at] === '\t') at += 1;
  if (line[at] !== '{') return { labels: {}, end: from };
  // Names are foreign: `__proto__` must be a label like any other.
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  at += 1;
  for (let count = 0; count <= labelsMax; count += 1) {
    labelPattern.lastIndex = at;
    const match = labelPattern.exec(line);
    if (match === null) break;
    const [whole, name = '', value = ''] = match;
    if (Object.hasOwn(labels, name)) throw new Malformed(`the label ${name} stands there twice: ${shown(line)}`);
    labels[name] = unescaped(value);
    at += whole.length;
    if (line[at] !== ',') break;
    at += 1;
  }
  while (line[at] === ' ' || line[at] === '\t') at += 1;
  if (line[at] !== '}') throw new Malformed(`labels that cannot be read: ${shown(line)}`);
  return { labels, end: at + 1 };
}

/** The text format knows `\\`, `\"` and `\n`; a backslash before anything else stands for itself. */
function unescaped(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replaceAll(/\\([\\"n])/g, (_, char: string) => (char === 'n' ? '\n' : char));
}

/** After the value: a timestamp (ms or s, no matter), an exemplar. The scrape is now, whatever they say. */
function readValue(line: string, from: number): number {
  const rest = line.slice(from);
  const hash = rest.indexOf('#');
  const [value = '', timestamp, ...more] = (hash < 0 ? rest : rest.slice(0, hash)).trim().split(spacePattern);
  const isSeparated = rest.startsWith(' ') || rest.startsWith('\t') || line[from - 1] === '}';
  if (!isSeparated || more.length > 0 || (timestamp !== undefined && !numberPattern.test(timestamp))) {
    throw new Malformed(`a line that cannot be read: ${shown(line)}`);
  }
  const number = numberPattern.test(value) ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) throw new Malformed(`a counter whose value is ${value === '' ? 'missing' : shown(value)}: ${shown(line)}`);
  if (number < 0) throw new Malformed(`a counter below 0: ${shown(line)}`);
  return number;
}

function shown(text: string): string {
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}

export interface ActionInput {
  readonly required: boolean;
  readonly fallback: string | undefined;
}

export interface ActionFile {
  readonly inputs: ReadonlyMap<string, ActionInput>;
  readonly using: string;
  readonly main: string;
  readonly post: string | undefined;
  readonly postIf: string;
}

export function parseActionFile(text: string): ActionFile {
  const root = parseMapping(text);
  const runs = mappingAt(root, 'runs');
  const inputs = new Map<string, ActionInput>();
  for (const [name, value] of mappingAt(root, 'inputs')) {
    if (typeof value === 'string') throw new Error(`action.yml: input ${name} is not a mapping`);
    inputs.set(name, { required: scalarAt(value, 'required') === 'true', fallback: scalarAt(value, 'default') });
  }
  const main = scalarAt(runs, 'main');
  if (main === undefined) throw new Error('action.yml: runs.main is missing');
  return {
    inputs,
    using: scalarAt(runs, 'using') ?? '',
    main,
    post: scalarAt(runs, 'post'),
    postIf: scalarAt(runs, 'post-if') ?? 'always()',
  };
}

type Mapping = Map<string, string | Mapping>;

function mappingAt(mapping: Mapping, key: string): Mapping {
  const value = mapping.get(key);
  if (value === undefined || value === '') return new Map();
  if (typeof value === 'string') throw new Error(`action.yml: ${key} is not a mapping`);
  return value;
}

function scalarAt(mapping: Mapping, key: string): string | undefined {
  const value = mapping.get(key);
  return typeof value === 'string' ? value : undefined;
}

/** Only what our own action.yml uses: nested mappings of scalars. Anything else throws, so that nothing is read wrongly in silence. */
export function parseMapping(text: string): Mapping {
  const reader = { lines: text.split(/\r?\n/u), next: 0 };
  const mapping = readMapping(reader, 0);
  skipBlank(reader);
  if (reader.next < reader.lines.length) throw new Error(`action.yml:${reader.next + 1}: unexpected indentation`);
  return mapping;
}

interface Reader {
  readonly lines: readonly string[];
  next: number;
}

function readMapping(reader: Reader, indent: number): Mapping {
  const mapping: Mapping = new Map();
  for (;;) {
    skipBlank(reader);
    const line = reader.lines[reader.next];
    if (line === undefined || indentOf(line) < indent) return mapping;
    if (indentOf(line) > indent) throw new Error(`action.yml:${reader.next + 1}: unexpected indentation`);
    const match = /^\s*(?:"([^"]+)"|'([^']+)'|([^\s:#"'{[-][^:]*)):(?:\s+(.*?))?\s*$/u.exec(line);
    if (match === null) throw new Error(`action.yml:${reader.next + 1}: cannot read "${line}"`);
    reader.next += 1;
    mapping.set(match[1] ?? match[2] ?? match[3] ?? '', readValue(reader, indent, match[4] ?? ''));
  }
}

function readValue(reader: Reader, indent: number, rest: string): string | Mapping {
  const block = /^([|>])([+-]?)(?:\s+#.*)?$/u.exec(rest);
  if (block !== null) return readBlock(reader, indent, block[1] === '>', block[2] ?? '');
  if (rest !== '' && !rest.startsWith('#')) return readScalar(reader, indent, rest);
  skipBlank(reader);
  const line = reader.lines[reader.next];
  return line !== undefined && indentOf(line) > indent ? readMapping(reader, indentOf(line)) : '';
}

function readBlock(reader: Reader, indent: number, folded: boolean, chomping: string): string {
  const lines: string[] = [];
  let inner: number | undefined;
  for (let line = reader.lines[reader.next]; line !== undefined; line = reader.lines[reader.next]) {
    if (line.trim() !== '' && indentOf(line) <= indent) break;
    if (line.trim() !== '') inner ??= indentOf(line);
    lines.push(line.slice(inner ?? line.length));
    reader.next += 1;
  }
  const text = folded ? lines.join('\n').replace(/(?<!\n)\n(?!\n|\s|$)/gu, ' ') : lines.join('\n');
  const trimmed = text.replace(/\n+$/u, '');
  return chomping === '-' ? trimmed : `${trimmed}\n`;
}

function readScalar(reader: Reader, indent: number, first: string): string {
  if (/^[{[&*!]/u.test(first)) throw new Error(`action.yml:${reader.next}: "${first}" is more YAML than this reader knows`);
  const double = /^"((?:[^"\\]|\\.)*)"(?:\s+#.*)?$/u.exec(first);
  if (double !== null) return JSON.parse(`"${double[1] ?? ''}"`) as string;
  const single = /^'((?:[^']|'')*)'(?:\s+#.*)?$/u.exec(first);
  if (single !== null) return (single[1] ?? '').replaceAll("''", "'");
  if (/^["']/u.test(first)) throw new Error(`action.yml:${reader.next}: a quoted text of several lines`);
  const parts = [withoutComment(first)];
  for (let line = reader.lines[reader.next]; line !== undefined; line = reader.lines[reader.next]) {
    if (line.trim() === '' || indentOf(line) <= indent) break;
    parts.push(withoutComment(line.trim()));
    reader.next += 1;
  }
  return parts.join(' ');
}

function withoutComment(text: string): string {
  return text.replace(/\s+#.*$/u, '');
}

function skipBlank(reader: Reader): void {
  for (let line = reader.lines[reader.next]; line !== undefined && /^\s*(?:#.*)?$/u.test(line); line = reader.lines[reader.next]) {
    reader.next += 1;
  }
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

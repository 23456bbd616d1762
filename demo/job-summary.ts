import { type Line, lengthOf, padTo, span, wrap } from './styled.ts';

const indent = '  ';
// What a reader in a terminal wants to know; the rest of the page repeats the log.
const sections: ReadonlySet<string> = new Set(['Images', 'Numbers']);
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', amp: '&' };

/** The job summary, which is Markdown for GitHub's page, for a terminal: heading, verdict, images and numbers. */
export function showSummary(markdown: string, columns: number): readonly Line[] {
  const lines: Line[] = [];
  let isShown = true;
  let rows: (readonly string[])[] = [];
  const closeTable = (): void => {
    lines.push(...showTable(rows));
    rows = [];
  };
  for (const text of markdown.split('\n')) {
    const cells = /^\|(.*)\|$/u.exec(text)?.[1]?.split(/(?<!\\)\|/u);
    if (cells === undefined) closeTable();
    const heading = /^(#+) (.*)$/u.exec(text);
    if (heading !== null) {
      const title = readable(heading[2] ?? '');
      isShown = heading[1] === '##' || sections.has(title);
      if (isShown) lines.push([], [span(`${indent}${title}`, { weight: 'bold' })]);
    } else if (text.startsWith('Left in the cluster')) {
      isShown = true;
      lines.push([], [span(`${indent}${readable(text)}`)]);
    } else if (isShown && cells !== undefined) {
      if (!cells.every((cell) => /^[\s-]*-[\s-]*$/u.test(cell))) rows.push(cells.map((cell) => readable(cell.trim())));
    } else if (isShown && text.trim() !== '' && !text.startsWith('[')) {
      lines.push(...wrap([span(`${indent}${readable(text)}`)], columns, indent.length));
    }
  }
  closeTable();
  return lines.slice(1);
}

function showTable(rows: readonly (readonly string[])[]): readonly Line[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => lengthOf([span(row[column] ?? '')]))));
  return rows.map((row, index) => [
    span(indent),
    ...row.flatMap((cell, column) =>
      padTo([span(cell, index === 0 ? { weight: 'dim' } : {})], column === row.length - 1 ? 0 : (widths[column] ?? 0) + 3),
    ),
  ]);
}

function readable(markdown: string): string {
  return markdown
    .replaceAll(/<\/?code>|\u200b/gu, '')
    .replaceAll(/&(?:#(\d+)|(lt|gt|quot|amp));/gu, (_, code: string | undefined, name: string) =>
      code === undefined ? (entities[name] ?? '') : String.fromCodePoint(Number(code)),
    );
}

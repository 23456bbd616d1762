import { bounded, escapeCode, escapeMarkdown } from './escape.ts';

export const textLengthMax = 600;

/** A table below a heading; empty without rows. Cells are escaped already. */
export function table(title: string, header: readonly string[], lines: readonly (readonly string[])[], rows: number): string {
  if (lines.length === 0) return '';
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [`### ${title}`, '', row(header), row(header.map(() => '---')), ...lines.slice(0, rows).map(row)].join('\n');
}

export function cell(text: string): string {
  return escapeMarkdown(bounded(text, textLengthMax));
}

export function code(text: string): string {
  return escapeCode(bounded(text, textLengthMax));
}

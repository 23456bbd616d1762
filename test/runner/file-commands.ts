import { readFileSync } from 'node:fs';

/** The runner's own format: `NAME=value`, or `NAME<<DELIMITER`, lines, `DELIMITER`. */
export function parseKeyValueFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split(/\r?\n/u);
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line === '') continue;
    const equals = line.indexOf('=');
    const heredoc = line.indexOf('<<');
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      values[line.slice(0, equals)] = line.slice(equals + 1);
      continue;
    }
    if (heredoc < 0) throw new Error(`Invalid format '${line}'`);
    const delimiter = line.slice(heredoc + 2);
    const end = lines.indexOf(delimiter, at + 1);
    if (end < 0) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`);
    values[line.slice(0, heredoc)] = lines.slice(at + 1, end).join('\n');
    at = end;
  }
  return values;
}

export function readKeyValueFile(path: string): Record<string, string> {
  return parseKeyValueFile(readFileSync(path, 'utf8'));
}

const summaryMaxBytes = 1024 * 1024;

/** Above 1 MiB the runner drops the whole summary. */
export function readSummary(path: string): { readonly text: string; readonly dropped: boolean } {
  const bytes = readFileSync(path);
  return bytes.length > summaryMaxBytes ? { text: '', dropped: true } : { text: bytes.toString('utf8'), dropped: false };
}

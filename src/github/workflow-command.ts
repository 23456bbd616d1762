import { bounded, escapeLogLine, escapeLogLines } from './escape.ts';

// The runner cuts at 4,096.
const messageLengthMax = 4_000;
const messageLinesMax = 40;

/** A command of ours to the runner, with untrusted text in it. */
export function annotation(level: 'error' | 'warning' | 'notice', title: string, message: string): string {
  const lines = escapeLogLines(message).slice(0, messageLinesMax);
  return `::${level} title=${escapeProperty(title)}::${escapeData(bounded(lines.join('\n'), messageLengthMax))}`;
}

/** Opens a group of log lines. */
export function group(title: string): string {
  return `::group::${escapeData(escapeLogLine(title))}`;
}

export const endGroup = '::endgroup::';

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(escapeLogLine(text)).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

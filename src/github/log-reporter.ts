import type { Outcome, Result } from '../rollout/verdict.ts';
import type { Reporter } from '../runner/ports.ts';
import { escapeLogLine, escapeLogLines } from './escape.ts';
import { evidenceTitle, resultTitles } from './result-titles.ts';
import { annotation, endGroup, group } from './workflow-command.ts';

// The runner keeps 10 of each kind; the rest would vanish in silence.
const warningAnnotationsMax = 9;
const quotedLinesMax = 200;

const good: ReadonlySet<Result> = new Set(['promoted', 'unchanged', 'planned', 'done']);

/** The log of the step. `write` gets whole lines without their end. */
export function createReporter(write: (line: string) => void): Reporter {
  let isOpen = false;
  let warnings = 0;

  function close(): void {
    if (isOpen) write(endGroup);
    isOpen = false;
  }

  function lines(text: string): void {
    for (const line of escapeLogLines(text)) write(line);
  }

  function quote(heading: string, quoted: readonly string[]): void {
    if (quoted.length === 0) return;
    write(escapeLogLine(heading));
    const all = quoted.flatMap((line) => escapeLogLines(line));
    for (const line of all.slice(0, quotedLinesMax)) write(`  | ${line}`);
    if (all.length > quotedLinesMax) write(`  (${all.length - quotedLinesMax} more lines)`);
  }

  return {
    phase(title) {
      close();
      write(group(title));
      isOpen = true;
    },
    write({ object, from, to, because }) {
      write(escapeLogLine(`write ${object}: ${from} → ${to} — because ${because}`));
    },
    info: lines,
    warning(line) {
      warnings += 1;
      if (warnings <= warningAnnotationsMax) write(annotation('warning', 'Gated Rollout', line));
      else write(escapeLogLine(`Warning: ${line}`));
    },
    quote,
    outcome(outcome: Outcome) {
      close();
      quote(`${evidenceTitle(outcome.result)}:`, outcome.evidence);
      const level = good.has(outcome.result) ? 'notice' : 'error';
      write(annotation(level, `${resultTitles[outcome.result]} (${outcome.reason})`, outcome.because));
    },
  };
}

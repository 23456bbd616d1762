import { type Line, type Span, type Style, span } from './styled.ts';

/** One run of the action as its log tells it, line by line. */
export type Release = {
  readonly tag: string;
  readonly previous: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  /** Titles of the log's groups, in order. */
  readonly phases: readonly string[];
  /** What the action said last about where it stands. */
  readonly sentence: string;
  readonly verdict: 'good' | 'bad' | undefined;
};

const annotationStyles: Readonly<Record<string, { readonly mark: string; readonly style: Style; readonly verdict?: 'good' | 'bad' }>> = {
  error: { mark: '✖', style: { colour: 'red', weight: 'bold' }, verdict: 'bad' },
  warning: { mark: '⚠', style: { colour: 'yellow' } },
  notice: { mark: 'ℹ', style: { colour: 'green', weight: 'bold' }, verdict: 'good' },
};

export const backPhase = 'Take';
const endPhases = [backPhase, 'Clean up'];

export function startRelease(tag: string, previous: string, nowMs: number): Release {
  return { tag, previous, startedAtMs: nowMs, endedAtMs: undefined, phases: [], sentence: '', verdict: undefined };
}

/** The release after one more line of the log. */
export function readLine(release: Release, line: string): Release {
  const command = commandOf(line);
  if (command === undefined) return readText(release, line);
  if (command.name === 'group') {
    const isBack = command.text.startsWith(backPhase);
    return { ...release, phases: [...release.phases, command.text], verdict: isBack ? 'bad' : release.verdict };
  }
  const verdict = annotationStyles[command.name]?.verdict;
  return verdict === undefined ? release : { ...release, verdict, sentence: command.text };
}

/** At its end the action says why first; what it waits for then is no longer the point. */
function readText(release: Release, line: string): Release {
  const isEnding = endPhases.some((phase) => release.phases.at(-1)?.startsWith(phase) ?? false);
  const said = isEnding ? /^write Job .*? — because (.*)$/u.exec(line) : /^\d+ s: (.*)$/u.exec(line);
  return said === null ? release : { ...release, sentence: said[1] ?? '' };
}

/** A line of the log as the web page of a run shows it; nothing where the page shows nothing. */
export function showLine(line: string): Line | undefined {
  const command = commandOf(line);
  if (command === undefined) return [span('  '), ...showText(line)];
  if (command.name === 'group') return [span(`▾ ${command.text}`, { weight: 'bold' })];
  const annotation = annotationStyles[command.name];
  return annotation === undefined ? undefined : [span(`${annotation.mark} ${command.text}`, annotation.style)];
}

function showText(line: string): readonly Span[] {
  const write = /^write (?<what>.*?) — because (?<why>.*)$/u.exec(line)?.groups;
  if (write === undefined) return [span(line)];
  return [span('write ', { colour: 'cyan' }), span(write['what'] ?? ''), span(` — because ${write['why'] ?? ''}`, { weight: 'dim' })];
}

function commandOf(line: string): { readonly name: string; readonly text: string } | undefined {
  const [, name, text = ''] = /^##\[(group|endgroup|error|warning|notice)\](.*)$/u.exec(line) ?? [];
  return name === undefined ? undefined : { name, text };
}

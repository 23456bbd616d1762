const lineBreak = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ansi = /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|\u001B\][^\u0007\u001B]*(?:\u0007|\u001B\\)?|\u001B[ -/]*[0-~]/gu;
// The runner compares by culture, where characters that nobody sees count for nothing: "#", a soft hyphen, "#[" is a command to it.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/** More than a person reads in one line of a log. */
export const lineLengthMax = 2_000;
const zeroWidthSpace = '\u200B';

/** Untrusted text as lines of a log, none of which the runner takes for a command. */
export function escapeLogLines(text: string): readonly string[] {
  return text.replaceAll(ansi, '').split(lineBreak).map(escapePart);
}

/** The same on one line. */
export function escapeLogLine(text: string): string {
  return escapePart(oneLine(text));
}

/** Text for HTML, inside and outside of quoted attributes. */
export function escapeHtml(text: string): string {
  return stripInvisible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Text for a paragraph or a table cell of GitHub's Markdown: no markup, no mention, no link to an issue or elsewhere. */
export function escapeMarkdown(text: string): string {
  return (
    withoutMarkup(text)
      // A digest must stay one that can be copied, and mentions nobody.
      .replaceAll(/@(?!sha256:[0-9a-f]{16})/gu, `@${zeroWidthSpace}`)
      .replaceAll(/(?<!&)#(?=\d)/gu, `#${zeroWidthSpace}`)
      .replaceAll(/(gh-)(?=\d)/giu, `$1${zeroWidthSpace}`)
      .replaceAll(/^#/gu, '&#35;')
  );
}

/** Text as code in a paragraph or a table cell: HTML, because backticks cannot hold every text. GitHub finds no mentions in code, so a digest can be copied. */
export function escapeCode(text: string): string {
  return `<code>${withoutMarkup(text)}</code>`;
}

/** Lines in a fence that is longer than every row of backticks in them. */
export function fence(lines: readonly string[], lengthMax = lineLengthMax): string {
  const body = lines.flatMap((line) => line.replaceAll(ansi, '').split(lineBreak)).map((line) => bounded(stripInvisible(line), lengthMax));
  const longest = Math.max(2, ...body.flatMap((line) => (line.match(/`+/gu) ?? []).map((run) => run.length)));
  const ticks = '`'.repeat(longest + 1);
  return [`${ticks}text`, ...body, ticks].join('\n');
}

/** Cuts what is too long, and says so. */
export function bounded(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const cut = text.slice(0, Math.max(lengthMax - 1, 0));
  return `${/[\uD800-\uDBFF]$/u.test(cut) ? cut.slice(0, -1) : cut}…`;
}

function escapePart(line: string): string {
  const visible = bounded(stripInvisible(line), lineLengthMax);
  return visible.replace(/^([\s\p{M}]*):(?=\p{M}*:)/u, '$1: ').replaceAll(/#(?=\p{M}*#\p{M}*\[)/gu, '# ');
}

function oneLine(text: string): string {
  return text.replaceAll(ansi, '').split(lineBreak).join(' ').trim();
}

function stripInvisible(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll(invisible, '');
}

function withoutMarkup(text: string): string {
  return escapeHtml(oneLine(text))
    .replaceAll(/[\\`*_{}[\]()~|$!]|^[-+=]|^\d+[.)]/gu, entitiesOf)
    .replaceAll('://', `:${zeroWidthSpace}//`)
    .replaceAll(/(www)\./giu, `$1${zeroWidthSpace}.`);
}

function entitiesOf(match: string): string {
  return match.replaceAll(/[^\s\d]/gu, (character) => `&#${character.codePointAt(0)};`);
}

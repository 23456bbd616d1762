import type { Frame } from './recorded-screen.ts';
import type { Line, Span, Style } from './styled.ts';

export type SvgOptions = {
  readonly columns: number;
  readonly rows: number;
  readonly title: string;
  /** The frame for whoever sees no animation. */
  readonly still: number;
  readonly lastFrameMs: number;
};

const cell = { width: 7.8, height: 17, baseline: 13 };
const margin = 14;
const barHeight = 30;
const blocks = [...'▁▂▃▄▅▆▇█'];
const textOnly = '\ufe0e';
const symbols = /[✔✘✖⚠ℹ■▶▸]/gu;
const theme = `
.bg{fill:#0d1117}.bar{fill:#161b22}.title{fill:#8b949e}
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;fill:#d6dde5;white-space:pre}
path{fill:#d6dde5}.b{font-weight:700}.d{opacity:.6}
.red{fill:#ff6b63}.green{fill:#56d364}.yellow{fill:#e3b341}.magenta{fill:#d2a8ff}.cyan{fill:#6cc7ff}`;

/**
 * Frames as one picture that plays by itself: all frames stand below one another on a strip, and a window steps along it.
 * No script and no font of its own, because pages that show a repository's pictures take both away.
 */
export function renderSvg(frames: readonly Frame[], options: SvgOptions): string {
  const width = Math.ceil(options.columns * cell.width + 2 * margin);
  const screenHeight = options.rows * cell.height;
  const height = barHeight + screenHeight + 2 * margin;
  const ids = new Map<string, number>();
  const strip = frames.map((frame, index) => renderFrame(frame, index * screenHeight, ids)).join('\n');
  const rows = [...ids].map(([row, id]) => `<g id="r${id.toString(36)}">${row}</g>`).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(options.title)}">
<title>${escapeXml(options.title)}</title>
<style>${theme}
${renderAnimation(frames, screenHeight, options)}
</style>
<defs>
<clipPath id="c"><rect width="${width}" height="${screenHeight}"/></clipPath>
${rows}
</defs>
<rect class="bg" width="${width}" height="${height}" rx="8"/>
<path class="bar" d="M0 ${barHeight}V8a8 8 0 0 1 8-8H${width - 8}a8 8 0 0 1 8 8V${barHeight}z"/>
<circle cx="18" cy="15" r="5" fill="#ff6b63"/><circle cx="36" cy="15" r="5" fill="#e3b341"/><circle cx="54" cy="15" r="5" fill="#56d364"/>
<text class="title" x="${width / 2}" y="20" text-anchor="middle">npm run demo</text>
<g transform="translate(${margin} ${barHeight + margin})" clip-path="url(#c)"><g class="strip">
${strip}
</g></g>
</svg>
`;
}

function renderAnimation(frames: readonly Frame[], screenHeight: number, { still, lastFrameMs }: SvgOptions): string {
  const startMs = frames[0]?.atMs ?? 0;
  const totalMs = (frames.at(-1)?.atMs ?? 0) - startMs + lastFrameMs;
  const at = (index: number): string => `transform:translateY(${-index * screenHeight}px)`;
  const steps = frames.map(({ atMs }, index) => `${Number((((atMs - startMs) / totalMs) * 100).toFixed(2))}%{${at(index)}}`);
  return `.strip{${at(still)};animation:play ${totalMs / 1000}s step-end infinite}
@media (prefers-reduced-motion:reduce){.strip{animation:none}}
@keyframes play{${steps.join('')}}`;
}

function renderFrame({ rows }: Frame, y: number, ids: Map<string, number>): string {
  const uses = rows.map((line, index) => {
    const row = renderRow(line);
    if (row === '') return '';
    const id = ids.get(row) ?? ids.size;
    ids.set(row, id);
    return `<use href="#r${id.toString(36)}" y="${y + index * cell.height}"/>`;
  });
  return uses.join('');
}

function renderRow(line: Line): string {
  let column = 0;
  let row = '';
  for (const span of line) {
    row += renderSpan(span, column);
    column += [...span.text].length;
  }
  return row;
}

function renderSpan({ text, style }: Span, column: number): string {
  const shown = text.trim();
  if (shown === '') return '';
  const x = column + [...text].length - [...text.trimStart()].length;
  const characters = [...shown];
  if (characters.every((character) => blocks.includes(character))) return `<path${classOf(style)} d="${blockPath(characters, x)}"/>`;
  const length = round(characters.length * cell.width);
  const safe = escapeXml(shown).replaceAll(symbols, `$&${textOnly}`);
  return `<text${classOf(style)} x="${round(x * cell.width)}" y="${cell.baseline}" textLength="${length}">${safe}</text>`;
}

/** Drawn, not written: few fonts have all of these characters in the same width. */
function blockPath(characters: readonly string[], column: number): string {
  let path = '';
  for (let from = 0; from < characters.length; ) {
    const character = characters[from] ?? '';
    let to = from;
    while (characters[to] === character) to += 1;
    const height = round(((blocks.indexOf(character) + 1) / blocks.length) * (cell.height - 4));
    const width = round((to - from) * cell.width);
    path += `M${round((column + from) * cell.width)} ${cell.height - 2}h${width}v${-height}h${-width}z`;
    from = to;
  }
  return path;
}

function classOf({ colour, weight }: Style): string {
  const names = [...(colour === undefined ? [] : [colour]), ...(weight === undefined ? [] : [weight === 'bold' ? 'b' : 'd'])];
  return names.length === 0 ? '' : ` class="${names.join(' ')}"`;
}

function round(number: number): number {
  return Number(number.toFixed(1));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

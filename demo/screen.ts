import type { WriteStream } from 'node:tty';
import { type Colour, cut, type Line, lengthOf, plainText, type Style, wrap } from './styled.ts';

/** Where the demo shows itself: a log that scrolls, and a picture that stands below it. */
export type Screen = {
  columns(): number;
  log(line: Line): void;
  /** Replaces the picture. */
  draw(picture: readonly Line[]): void;
  /** Leaves the last picture where it is; what is logged from now on comes below it. */
  settle(): void;
  end(): void;
};

const defaultColumns = 80;
const defaultRows = 24;
export const wrapIndent = 6;

const colourCodes: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 };
const weightCodes = { bold: 1, dim: 2 } as const;
const csi = '\u001b[';
// A terminal that knows it shows a frame only when it is whole; any other one ignores it.
const beginFrame = `${csi}?2026h`;
const endFrame = `${csi}?2026l`;
const hideCursor = `${csi}?25l`;
const showCursor = `${csi}?25h`;
const clearToEnd = `${csi}0J`;
const clearRow = `${csi}K`;

/** Lines as they come, without a picture: for a file, a pipe, or another CI. */
export function createPlainScreen(write: (text: string) => void): Screen {
  return {
    columns: () => defaultColumns,
    log: (line) => write(`${plainText(line)}\n`),
    draw: () => undefined,
    settle: () => undefined,
    end: () => undefined,
  };
}

export function createTerminalScreen(out: WriteStream): Screen {
  const hasColours = out.hasColors();
  // The last column stays free: a terminal may wrap as soon as it is written.
  const columns = (): number => Math.max(1, (out.columns || defaultColumns) - 1);
  let picture: readonly Line[] = [];
  let shown = '';

  const render = (line: Line): string => `${line.map(({ text, style }) => paint(text, hasColours ? style : {})).join('')}${clearRow}\n`;

  function up(): string {
    // A terminal that became narrower has wrapped what stands there.
    const height = picture.reduce((sum, line) => sum + Math.max(1, Math.ceil(lengthOf(line) / (columns() + 1))), 0);
    return height === 0 ? '\r' : `${csi}${height}A\r`;
  }

  function show(above: readonly Line[], next: readonly Line[]): void {
    const visible = next.slice(0, Math.max(0, (out.rows || defaultRows) - 2)).map((line) => cut(line, columns()));
    const text = visible.map(render).join('');
    if (above.length === 0 && text === shown) return;
    out.write(`${beginFrame}${hideCursor}${up()}${above.map(render).join('')}${text}${clearToEnd}${endFrame}`);
    picture = visible;
    shown = text;
  }

  function settle(): void {
    picture = [];
    shown = '';
  }

  out.on('resize', () => {
    shown = '';
  });
  return {
    columns,
    log: (line) => show(wrap(line, columns(), wrapIndent), picture),
    draw: (lines) => show([], lines),
    settle,
    end() {
      settle();
      out.write(showCursor);
    },
  };
}

function paint(text: string, { colour, weight }: Style): string {
  const codes = [...(weight === undefined ? [] : [weightCodes[weight]]), ...(colour === undefined ? [] : [colourCodes[colour]])];
  return codes.length === 0 ? text : `${csi}${codes.join(';')}m${text}${csi}0m`;
}

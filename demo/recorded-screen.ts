import type { Screen } from './screen.ts';
import { wrapIndent } from './screen.ts';
import { cut, type Line, wrap } from './styled.ts';

export type Frame = { readonly atMs: number; readonly rows: readonly Line[] };

/** A terminal of a fixed size that keeps what it showed; changes that come close together make one frame. */
export function createRecordedScreen(
  size: { readonly columns: number; readonly rows: number },
  frameMs: number,
): Screen & { frames(): readonly Frame[] } {
  const frames: Frame[] = [];
  const startMs = performance.now();
  const width = size.columns - 1;
  let scrolled: readonly Line[] = [];
  let picture: readonly Line[] = [];

  function keep(): void {
    const atMs = Math.floor((performance.now() - startMs) / frameMs) * frameMs;
    // The cursor stands on the row below.
    const rows = [...scrolled, ...picture].slice(1 - size.rows);
    if (frames.at(-1)?.atMs === atMs) frames.pop();
    frames.push({ atMs, rows });
  }

  return {
    columns: () => width,
    log(line) {
      scrolled = [...scrolled, ...wrap(line, width, wrapIndent)];
      keep();
    },
    draw(lines) {
      picture = lines.map((line) => cut(line, width));
      keep();
    },
    settle() {
      scrolled = [...scrolled, ...picture];
      picture = [];
    },
    end: () => undefined,
    frames: () => frames,
  };
}

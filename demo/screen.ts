import type { WriteStream } from 'node:tty';

export type Screen = {
  /** A line of the log, above the picture. */
  log(line: string): void;
  /** Replaces the picture. */
  draw(lines: readonly string[]): void;
  /** Leaves the last picture where it is. */
  end(): void;
};

/** A log that scrolls with a picture that stands below it; without a terminal, the log alone. */
export function createScreen(out: WriteStream): Screen {
  if (!out.isTTY) {
    return { log: (line) => out.write(`${line}\n`), draw: () => undefined, end: () => undefined };
  }
  let picture: readonly string[] = [];
  const erase = (): void => {
    if (picture.length > 0) out.write(`\u001b[${picture.length}A\u001b[0J`);
  };
  const show = (): void => {
    if (picture.length > 0) out.write(`${picture.join('\n')}\n`);
  };
  return {
    log(line) {
      erase();
      out.write(`${line}\n`);
      show();
    },
    draw(lines) {
      erase();
      picture = lines;
      show();
    },
    end() {
      picture = [];
    },
  };
}

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderSvg } from './animated-svg.ts';
import { createRecordedScreen } from './recorded-screen.ts';
import { runDemo } from './run-demo.ts';
import { plainText } from './styled.ts';

/** Runs the demo as it is and writes what a terminal showed of it to docs/demo.svg. */
const size = { columns: 100, rows: 32 };
const frameMs = 250;
const lastFrameMs = 5_000;
const file = fileURLToPath(new URL('../docs/demo.svg', import.meta.url));

const screen = createRecordedScreen(size, frameMs);
const code = await runDemo({ screen, cancel: new AbortController().signal });
const frames = screen.frames();
if (code !== 0) {
  process.stderr.write(`${(frames.at(-1)?.rows ?? []).map(plainText).join('\n')}\nthe demo failed: nothing is recorded\n`);
} else {
  const conviction = frames.findIndex(({ rows }) => rows.some((row) => plainText(row).startsWith('✖')));
  const title = 'npm run demo: a good release is promoted, a bad one is convicted by its error rate and taken back within seconds';
  const svg = renderSvg(frames, { ...size, title, still: Math.max(0, conviction), lastFrameMs });
  writeFileSync(file, svg);
  process.stdout.write(`${file}: ${frames.length} frames, ${Math.ceil(Buffer.byteLength(svg) / 1000)} kB\n`);
}
process.exitCode = code;

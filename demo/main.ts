import { runDemo } from './run-demo.ts';
import { createPlainScreen, createTerminalScreen } from './screen.ts';

const { stdout } = process;
// biome-ignore lint/style/noProcessEnv: nothing else tells a terminal that cannot move its cursor
const isTerminal = stdout.isTTY && process.env['TERM'] !== 'dumb';
const screen = isTerminal ? createTerminalScreen(stdout) : createPlainScreen((text) => stdout.write(text));
const cancel = new AbortController();
const impatientCode = 130;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!cancel.signal.aborted) {
      cancel.abort();
      return;
    }
    screen.end();
    process.exit(impatientCode);
  });
}
// Whoever reads has gone, as `head` does.
stdout.on('error', () => process.exit(1));

process.exitCode = await runDemo({ screen, cancel: cancel.signal });

import { createReporter } from './github/log-reporter.ts';
import type { Clock, Reporter } from './runner/ports.ts';

/** The reporter that writes to this process' standard output. */
export function consoleReporter(): Reporter {
  return createReporter((line) => {
    process.stdout.write(`${line}\n`);
  });
}

/** Time as this process has it. Its timers keep the process alive: a run that waits must not end. */
export const processClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, ms));
      signal.addEventListener('abort', done, { once: true });
    }),
};

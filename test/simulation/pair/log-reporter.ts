import type { Sandbox } from '../../../sandbox/sandbox.ts';
import type { Reporter } from '../../../src/runner/ports.ts';

/** Everything that a process says, one line each, with the sandbox's own seconds where there is one. */
export function logReporter(sandbox: Sandbox | undefined, log: string[], name: string): Reporter {
  const say = (text: string): void =>
    void log.push(`${sandbox === undefined ? '' : `${Math.round((sandbox.now() - 1_800_000_000_000) / 100) / 10} `}${name}: ${text}`);
  return {
    phase: (title) => say(`== ${title}`),
    write: ({ object, from, to, because }) => say(`write ${object}: ${from} → ${to}: ${because}`),
    info: say,
    warning: say,
    quote: (heading) => say(heading),
    outcome: ({ result, reason, because }) => say(`${result} ${reason} ${because}`),
  };
}

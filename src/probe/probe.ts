import { UserError } from '../errors.ts';
import { type ProbeAnswer, ProbeTally } from '../rollout/probe-tally.ts';
import type { Clock, Probe } from '../runner/ports.ts';
import type { Asker } from './direct.ts';

/** Two questions a second at most: nobody's traffic, nobody's burden. */
const intervalMs = 500;
const timeoutMs = 2_000;

/** Asks at a low, bounded rate, one question at a time. Once started it never throws and nobody waits for it. */
export function createProbe(given: { readonly asker: Asker; readonly shown: string; readonly clock: Clock }): Probe {
  const { asker, shown, clock } = given;
  return {
    async preflight(signal) {
      const answer = await askOnce(asker, signal);
      if (signal.aborted || (answer.kind === 'answered' && answer.status >= 200 && answer.status < 400)) return;
      throw new UserError(
        'probe-unreachable',
        `The probe of ${shown} gets no good answer before the start: ${answer.kind === 'answered' ? `it answered ${answer.status}` : answer.why}`,
        'probe-url must be answered with 2xx or 3xx, without a login and within 2 s, from where the runner is; correct it, or leave it out',
      );
    },
    start() {
      const stop = new AbortController();
      const tally = new ProbeTally(shown, intervalMs, clock.nowMs());
      const done = askOn(asker, clock, tally, stop.signal).catch(() => undefined);
      return {
        async end() {
          const endedAtMs = clock.nowMs();
          stop.abort();
          await done;
          return tally.numbers(endedAtMs);
        },
      };
    },
  };
}

async function askOn(asker: Asker, clock: Clock, tally: ProbeTally, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const askedAtMs = clock.nowMs();
    const answer = await askOnce(asker, stop);
    // A question that the end has cut off has no answer, and no failure.
    if (stop.aborted) return;
    const endedAtMs = clock.nowMs();
    tally.note(answer, askedAtMs, endedAtMs);
    await clock.sleep(Math.max(0, askedAtMs + intervalMs - endedAtMs), stop);
  }
}

/** Ends within the time-out even where the question does not, and never throws. */
async function askOnce(asker: Asker, stop: AbortSignal): Promise<ProbeAnswer> {
  const { promise: late, resolve } = Promise.withResolvers<ProbeAnswer>();
  const either = new AbortController();
  const giveUp = (): void => {
    resolve({ kind: asker.late, why: `no answer within ${timeoutMs / 1000} s` });
    either.abort();
  };
  stop.addEventListener('abort', giveUp, { once: true });
  const timer = setTimeout(giveUp, timeoutMs);
  try {
    if (stop.aborted) giveUp();
    return await Promise.race([late, asker.ask(either.signal)]);
  } catch {
    return { kind: 'unknown', why: 'the question could not be asked' };
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', giveUp);
  }
}

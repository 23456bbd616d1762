import { setTimeout as sleep } from 'node:timers/promises';

export interface Wait {
  /** Completes the sentence "waited 30 s for …". */
  readonly what: string;
  readonly limitMs: number;
  readonly everyMs?: number;
  readonly ready: () => Promise<boolean>;
  /** What may explain the delay: the end of a log, a process that is gone. Throws to end the wait early. */
  readonly evidence?: () => string;
}

export async function waitUntil(wait: Wait): Promise<void> {
  const deadline = Date.now() + wait.limitMs;
  while (!(await wait.ready())) {
    if (Date.now() > deadline) {
      throw new Error(`waited ${wait.limitMs / 1000} s for ${wait.what}\n${wait.evidence?.() ?? ''}`);
    }
    await sleep(wait.everyMs ?? 100);
  }
}

export async function timed<T>(layer: string, work: () => Promise<T>): Promise<T> {
  const startedMs = Date.now();
  const result = await work();
  console.log(`${layer}: ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  return result;
}

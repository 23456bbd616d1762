import { randomUUID } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SampleSink } from './runner/ports.ts';

/** A run of a day with hundreds of pods stays below. */
const bytesMax = 100_000_000;

/** A file of the run's own for its samples; it exists from the first line on. */
export class SampleFile implements SampleSink {
  readonly #folder: string;
  readonly #name: string;
  #open: { readonly path: string; readonly descriptor: number } | undefined;
  #bytes = 0;

  constructor(env: Readonly<Record<string, string | undefined>>, deployment: string) {
    const { RUNNER_TEMP: runnerTemp } = env;
    this.#folder = runnerTemp === undefined || runnerTemp === '' ? tmpdir() : runnerTemp;
    this.#name = `gated-rollout-${deployment}-${randomUUID()}.jsonl`;
  }

  /** Undefined before the first line. */
  get path(): string | undefined {
    return this.#open?.path;
  }

  /** Throws where the disk is full, or the file too large. */
  write(line: string): void {
    const text = `${line}\n`;
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes > bytesMax) throw new Error(`the file has reached ${bytesMax / 1_000_000} MB`);
    this.#open ??= openOwn(join(this.#folder, this.#name));
    writeSync(this.#open.descriptor, text);
  }
}

/** Never a file, or a link, that is there already. */
function openOwn(path: string): { readonly path: string; readonly descriptor: number } {
  return { path, descriptor: openSync(path, 'wx', 0o600) };
}

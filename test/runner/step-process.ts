import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowCommands } from './workflow-commands.ts';

export interface LogLine {
  readonly tMs: number;
  readonly line: string;
}

export interface StepEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

// The runner's ladder (actions/runner: ProcessInvoker).
const interruptGraceMs = 7_500;
const terminateGraceMs = 2_500;
const heldOutputMs = 5_000;

const living = new Set<StepProcess>();
process.once('exit', () => {
  for (const step of living) step.killTree();
});

/** One `node FILE` of the runner: its merged output read line by line, its signals, its end. */
export class StepProcess {
  readonly log: LogLine[] = [];
  readonly commands: WorkflowCommands;
  readonly ended: Promise<StepEnd>;
  private readonly child: ChildProcess;
  private readonly onLine: ((line: string) => void) | undefined;
  private over = false;

  constructor(
    file: string,
    folder: string,
    env: Readonly<Record<string, string>>,
    commands: WorkflowCommands,
    onLine?: (line: string) => void,
  ) {
    this.commands = commands;
    this.onLine = onLine;
    // A process group of its own, so that the last rung of the ladder can end the whole tree.
    this.child = spawn(process.execPath, [file], { cwd: folder, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    living.add(this);
    this.ended = this.follow();
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.over) this.child.kill(signal);
  }

  killTree(): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }

  async cancel(): Promise<void> {
    this.kill('SIGINT');
    await Promise.race([this.ended, sleep(interruptGraceMs, undefined, { ref: false })]);
    if (this.over) return;
    this.kill('SIGTERM');
    await Promise.race([this.ended, sleep(terminateGraceMs, undefined, { ref: false })]);
    if (!this.over) this.killTree();
  }

  private async follow(): Promise<StepEnd> {
    const closed = new Promise<void>((resolve) => this.child.once('close', () => resolve()));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => this.take(line));
    }
    const end = await new Promise<StepEnd>((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.over = true;
    await Promise.race([closed, sleep(heldOutputMs, undefined, { ref: false })]);
    this.killTree();
    living.delete(this);
    return end;
  }

  private take(line: string): void {
    const shown = this.commands.read(line);
    if (shown === undefined) return;
    this.log.push({ tMs: Date.now(), line: shown });
    this.onLine?.(shown);
  }
}

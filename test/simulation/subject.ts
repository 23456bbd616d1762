import { Fault, UserError } from '../../src/errors.ts';
import { createCluster } from '../../src/kubernetes/cluster.ts';
import { startState } from '../../src/rollout/state.ts';
import { runCommand } from '../../src/runner/commands/command.ts';
import { release } from '../../src/runner/deploy.ts';
import { finishLeft } from '../../src/runner/repair/finish-left.ts';

/** The code that is simulated, as one value: a mutant is the same modules with one of them changed. */
export type Subject = {
  readonly release: typeof release;
  readonly runCommand: typeof runCommand;
  readonly finishLeft: typeof finishLeft;
  readonly createCluster: typeof createCluster;
  readonly startState: typeof startState;
  readonly Fault: typeof Fault;
  readonly UserError: typeof UserError;
};

export const original: Subject = { release, runCommand, finishLeft, createCluster, startState, Fault, UserError };

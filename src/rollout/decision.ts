import type { Command } from './command.ts';
import type { RolloutState } from './state.ts';
import type { Outcome } from './verdict.ts';

/** What to do in one turn, and why. */
export type Decision =
  | { readonly kind: 'apply'; readonly command: Command; readonly because: string }
  /** A new state. `journal` is false only where the Job that would hold it is gone. */
  | { readonly kind: 'advance'; readonly to: RolloutState; readonly journal: boolean; readonly because: string }
  | { readonly kind: 'wait'; readonly ms: number; readonly because: string }
  | { readonly kind: 'finish'; readonly outcome: Outcome; readonly because: string };

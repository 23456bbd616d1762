import { attempt, type CommandResult } from '../command.ts';
import type { Target } from './target.ts';

/** Commands as people type them; a failure is part of the answer. */
export async function kubectl(target: Target, args: readonly string[], input?: string): Promise<CommandResult> {
  return await attempt([...target.kubectl, ...args], { timeoutMs: 60_000, ...(input === undefined ? {} : { input }) });
}

export async function kubectlOrThrow(target: Target, args: readonly string[], input?: string): Promise<string> {
  const result = await kubectl(target, args, input);
  if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${result.code}: ${result.stderr}`);
  return result.stdout;
}

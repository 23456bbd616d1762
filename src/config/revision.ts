import type { Command } from './config.ts';
import type { InputReader } from './input-reader.ts';
import { type Parsed, quoted } from './parsed.ts';

/** `to-revision`, which only a rollback takes. */
export function readRevision(reader: InputReader, command: Command): number | undefined {
  if (command !== 'rollback' && reader.isGiven('to-revision')) {
    reader.reject('to-revision', `command: ${command} takes none; it says where command: rollback goes back to`);
    return undefined;
  }
  return reader.parse('to-revision', parseRevision);
}

/** The number of a revision; 0 is the one before, as for `kubectl rollout undo`. */
function parseRevision(text: string): Parsed<number | undefined> {
  const revision = Number(text);
  if (!/^\d{1,15}$/u.test(text) || !Number.isSafeInteger(revision)) {
    return { problem: `${quoted(text)} is not the number of a revision; valid is a number that command: history prints, for example 3` };
  }
  return { value: revision === 0 ? undefined : revision };
}

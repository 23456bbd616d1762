import { parseReplayFlags } from '../../src/config/replay-inputs.ts';
import { judgeSamples } from '../../src/config/samples-file.ts';
import type { ReplayVerdict } from '../../src/rollout/gates/replay-batches.ts';

const sameSettings = parseReplayFlags(new Map());
const convictions = ['metrics-failed', 'traffic-vanished', 'error-budget-spent'];

type Line = {
  readonly kind: string;
  readonly what?: string;
  readonly result?: string;
  readonly reason?: string;
  readonly because?: string;
};

/** What the gates of a run have decided; undefined where something else has ended it, or the step went on. */
function verdictOf({ what, result, reason, because = '' }: Line): ReplayVerdict | undefined {
  if (what === 'promoting') return because.endsWith('on-inconclusive: promote') ? 'inconclusive' : 'pass';
  if (what !== 'ending') return undefined;
  if (convictions.includes(reason ?? '')) return 'fail';
  return result === 'inconclusive' && because.startsWith('no verdict within') ? 'inconclusive' : undefined;
}

/** A recording, judged again with the same settings, gives the verdict of its run, in the same turn and not before. Answers what is wrong. */
export function checkReplay(lines: readonly string[]): string | undefined {
  let turns = 0;
  let expected: ReplayVerdict | undefined;
  for (const line of lines.map((text) => JSON.parse(text) as Line)) {
    if (line.kind === 'turn') turns += 1;
    if (line.kind !== 'decision') continue;
    expected = verdictOf(line);
    // From its first end on a run asks its gates no more, though it takes turns until the journal has it.
    if (expected !== undefined || line.what === 'ending') break;
  }
  if (turns === 0) return undefined;
  const verdicts = judgeSamples(`${lines.join('\n')}\n`, sameSettings).map((line) => line.verdict);
  const before = verdicts.slice(0, turns - 1).find((verdict) => verdict !== 'continue');
  if (before !== undefined) return `its recording says ${before} before turn ${turns}, the run ${expected ?? 'nothing'}`;
  const verdict = verdicts[turns - 1];
  return expected === undefined || verdict === expected ? undefined : `the run says ${expected}, its recording ${verdict}`;
}

import { parseReplayFlags } from '../../src/config/replay-inputs.ts';
import { judgeSamples } from '../../src/config/samples-file.ts';
import type { ReplayVerdict } from '../../src/rollout/gates/replay-batches.ts';

const sameSettings = parseReplayFlags(new Map());
const convictions = ['metrics-failed', 'traffic-vanished', 'error-budget-spent'];
const byPolicy = 'on-inconclusive: promote';
/** What follows a pass. */
const passes = ['promoting', 'pair-finishing', 'flipping', 'updating', 'exchanging'];

type Line = {
  readonly kind: string;
  readonly name?: string;
  readonly what?: string;
  readonly result?: string;
  readonly reason?: string;
  readonly because?: string;
};

/** What the metrics of a run have decided in a phase; undefined where something else has ended it, or it went on. */
function verdictOf({ what, result, reason, because = '' }: Line, phase: string): ReplayVerdict | undefined {
  if (passes.includes(what ?? '')) return because.endsWith(byPolicy) ? 'inconclusive' : 'pass';
  if (result === undefined || what === 'finished') return undefined;
  if (convictions.includes(reason ?? '')) return 'fail';
  // Of a bake: what was said of the canary before it comes first.
  if (result === 'promoted')
    return phase === 'baking' ? (because.split('; after it, ').at(-1)?.includes(byPolicy) ? 'inconclusive' : 'pass') : undefined;
  const isTimeUp = /^no verdict (?:|on the new version |on \S+ |under real traffic )within /.test(because);
  return result === 'inconclusive' && isTimeUp ? 'inconclusive' : undefined;
}

/**
 * A recording, judged again with the same settings, gives the verdicts of its run, each in the same turn, and no other. Answers what is
 * wrong. `seen` counts the verdicts that were compared, by phase.
 */
export function checkReplay(lines: readonly string[], seen: Record<string, number> = {}): string | undefined {
  if (!lines.some((line) => line.includes('"kind":"turn"'))) return undefined;
  const verdicts = judgeSamples(`${lines.join('\n')}\n`, sameSettings).map((line) => line.verdict);
  let phase = 'step';
  let turns = 0;
  let last: ReplayVerdict = 'continue';
  for (const line of lines.map((text) => JSON.parse(text) as Line)) {
    if (line.kind === 'phase') phase = line.name ?? '';
    if (line.kind === 'turn') {
      const before = verdicts[turns - 1];
      if (before !== undefined && before !== 'continue' && before !== last)
        return `its recording says ${before} in turn ${turns} (${phase}), the run ${last}`;
      turns += 1;
    }
    const expected = line.kind === 'decision' ? verdictOf(line, phase) : undefined;
    // From its first end on a run asks its gates no more, though it takes turns until the journal has it.
    if (expected === undefined && line.result !== undefined) return undefined;
    if (expected === undefined) continue;
    const verdict = verdicts[turns - 1];
    if (verdict !== expected) return `in turn ${turns} (${phase}) the run says ${expected}, its recording ${verdict}`;
    const key = `${phase} ${expected}`;
    seen[key] = (seen[key] ?? 0) + 1;
    last = expected;
  }
  return verdicts.length === turns ? undefined : `${verdicts.length} lines for ${turns} turns`;
}

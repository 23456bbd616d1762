import type { ActionResult, RunningAction } from '../runner/run-action.ts';
import { heartbeatFilter, isWrite } from './requests.ts';
import type { Stage } from './stage.ts';

/** Starts a run and ends its process in the moment of its nth write, heartbeats not counted. Throws where it ended before. */
export async function killAtWrite(
  stage: Stage,
  index: number,
  moment: 'before' | 'after',
  ...run: Parameters<Stage['start']>
): Promise<ActionResult> {
  let action: RunningAction | undefined;
  let seen = -1;
  const isHeartbeat = heartbeatFilter();
  stage.onRequest((request) => {
    if (!isWrite(request) || isHeartbeat(request) || seen >= index) return undefined;
    seen += 1;
    if (seen < index) return undefined;
    action?.kill('SIGKILL');
    return moment === 'before' ? 'drop-before' : 'drop-after';
  });
  action = stage.start(...run);
  const result = await action.done;
  if (result.signal !== 'SIGKILL') throw new Error(`the run ended before its write ${index}`);
  return result;
}

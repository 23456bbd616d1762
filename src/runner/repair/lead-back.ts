import { UserError } from '../../errors.ts';
import type { Earlier } from '../../rollout/explain/report.ts';
import { isFlippedWithoutJob } from '../../rollout/situation/left-colours.ts';
import type { Situation } from '../../rollout/situation/situation.ts';
import type { CommandPorts, CommandRequest } from '../commands/command.ts';
import { finishRecord } from './finish-record.ts';

const neverAborted = new AbortController().signal;

/** Leads Services back to the Deployment whose green serves although its Job is gone. Undefined: there is nothing to lead back, or no record of it. */
export async function leadBack(
  request: CommandRequest,
  ports: CommandPorts,
  situation: Situation | undefined,
): Promise<Earlier | undefined> {
  if (situation === undefined || !isFlippedWithoutJob(situation)) return undefined;
  return finishUnlessBusy(request, ports);
}

/** Another run that was faster takes care of it. */
export async function finishUnlessBusy(request: CommandRequest, ports: CommandPorts): Promise<Earlier | undefined> {
  try {
    return await finishRecord(request, ports, neverAborted);
  } catch (error) {
    if (error instanceof UserError && error.code === 'rollout-busy') return undefined;
    throw error;
  }
}

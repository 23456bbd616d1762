import { namesFor } from '../../rollout/names.ts';
import { needsOf } from '../../rollout/plan/command-needs.ts';
import { permissionsForCommand } from '../../rollout/plan/permissions.ts';
import type { Situation } from '../../rollout/situation/situation.ts';
import type { CommandPorts, CommandRequest } from './command.ts';

/** What the rollout that was found needs beside every other one, asked for before the first write. Throws UserError `permission-missing`. */
export async function checkFoundAccess(request: CommandRequest, { cluster }: CommandPorts, situation: Situation): Promise<void> {
  const needs = { ...request, names: namesFor(request.deployment) };
  const asked = permissionsForCommand(request.command, needs);
  const all = permissionsForCommand(request.command, { ...needs, ...needsOf(situation) });
  // Where the permissions cannot be checked, the first check has said so.
  if (all.length > asked.length) await cluster.checkAccess(all, `command: ${request.command}`);
}

import { describeHistory } from '../../rollout/history/history.ts';
import { describeRevisions } from '../../rollout/history/revisions.ts';
import { namesFor } from '../../rollout/names.ts';
import { type CommandName, permissionsForCommand } from '../../rollout/plan/permissions.ts';
import { describeStatus, statusOf, statusOutcome } from '../../rollout/situation/status.ts';
import type { ReleaseSpec } from '../../rollout/spec.ts';
import type { Holder } from '../../rollout/state.ts';
import type { ReleaseEnd } from '../deploy.ts';
import { titleOf } from '../narrator.ts';
import { refuseFault } from '../refuse-fault.ts';
import type { ReleasePorts } from '../release-request.ts';
import { abort } from './abort.ts';
import { reconcile } from './reconcile.ts';

/** Everything that is asked of a Deployment beside a release. */
export type CommandRequest = {
  readonly command: CommandName;
  readonly namespace: string;
  readonly deployment: string;
  readonly spec: ReleaseSpec;
  readonly logs: boolean;
  readonly holder: Holder;
};

export type CommandPorts = Omit<ReleasePorts, 'metrics'>;

/** Runs one command that releases nothing. Throws UserError where the permissions lack, or nothing can be read. */
export async function runCommand(request: CommandRequest, ports: CommandPorts): Promise<ReleaseEnd> {
  const { reporter, cluster } = ports;
  reporter.phase(titles[request.command]);
  try {
    const names = namesFor(request.deployment);
    const warning = await cluster.checkAccess(permissionsForCommand(request.command, { ...request, names }), `command: ${request.command}`);
    if (warning !== undefined) reporter.warning(warning);
    return await commands[request.command](request, ports);
  } catch (error) {
    return refuseFault(error, `command: ${request.command}`);
  }
}

const titles: Readonly<Record<CommandName, string>> = {
  status: 'Status: nothing is written',
  history: 'History: nothing is written',
  abort: 'Abort',
  reconcile: 'Reconcile',
};

const commands: Readonly<Record<CommandName, (request: CommandRequest, ports: CommandPorts) => Promise<ReleaseEnd>>> = {
  status,
  history,
  abort,
  reconcile,
};

const nothingReleased = { images: [], plan: undefined, rollout: undefined } as const;

/** Says who holds the rollout, or that none runs, and what is left. Reads only. */
async function status({ deployment }: CommandRequest, { cluster, reporter }: CommandPorts): Promise<ReleaseEnd> {
  const situation = await cluster.look();
  const journal = situation.job?.journal;
  const report = statusOf(situation, journal === undefined ? undefined : titleOf(journal.plan, journal.state.phase));
  for (const line of describeStatus(report)) reporter.info(line);
  return { ...nothingReleased, outcome: statusOutcome(report, deployment), status: report, images: report.rollout?.images ?? [] };
}

/** Prints the revisions. Reads only. */
async function history({ deployment }: CommandRequest, { cluster, reporter }: CommandPorts): Promise<ReleaseEnd> {
  const found = await cluster.revisions();
  const revisions = describeRevisions(found);
  for (const line of describeHistory(revisions)) reporter.info(line);
  const because = `${deployment} has ${revisions.length} revisions${found.current === undefined ? '' : `; the current one is ${found.current}`}`;
  return { ...nothingReleased, outcome: { result: 'done', reason: 'listed', because, evidence: [] }, revisions };
}

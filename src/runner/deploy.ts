import type { Plan } from '../rollout/plan.ts';
import type { ImageChange } from '../rollout/spec.ts';
import type { RolloutState } from '../rollout/state.ts';
import type { Outcome } from '../rollout/verdict.ts';
import { finishRecord } from './finish-record.ts';
import { prepare, type ReleasePorts, type ReleaseRequest } from './prepare.ts';
import { refuseFault } from './refuse-fault.ts';
import { type RolloutEnd, runRollout } from './run-rollout.ts';

export type ReleaseEnd = {
  readonly outcome: Outcome;
  readonly images: readonly ImageChange[];
  /** Undefined: it ended before there was a plan. */
  readonly plan: Plan | undefined;
  /** Undefined: this release wrote nothing. */
  readonly rollout: RolloutEnd | undefined;
};

type Begun = { readonly kind: 'begun'; readonly plan: Plan; readonly state: RolloutState };
type NotBegun = { readonly kind: 'ended'; readonly end: ReleaseEnd };

/** One release: look at everything, say what will happen, take the lock, and run. Throws UserError before the first write. */
export async function release(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<ReleaseEnd> {
  const begun = await begin(request, ports, cancel).catch((error: unknown) => {
    // A request that the cancel has ended says nothing about the cluster.
    if (cancel.aborted) return cancelledEarly([], undefined);
    return refuseFault(error);
  });
  if (begun.kind === 'ended') return begun.end;
  const { plan, state } = begun;
  const metrics = plan.rules === undefined ? undefined : ports.metrics;
  const { cluster, reporter, clock, samples } = ports;
  const rollout = await runRollout({ world: cluster.world(plan), metrics, reporter, clock, samples }, plan, state, cancel);
  return { outcome: rollout.outcome, images: plan.images, plan, rollout };
}

async function begin(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<Begun | NotBegun> {
  const { reporter, cluster } = ports;
  reporter.phase('Preflight: nothing is written');
  if (request.command === 'deploy') await finishRecord(request, ports, cancel);
  const prepared = await prepare(request, ports, cancel);
  if (prepared.kind === 'unchanged') {
    const because = 'the Deployment has these images already: nothing to release';
    const result = request.command === 'plan' ? 'planned' : 'unchanged';
    return ended(result, 'unchanged', because, prepared.images, undefined);
  }
  const { plan } = prepared;
  reporter.phase('Plan');
  for (const line of prepared.lines) reporter.info(line);
  for (const warning of plan.warnings) reporter.warning(warning);
  if (request.command === 'plan') return ended('planned', 'planned', 'planned; nothing was written', plan.images, plan);
  if (cancel.aborted) return cancelledEarly(plan.images, plan);
  ports.remember(plan, '');
  const state = await cluster.acquire(plan, request.holder, cancel);
  ports.remember(plan, state.jobUid);
  return { kind: 'begun', plan, state };
}

function cancelledEarly(images: readonly ImageChange[], plan: Plan | undefined): NotBegun {
  return ended('failed', 'cancelled', 'the run was cancelled before this release wrote anything', images, plan);
}

function ended(
  result: Outcome['result'],
  reason: Outcome['reason'],
  because: string,
  images: readonly ImageChange[],
  plan: Plan | undefined,
): NotBegun {
  return { kind: 'ended', end: { outcome: { result, reason, because, evidence: [] }, images, plan, rollout: undefined } };
}

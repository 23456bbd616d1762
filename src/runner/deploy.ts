import type { Revision } from '../rollout/history/revisions.ts';
import { rollbackOutcome } from '../rollout/history/rollback.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import type { ProbeNumbers } from '../rollout/probe-tally.ts';
import type { StatusReport } from '../rollout/situation/status.ts';
import type { ImageChange } from '../rollout/spec.ts';
import type { RolloutState } from '../rollout/state.ts';
import type { Outcome } from '../rollout/verdict.ts';
import { prepare } from './prepare/prepare.ts';
import { resolveRollback } from './prepare/rollback.ts';
import { refuseFault } from './refuse-fault.ts';
import type { ReleasePorts, ReleaseRequest } from './release-request.ts';
import { finishRecord } from './repair/finish-record.ts';
import { type RolloutEnd, runRollout } from './run-rollout.ts';

export type ReleaseEnd = {
  readonly outcome: Outcome;
  readonly images: readonly ImageChange[];
  /** Undefined: it ended before there was a plan. */
  readonly plan: Plan | undefined;
  /** Undefined: this release wrote nothing. */
  readonly rollout: RolloutEnd | undefined;
  readonly status?: StatusReport;
  readonly revisions?: readonly Revision[];
  /** Undefined: nobody asked the application. */
  readonly probe?: ProbeNumbers | undefined;
};

/** Begins to ask before the first write. */
type Probing = { begin(): void; end(): Promise<ProbeNumbers | undefined> };

type Begun = { readonly kind: 'begun'; readonly plan: Plan; readonly state: RolloutState };
type NotBegun = { readonly kind: 'ended'; readonly end: ReleaseEnd };

/** One release: look at everything, say what will happen, take the lock, and run. Throws UserError before the first write. */
export async function release(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<ReleaseEnd> {
  const probing = probingWith(ports);
  try {
    const end = await releaseProbed(request, ports, cancel, probing);
    return { ...end, probe: await probing.end() };
  } finally {
    await probing.end();
  }
}

function probingWith({ probe }: ReleasePorts): Probing {
  let running: ReturnType<NonNullable<ReleasePorts['probe']>['start']> | undefined;
  let numbers: ProbeNumbers | undefined;
  return {
    begin() {
      running ??= probe?.start();
    },
    async end() {
      numbers ??= await running?.end();
      return numbers;
    },
  };
}

async function releaseProbed(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal, probing: Probing): Promise<ReleaseEnd> {
  const begun = await begin(request, ports, cancel, probing).catch((error: unknown) => {
    // A request that the cancel has ended says nothing about the cluster.
    if (cancel.aborted) return cancelledEarly([], undefined);
    return refuseFault(error);
  });
  if (begun.kind === 'ended') return begun.end;
  const { plan, state } = begun;
  const metrics = plan.rules === undefined ? undefined : ports.metrics;
  const { cluster, reporter, clock, smoke, samples } = ports;
  const rollout = await runRollout({ world: cluster.world(plan), metrics, smoke, reporter, clock, samples }, plan, state, cancel).finally(
    () => smoke?.stop(),
  );
  const outcome = plan.toRevision === undefined ? rollout.outcome : rollbackOutcome(rollout.outcome, plan.toRevision);
  return { outcome, images: plan.images, plan, rollout };
}

async function begin(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal, probing: Probing): Promise<Begun | NotBegun> {
  const { reporter, cluster } = ports;
  reporter.phase('Preflight: nothing is written');
  if (request.command !== 'plan') await finishEarlier(request, ports, cancel);
  const resolved = request.command === 'rollback' ? await resolveRollback(request, ports) : { kind: 'request' as const, request };
  if (resolved.kind === 'unchanged') return ended('unchanged', 'unchanged', resolved.because, resolved.images, undefined);
  const { toRevision } = resolved.request;
  const prepared = await prepare(resolved.request, ports, cancel);
  if (prepared.kind === 'unchanged') {
    const because = unchangedBecause(request);
    const result = request.command === 'plan' ? 'planned' : 'unchanged';
    return ended(result, 'unchanged', because, prepared.images, undefined);
  }
  const plan: Plan = toRevision === undefined ? prepared.plan : { ...prepared.plan, toRevision };
  reporter.phase('Plan');
  for (const line of prepared.lines) reporter.info(line);
  for (const warning of plan.warnings) reporter.warning(warning);
  if (request.command === 'plan') return ended('planned', 'planned', 'planned; nothing was written', plan.images, plan);
  if (cancel.aborted) return cancelledEarly(plan.images, plan);
  probing.begin();
  ports.remember(plan, '');
  const state = await cluster.acquire(plan, request.holder, cancel);
  ports.remember(plan, state.jobUid);
  return { kind: 'begun', plan, state };
}

function unchangedBecause({ images, variables, configMaps }: ReleaseRequest): string {
  const hasFields = (variables ?? []).length > 0 || configMaps === true;
  const what = images.kind === 'none' ? 'this configuration' : hasFields ? 'these images and this configuration' : 'these images';
  return `the Deployment has ${what} already: nothing to release`;
}

async function finishEarlier(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<void> {
  const earlier = await finishRecord(request, ports, cancel);
  if (earlier === undefined) return;
  ports.reporter.phase('Preflight: nothing is written');
  ports.reporter.info(`the earlier release was finished first: ${earlier.outcome.result}, ${earlier.outcome.because}`);
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

import { canaryReplicasFor } from '../../src/rollout/plan/replica-share.ts';
import type { SimulatedProcess } from './process.ts';
import type { Rollout, Watch } from './rollout-record.ts';
import { scrapeMs } from './traffic.ts';

/** The server's clock as a process estimates it: behind by up to a second, and jumping forward when it learns better. */
const clockLagMs = 1_100;
const staleMs = 45_000;
/** 95 %: what a pass must prove (gates.md). */
const passNats = Math.log(20);

/** I13, when a rollout decides to promote: everything that allows it, worked out again from what the world has shown and counted. */
export function checkGates(watch: Watch, process: SimulatedProcess, rollout: Rollout, proved: boolean): void {
  const { plan } = rollout;
  if (plan === undefined) return;
  const { nowMs } = watch.world.schedule;
  if (rollout.heldSinceMs === undefined) watch.violate('gates', `${process.name} promotes a canary that is not available`);
  if (!proved) {
    if (plan.spec.onInconclusive !== 'promote') watch.violate('I13', `${process.name} promotes without proof`);
    if (nowMs - rollout.startedAtMs + clockLagMs < plan.spec.timeoutMs)
      watch.violate('I13', `${process.name} promotes without proof before the timeout`);
    return;
  }
  if (rollout.index !== plan.steps.length - 1) watch.violate('order', `${process.name} promotes in step ${rollout.index + 1}`);
  checkHold(watch, rollout);
  const servedMs = nowMs - (rollout.servingSinceMs ?? nowMs);
  if (servedMs + clockLagMs < plan.spec.minDurationMs) watch.violate('gates', `${process.name} promotes after ${servedMs} ms of serving`);
  if (plan.rules !== undefined) checkMetrics(watch, process, rollout);
  else if (nowMs - rollout.brokeAtMs + clockLagMs < plan.spec.minDurationMs && !rollout.wasRescaled) {
    checkUnbroken(watch, process, rollout);
  }
}

/** Canary pods that a step asks for, beside as many stable ones as its process was shown last. */
export function replicasOf(rollout: Rollout, index: number): number {
  const { plan } = rollout;
  return canaryReplicasFor(rollout.seenReplicas, plan?.steps[index]?.weightPercent ?? 0, plan?.halfAtMost ?? false);
}

/** The step in force has its pods, and has had its time with all of them available: every answer since then said so. */
export function checkHold(watch: Watch, rollout: Rollout): void {
  const { nowMs } = watch.world.schedule;
  const holdMs = rollout.plan?.steps[rollout.index]?.holdMs ?? 0;
  const heldMs = rollout.heldSinceMs === undefined ? 0 : nowMs - Math.max(rollout.heldSinceMs, rollout.stepsAtMs[rollout.index] ?? 0);
  if (rollout.heldSinceMs === undefined || heldMs + clockLagMs < holdMs) {
    watch.violate('hold', `step ${rollout.index + 1} was held for ${heldMs} of ${holdMs} ms`);
  }
  if (replicasOf(rollout, rollout.index) !== rollout.replicas && !rollout.wasRescaled)
    watch.violate('order', `step ${rollout.index + 1} never had its pods`);
}

/** Scaling up brings pods that are not available yet; that is no break. Pods that were and are not, are. */
function checkUnbroken(watch: Watch, process: SimulatedProcess, rollout: Rollout): void {
  const { nowMs } = watch.world.schedule;
  const minMs = rollout.plan?.spec.minDurationMs ?? 0;
  const restarted = watch.world.canary.live.some((pod) => pod.restarts > 0 && nowMs - pod.readySinceMs + clockLagMs < minMs);
  if (restarted) watch.violate('gates', `${process.name} promotes pods that have restarted just now`);
}

function checkMetrics(watch: Watch, process: SimulatedProcess, rollout: Rollout): void {
  const { canary, stable } = watch.world.traffic.totals;
  const { baseline, plan } = rollout;
  const sinceReadingMs = watch.world.schedule.nowMs - rollout.readingAtMs;
  // The decision is as old as its request was on its way.
  const wayMs = (plan?.spec.deadManMs ?? 0) / 4 + process.pausedMsSince(rollout.readingAtMs);
  if (sinceReadingMs > staleMs + scrapeMs + clockLagMs + wayMs)
    watch.violate('I13', `${process.name} promotes on metrics that are ${sinceReadingMs} ms old`);
  const requests = canary.requests - baseline.canaryRequests;
  const rate = (canary.errors - baseline.canaryErrors) / Math.max(1, requests);
  const stableRate = (stable.errors - baseline.stableErrors) / Math.max(1, stable.requests - baseline.stableRequests);
  for (const limit of plan?.rules?.limits ?? []) {
    const allowed = limit.ratio * stableRate + limit.absolute;
    // Prometheus may have seen a little more than the process asked for: hence the margins.
    if (rate > allowed * 1.15 + 0.001) watch.violate('I3', `${process.name} promotes at ${rate} errors where ${allowed} are allowed`);
    const needed = passNats / -Math.log1p(-allowed);
    if (requests < needed * 0.7)
      watch.violate('I13', `${process.name} promotes on ${requests} requests where ${Math.round(needed)} are needed`);
  }
}

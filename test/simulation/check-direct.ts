import type { RawDeployment } from '../../src/kubernetes/raw.ts';
import { templateHash } from '../../src/kubernetes/template-hash.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import { isSelected } from './objects.ts';
import type { SimulatedProcess } from './process.ts';
import { isDirect, type Rollout, type Watch } from './rollout-record.ts';
import { scrapeMs } from './traffic.ts';

const clockLagMs = 1_100;
const staleMs = 45_000;
/** 95 %: what a pass must prove (gates.md). */
const passNats = Math.log(20);
/** 1.25 x the upper bound of 0.2 % in the requests of a minute + 0.5 points, generously. */
const absoluteMax = (requestsPerSecond: number): number => 1.25 * (0.004 + 6 / (60 * requestsPerSecond)) + 0.005;
const trialMsMax = 30_000;

/** I10: the template that is released with new images is the one that the plan was made for. */
export function checkTemplate(watch: Watch, process: SimulatedProcess, plan: Plan, before: RawDeployment): void {
  const released = plan.images.map(({ container }) => container);
  if (templateHash(before.spec?.template ?? {}, released) !== plan.templateHash)
    watch.violate('I10', `${process.name} released a template that it had not planned for`);
}

/** I3: an image that nobody has judged is sent by its own run, and by nobody who finds its record. */
export function checkSender(watch: Watch, process: SimulatedProcess, rollout: Rollout): void {
  if (process.name !== rollout.name) watch.violate('I3', `${process.name} sends the image of ${rollout.name}, which nobody has judged`);
}

/** The trial is one pod, ours alone, and no Service finds it. */
export function checkTrialPod(watch: Watch, rollout: Rollout, trial: RawDeployment | undefined): void {
  if (trial?.spec?.replicas !== 1) watch.violate('share', `${trial?.spec?.replicas} trial pods`);
  if (isSelected(trial?.spec?.template ?? {})) watch.violate('trial', 'the Service selects the trial pod');
  if (rollout.phase !== 'trial') watch.violate('journal', `a trial pod in phase ${rollout.phase}`);
  rollout.replicas = 1;
  watch.world.canaryMost = Math.max(watch.world.canaryMost, 1);
}

/** A trial passes when its pod has been available for its time, by every answer that was given. */
export function checkTrial(watch: Watch, process: SimulatedProcess, rollout: Rollout): void {
  if (rollout.trialPassed) return;
  rollout.trialPassed = true;
  const { nowMs } = watch.world.schedule;
  const neededMs = Math.min(rollout.plan?.spec.minDurationMs ?? 0, trialMsMax);
  const heldMs = rollout.heldSinceMs === undefined ? 0 : nowMs - rollout.heldSinceMs;
  if (rollout.heldSinceMs === undefined || heldMs + clockLagMs < neededMs)
    watch.violate('trial', `${process.name} passes a trial pod that was available for ${heldMs} of ${neededMs} ms`);
}

/** A recreation begins when its trial has passed, and its pod is gone again. */
export function checkStart(watch: Watch, process: SimulatedProcess, rollout: Rollout): void {
  if (rollout.plan?.spec.strategy !== 'recreate') return;
  if (!rollout.trialPassed) watch.violate('order', `${process.name} recreates without a trial`);
  if (watch.world.api.get('canary') !== undefined) watch.violate('order', `${process.name} recreates beside its trial pod`);
}

/** I3, I13, when a rollout says that the new version stays: what it has been through, worked out from what the world has shown and counted. */
export function checkBake(watch: Watch, process: SimulatedProcess, rollout: Rollout, reason: string): void {
  const { plan } = rollout;
  if (plan === undefined || (!isDirect(plan) && plan.spec.bakeMs === 0)) return;
  const { nowMs } = watch.world.schedule;
  if (rollout.phase !== 'baking') watch.violate('order', `${process.name} ends well in phase ${rollout.phase}`);
  if (rollout.fullSinceMs === undefined) watch.violate('gates', `${process.name} ends well with a Deployment that is not complete`);
  if (reason === 'unproved') return;
  const isResumed = process.name !== rollout.name;
  const waitMs = waitOf(plan, isResumed);
  const bakedMs = nowMs - (rollout.bakingAtMs ?? nowMs);
  if (bakedMs + clockLagMs < waitMs && !isResumed) watch.violate('bake', `${process.name} watched for ${bakedMs} of ${waitMs} ms`);
  if (plan.rules !== undefined && !isResumed) checkMetrics(watch, process, rollout, plan);
  else checkUnbroken(watch, process, rollout, Math.min(plan.spec.minDurationMs, waitMs));
}

function waitOf({ spec }: Plan, isResumed: boolean): number {
  if (isResumed) return spec.minDurationMs;
  return spec.strategy === 'canary' ? spec.bakeMs : Math.max(spec.bakeMs, spec.minDurationMs);
}

function checkUnbroken(watch: Watch, process: SimulatedProcess, rollout: Rollout, neededMs: number): void {
  const { nowMs } = watch.world.schedule;
  const fullMs = rollout.fullSinceMs === undefined ? 0 : nowMs - rollout.fullSinceMs;
  if (fullMs + clockLagMs < neededMs && !rollout.wasRescaled)
    watch.violate('gates', `${process.name} ends well after ${fullMs} of ${neededMs} ms without a break`);
  const restarted = watch.world.stable.live.some((pod) => pod.restarts > 0 && nowMs - pod.readySinceMs + clockLagMs < neededMs);
  if (restarted) watch.violate('gates', `${process.name} ends well with pods that have restarted just now`);
}

function checkMetrics(watch: Watch, process: SimulatedProcess, rollout: Rollout, plan: Plan): void {
  const { nowMs } = watch.world.schedule;
  const tag = plan.images[0]?.to.split(':')[1] ?? '';
  const { errors, requests } = watch.world.traffic.totalsByTag.get(tag) ?? { errors: 0, requests: 0 };
  const limit = plan.spec.maxErrorRate ?? absoluteMax(watch.world.scenario.requestsPerSecond);
  const rate = errors / Math.max(1, requests);
  if (rate > limit * 1.15 + 0.001) watch.violate('I3', `${process.name} ends well at ${rate} errors where ${limit} are allowed`);
  const needed = passNats / -Math.log1p(-limit);
  if (requests < needed * 0.7)
    watch.violate('I13', `${process.name} ends well on ${requests} requests where ${Math.round(needed)} are needed`);
  const wayMs = plan.spec.deadManMs / 4 + process.pausedMsSince(rollout.readingAtMs);
  if (nowMs - rollout.readingAtMs > staleMs + scrapeMs + clockLagMs + wayMs)
    watch.violate('I13', `${process.name} ends well on metrics that are ${nowMs - rollout.readingAtMs} ms old`);
}

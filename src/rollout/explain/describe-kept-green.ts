import { greenSize, isScaled } from '../plan/kept-green-plan.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { describeJudge, describePreviewGate, minimumMs } from './describe-blue-green.ts';
import type { PlanContext } from './describe-plan.ts';

/** The plan of a flip between two Deployments that the user keeps, for people, line by line. */
export function describeKeptGreen(plan: Plan, { traffic }: PlanContext): readonly string[] {
  const { spec, target, blueGreen, pair } = plan;
  if (blueGreen === undefined || pair === undefined) return [];
  const { deployment, namespace } = target;
  const { name, found } = pair;
  const services = blueGreen.services.map((service) => `Service ${service}`).join(', ');
  const all = blueGreen.services.length === 1 ? '' : ', all of them or none';
  return [
    `Deployment ${namespace}/${deployment} with ${found.old} replicas serves, ${namespace}/${name} with ${found.new} is idle, a pair that you keep: strategy ${spec.strategy}`,
    ...pair.images.map((image) => `container ${image.container} of ${name}: ${image.from} → ${image.to}`),
    ...(pair.images.length === 0 ? [`${name} has the new image already`] : []),
    `1. ${name}: ${greenSize(pair)} pods of the new image, without traffic; ${plan.names.preview} leads to them alone`,
    describePreviewGate(plan),
    `3. ${services}: selector ${blueGreen.key}: ${blueGreen.blue} → ${blueGreen.green}${all}`,
    `4. all of the traffic on ${name} for at least ${seconds(Math.max(spec.minDurationMs, spec.bakeMs))}, ${deployment} at full size beside it`,
    `5. ${name} goes on serving; ${describeEnd(plan, pair)}`,
    `pods at the peak: ${found.old + greenSize(pair) + plan.maxSurge}`,
    describeJudge(plan, traffic),
    `duration: at least ${seconds(minimumMs(plan))} and the pods' start, at most ${seconds(spec.timeoutMs)} until the flip and as long again after it`,
    `NOT healed by the dead-man: ${name} and the Services are yours, and stay as they are if the runner dies. The post step, the next run or reconcile puts back what was found, or, once ${name} serves and is healthy, finishes; the Job ${plan.names.job} records it for one hour after the last heartbeat`,
  ];
}

function describeEnd({ target }: Plan, pair: PairPlan): string {
  const keeps = `${target.deployment} keeps the old image`;
  const size = isScaled(pair) ? ` and gets the ${pair.found.new} replicas that ${pair.name} had` : ' and its replicas';
  return `${keeps}${size}; the next release goes the other way`;
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Number((ms / 60_000).toFixed(1))} min`;
}

import { formatAge } from '../explain/format-age.ts';
import type { ImageChange } from '../spec.ts';
import type { Outcome } from '../verdict.ts';
import type { Situation } from './situation.ts';
import { leftOf, remedyOf, type Standing, standingOf } from './standing.ts';

/** What `command: status` tells. Plain data; texts are untrusted. */
export type StatusReport = {
  readonly standing: Standing;
  /** What `command: reconcile` would do now. */
  readonly remedy: string;
  readonly deployment: {
    readonly desiredReplicas: number;
    readonly updatedReplicas: number;
    readonly availableReplicas: number;
    /** Undefined: it is fully rolled out and available. */
    readonly unhealthy: string | undefined;
    readonly images: readonly { readonly name: string; readonly image: string }[];
  };
  /** Undefined: no Job of ours is there. */
  readonly rollout:
    | {
        readonly actor: string | undefined;
        readonly runUrl: string | undefined;
        /** One word of the journal, and in words; undefined where the journal cannot be read. */
        readonly phase: string | undefined;
        readonly phaseInWords: string | undefined;
        readonly images: readonly ImageChange[];
        readonly toRevision: number | undefined;
        readonly ageMs: number | undefined;
        readonly heartbeatAgeMs: number | undefined;
        /** Until the cluster ends it by itself; undefined while the Job has not started. */
        readonly deadlineLeftMs: number | undefined;
        readonly over: string | undefined;
      }
    | undefined;
  readonly canary:
    | {
        readonly name: string;
        readonly desiredReplicas: number;
        readonly availableReplicas: number;
        readonly pods: readonly { readonly name: string; readonly ready: boolean }[];
      }
    | undefined;
  /** Of blue-green; left out where there is none. */
  readonly green?: {
    readonly name: string;
    readonly desiredReplicas: number;
    readonly availableReplicas: number;
    /** Services of the user that lead to it. */
    readonly services: readonly string[];
  };
  /** What a rollout that is no more has left. */
  readonly left: readonly string[];
  /** Objects of somebody else that bear our names. */
  readonly foreign: readonly string[];
};

/** Pure: what is known of a rollout, as data. `phaseInWords` is the title of the phase that the journal names. */
export function statusOf(situation: Situation, phaseInWords: string | undefined): StatusReport {
  const { stable, job, canary, names, nowMs } = situation;
  const standing = standingOf(situation);
  const state = job?.journal?.state;
  const age = (sinceMs: number | undefined) => (sinceMs === undefined ? undefined : Math.max(0, nowMs - sinceMs));
  const { desiredReplicas, updatedReplicas, availableReplicas, unhealthy, images } = stable;
  return {
    standing,
    remedy: remedyOf(standing, situation),
    deployment: { desiredReplicas, updatedReplicas, availableReplicas, unhealthy, images },
    rollout:
      job?.ours !== true
        ? undefined
        : {
            actor: state?.holder.actor,
            runUrl: state?.holder.runUrl,
            phase: state?.phase.kind,
            phaseInWords,
            images: job.journal?.plan.images ?? [],
            toRevision: job.journal?.plan.toRevision,
            ageMs: age(state?.startedAtMs ?? job.createdAtMs),
            heartbeatAgeMs: age(state?.heartbeatAtMs),
            deadlineLeftMs: job.facts.deadlineAtMs === undefined ? undefined : Math.max(0, job.facts.deadlineAtMs - nowMs),
            over: job.facts.over,
          },
    canary:
      canary?.ours !== true
        ? undefined
        : {
            name: names.canary,
            desiredReplicas: canary.desiredReplicas,
            availableReplicas: canary.availableReplicas,
            pods: canary.pods,
          },
    ...greenOf(situation),
    left: leftOf(situation),
    foreign: [...(job?.ours === false ? [`Job ${names.job}`] : []), ...(canary?.ours === false ? [`Deployment ${names.canary}`] : [])],
  };
}

function greenOf({ blueGreen, names }: Situation): Pick<StatusReport, 'green'> {
  const green = blueGreen?.green;
  if (blueGreen === undefined || green?.ours !== true) return {};
  const { desiredReplicas, availableReplicas } = green;
  const services = blueGreen.services.filter(({ colour }) => colour === 'green').map(({ name }) => name);
  return { green: { name: names.green, desiredReplicas, availableReplicas, services } };
}

function describeGreen({ name, desiredReplicas, availableReplicas, services }: NonNullable<StatusReport['green']>): string {
  const served = services.length === 0 ? 'no Service leads to it' : `led to by Service ${services.join(', ')}`;
  return `green ${name}: ${availableReplicas} of ${desiredReplicas} pods available; ${served}`;
}

/** The same for people, line by line. */
export function describeStatus({ deployment, rollout, canary, green, left, foreign, standing, remedy }: StatusReport): readonly string[] {
  const { desiredReplicas, updatedReplicas, availableReplicas, unhealthy } = deployment;
  return [
    ...deployment.images.map(({ name, image }) => `container ${name}: ${image}`),
    `pods: ${availableReplicas} of ${desiredReplicas} available, ${updatedReplicas} updated${unhealthy === undefined ? '' : `; not healthy: ${unhealthy}`}`,
    ...(rollout === undefined ? ['no rollout is running'] : describeRollout(rollout, standing)),
    ...(canary === undefined
      ? []
      : [`canary ${canary.name}: ${canary.availableReplicas} of ${canary.desiredReplicas} pods available${podList(canary.pods)}`]),
    ...(green === undefined ? [] : [describeGreen(green)]),
    ...left.map((one) => `left behind: ${one}`),
    ...foreign.map((one) => `not ours, but with our name: ${one}; a release would be refused`),
    `command: reconcile would do now: ${remedy}`,
  ];
}

type Rollout = NonNullable<StatusReport['rollout']>;

function describeRollout(rollout: Rollout, standing: Standing): readonly string[] {
  const { images, toRevision, heartbeatAgeMs, deadlineLeftMs } = rollout;
  return [
    `rollout${toRevision === undefined ? '' : ` back to revision ${toRevision}`}: by ${rollout.actor ?? 'a run that left no readable journal'}${rollout.runUrl === undefined ? '' : ` in ${rollout.runUrl}`}, started ${formatAge(rollout.ageMs)} ago`,
    ...images.map((change) => `it gives container ${change.container}: ${change.from} → ${change.to}`),
    ...(rollout.phaseInWords === undefined ? [] : [`phase: ${rollout.phaseInWords}`]),
    `last heartbeat: ${heartbeatAgeMs === undefined ? 'not known' : `${formatAge(heartbeatAgeMs)} ago`}${standing === 'running' ? '' : `, ${described[standing]}`}`,
    ...(rollout.over === undefined ? [] : [`the Job protects it no longer: ${rollout.over}`]),
    deadlineLeftMs === undefined ? 'deadline: not armed yet' : `deadline: in ${formatAge(deadlineLeftMs)}, unless a heartbeat moves it`,
  ];
}

const described: Readonly<Record<Standing, string>> = {
  none: 'no rollout',
  left: 'no rollout',
  running: 'alive',
  silent: 'its runner is silent',
  stale: 'its runner is dead',
  over: 'nobody has ended it',
  unreadable: 'nobody can tell',
};

function podList(pods: readonly { readonly name: string; readonly ready: boolean }[]): string {
  if (pods.length === 0) return '';
  return ` (${pods.map(({ name, ready }) => `${name}${ready ? '' : ', not ready'}`).join('; ')})`;
}

/** The outcome of a look: it is done, and the reason says what was found. */
export function statusOutcome(report: StatusReport, deployment: string): Outcome {
  const done = (reason: Outcome['reason'], because: string): Outcome => ({ result: 'done', reason, because, evidence: [] });
  const { standing, rollout, remedy, left } = report;
  if (standing === 'none') return done('nothing-running', `no rollout of ${deployment} is running, and nothing of one is left`);
  if (standing === 'left') return done('left-behind', `no rollout of ${deployment} is running; left behind: ${left.join('; ')}`);
  const who = `${rollout?.actor ?? 'a run that left no readable journal'}${rollout?.runUrl === undefined ? '' : ` in ${rollout.runUrl}`}`;
  const phase = rollout?.phaseInWords === undefined ? '' : `, phase: ${rollout.phaseInWords}`;
  if (standing === 'running') return done('running', `${deployment} is being released by ${who}${phase}`);
  return done(
    'left-behind',
    `the rollout of ${deployment} by ${who}${phase}: ${described[standing]}; command: reconcile would do now: ${remedy}`,
  );
}

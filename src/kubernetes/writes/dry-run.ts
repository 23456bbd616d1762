import { isFault, messageOf, UserError } from '../../errors.ts';
import { keepsGreen } from '../../rollout/plan/kept-green-plan.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import { startState } from '../../rollout/state.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { type ConfigMapContent, configMapManifest } from '../config-map-content.ts';
import { canaryManifest } from '../manifests/canary.ts';
import { greenManifest, previewManifest } from '../manifests/green.ts';
import { jobManifest } from '../manifests/job.ts';
import { causePatch, configurationPatch } from '../patches/configuration-patches.ts';
import { fencePatch, imagePatch } from '../patches/patches.ts';
import { flipPatch } from '../patches/service-patches.ts';
import { paths } from '../paths.ts';
import type { RawDeployment } from '../raw.ts';
import { keptGreenTrials } from './kept-green-trials.ts';
import { pairTrials } from './pair-commands.ts';

/** A write in words, and its dry run. */
export type Trial = readonly [what: string, trial: () => Promise<unknown>];

/**
 * Asks the API server whether it would take every write of the plan, the rollback included: a policy that would refuse our way back must be
 * known before the first step. Throws UserError `dry-run-denied` with every refusal.
 */
export async function dryRun(
  client: KubernetesClient,
  plan: Plan,
  stable: RawDeployment,
  configMaps: readonly ConfigMapContent[] = [],
): Promise<void> {
  const { namespace, deployment } = plan.target;
  const holder = { id: 'dry-run', runUrl: 'dry-run', actor: 'dry-run' };
  const job = jobManifest(plan, startState(holder, '', 0), stable, Math.ceil(plan.spec.deadManMs / 1000));
  if (plan.pair !== undefined) {
    const create = () => client.create(paths.jobs(namespace), job, { dryRun: true });
    const trials = keepsGreen(plan) ? keptGreenTrials : pairTrials;
    return tryAll([['create the Job', create], ...(await trials(client, plan, plan.pair, stable))]);
  }
  const canary = canaryManifest(plan, stable, plan.steps[0]?.canaryReplicas ?? 1, undefined);
  const path = paths.deployment(namespace, deployment);
  const forth = [...configurationPatch(plan, 'forth'), ...causePatch(stable, plan.changeCause, 'forth')];
  const back = configurationPatch(plan, 'back');
  const trials: readonly Trial[] = [
    ...blueGreenTrials(client, plan, stable),
    ['create the Job', () => client.create(paths.jobs(namespace), job, { dryRun: true })],
    ...(plan.configMaps ?? []).flatMap((version): readonly [string, () => Promise<unknown>][] => {
      const content = configMaps.find(({ source }) => source === version.source);
      if (content === undefined) return [];
      const manifest = configMapManifest(content, version, plan, undefined);
      return [[`create the ConfigMap ${version.name}`, () => client.create(paths.configMaps(namespace), manifest, { dryRun: true })]];
    }),
    ...secondDeployment(plan, () => client.create(paths.deployments(namespace), canary, { dryRun: true })),
    [
      'promote the image',
      () =>
        client.jsonPatch(path, [...fencePatch(stable, 'dry-run'), ...imagePatch(plan.images, (image) => image.to), ...forth], {
          dryRun: true,
        }),
    ],
    [
      'put the old image back',
      // Configuration goes out and back in one patch: what is not there yet cannot be put back.
      () => client.jsonPatch(path, [...imagePatch(plan.images, (image) => image.from), ...forth, ...back], { dryRun: true }),
    ],
  ];
  return tryAll(trials);
}

async function tryAll(trials: readonly Trial[]): Promise<void> {
  const refusals = await Promise.all(
    trials.map(async ([what, trial]): Promise<string | undefined> => {
      try {
        await trial();
        return undefined;
      } catch (error) {
        // A leftover of an earlier rollout may still bear the name; it goes before ours comes.
        if (isFault(error, 'already-exists')) return undefined;
        if (!isFault(error, 'invalid', 'forbidden', 'conflict')) throw error;
        return `${what}: ${messageOf(error)}`;
      }
    }),
  );
  const denied = refusals.filter((refusal) => refusal !== undefined);
  if (denied.length > 0) {
    throw new UserError(
      'dry-run-denied',
      `The API server would refuse to ${denied.join('; to ')}`,
      'Nothing was written. Change the policy, the quota or the Deployment that the message names',
    );
  }
}

function secondDeployment(plan: Plan, create: () => Promise<unknown>): readonly [string, () => Promise<unknown>][] {
  if (plan.spec.strategy === 'rolling' || plan.spec.strategy === 'blue-green') return [];
  return [[plan.trial === undefined ? 'create the canary' : 'create the trial pod', create]];
}

/** Green, its preview Service, and each Service there and back. */
function blueGreenTrials(client: KubernetesClient, plan: Plan, stable: RawDeployment): readonly Trial[] {
  const { blueGreen } = plan;
  if (blueGreen === undefined || blueGreen.recovers !== undefined) return [];
  const { namespace } = plan.target;
  const green = greenManifest(plan, blueGreen, stable, plan.stableReplicas, undefined);
  const preview = previewManifest(plan, blueGreen, undefined);
  return [
    ['create green', () => client.create(paths.deployments(namespace), green, { dryRun: true })],
    ['create the preview Service', () => client.create(paths.services(namespace), preview, { dryRun: true })],
    ...blueGreen.services.map(
      (name): Trial => [
        `flip the Service ${name}`,
        () => client.jsonPatch(paths.service(namespace, name), flipPatch(blueGreen, undefined), { dryRun: true }),
      ],
    ),
  ];
}

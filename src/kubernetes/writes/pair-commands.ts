import { Fault } from '../../errors.ts';
import type { PairCommand } from '../../rollout/command.ts';
import { rolloutLabel } from '../../rollout/names.ts';
import type { PairPlan } from '../../rollout/plan/pair-plan.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import type { JsonPatchOperation } from '../patches/patch.ts';
import {
  fenceClaimPatch,
  fencePatch,
  fenceReleasePatch,
  imagePatch,
  ownershipPatch,
  pairReplicasPatch,
  promotionPatch,
  replicasPatch,
  reversionPatch,
} from '../patches/patches.ts';
import { paths } from '../paths.ts';
import type { RawDeployment } from '../raw.ts';
import type { CommandContext } from './commands.ts';
import type { Trial } from './dry-run.ts';

/** Sends one command to one of the two Deployments that the user keeps. */
export async function writePairCommand(context: CommandContext, command: PairCommand, because: string): Promise<void> {
  const pair = pairOf(context.plan);
  switch (command.kind) {
    case 'ensure-pair-fence': {
      const deployment = rawOf(context, command.side);
      const found = deployment.metadata?.labels?.[rolloutLabel];
      return send(
        context,
        deployment,
        `label ${rolloutLabel}`,
        found ?? 'none',
        command.jobUid,
        because,
        fenceClaimPatch(deployment, command.jobUid),
      );
    }
    case 'ensure-pair-image': {
      const deployment = rawOf(context, 'new');
      const operations = promotionPatch(deployment, { images: pair.images }, command.jobUid);
      return send(context, deployment, 'images', listed(pair, 'from'), listed(pair, 'to'), because, operations);
    }
    case 'ensure-pair-image-back': {
      const deployment = rawOf(context, 'new');
      const operations = reversionPatch(deployment, { images: pair.images }, command.jobUid);
      return send(context, deployment, 'images', listed(pair, 'to'), listed(pair, 'from'), because, operations);
    }
    case 'ensure-pair-replicas': {
      const deployment = rawOf(context, command.side);
      const operations = pairReplicasPatch(deployment, command.replicas, command.jobUid);
      return send(context, deployment, 'replicas', String(deployment.spec?.replicas), String(command.replicas), because, operations);
    }
    case 'ensure-pair-fence-released': {
      const deployment = rawOf(context, 'new');
      const found = deployment.metadata?.labels?.[rolloutLabel];
      if (found === undefined) return;
      return send(context, deployment, `label ${rolloutLabel}`, found, 'none', because, fenceReleasePatch(found));
    }
    case 'ensure-pair-ownership-released': {
      const deployment = rawOf(context, 'new');
      const operations = ownershipPatch(deployment);
      if (operations === undefined) return;
      return send(context, deployment, 'our entry in managedFields', 'there', 'none', because, operations);
    }
  }
}

async function send(
  { client, plan, reporter }: CommandContext,
  deployment: RawDeployment,
  what: string,
  from: string,
  to: string,
  because: string,
  operations: readonly JsonPatchOperation[],
): Promise<void> {
  const name = deployment.metadata?.name ?? '';
  reporter.write({ object: `Deployment ${name}: ${what}`, from, to, because });
  await client.jsonPatch(paths.deployment(plan.target.namespace, name), operations, { timeoutMs: plan.spec.deadManMs / 4 });
}

/** Every write to a pair, the way back included, as dry runs. The fences do not stand yet, so none is tested. */
export async function pairTrials(client: KubernetesClient, plan: Plan, pair: PairPlan, old: RawDeployment): Promise<readonly Trial[]> {
  const { namespace, deployment } = plan.target;
  const fresh = await client.get<RawDeployment>(paths.deployment(namespace, pair.name));
  const attempt = (name: string, operations: readonly JsonPatchOperation[]) => () =>
    client.jsonPatch(paths.deployment(namespace, name), operations, { dryRun: true });
  const images = (to: 'from' | 'to'): readonly JsonPatchOperation[] => imagePatch(pair.images, (image) => image[to]);
  return [
    [`scale ${deployment}`, attempt(deployment, [...fencePatch(old, 'dry-run'), ...replicasPatch(old, 0)])],
    [
      `give ${pair.name} the new image`,
      attempt(pair.name, [...fencePatch(fresh, 'dry-run'), ...images('to'), ...replicasPatch(fresh, pair.total)]),
    ],
    [`put the old image of ${pair.name} back`, attempt(pair.name, [...fencePatch(fresh, 'dry-run'), ...images('from')])],
  ];
}

function listed(pair: PairPlan, side: 'from' | 'to'): string {
  return pair.images.map((image) => `${image.container} ${image[side]}`).join(', ');
}

function pairOf(plan: Plan): PairPlan {
  if (plan.pair === undefined) throw new Fault('not-found', 'this rollout has no pair', false);
  return plan.pair;
}

function rawOf({ seen, plan }: CommandContext, side: 'old' | 'new'): RawDeployment {
  const found = side === 'old' ? seen.stable : seen.pair;
  const name = side === 'old' ? plan.target.deployment : pairOf(plan).name;
  if (found === undefined) throw new Fault('not-found', `the Deployment ${name} is gone`, false);
  return found;
}

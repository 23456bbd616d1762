import { AssertionError, Fault } from '../../errors.ts';
import type { Command } from '../../rollout/command.ts';
import { configurationOf } from '../../rollout/configuration/field-change.ts';
import { rolloutLabel } from '../../rollout/names.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { ImageChange } from '../../rollout/spec.ts';
import type { Reporter } from '../../runner/ports.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import type { ConfigMapContent } from '../config-map-content.ts';
import type { RawConfigMapMetadata } from '../inspection/config-map-facts.ts';
import { canaryManifest } from '../manifests/canary.ts';
import type { JsonPatchOperation } from '../patches/patch.ts';
import { fenceClaimPatch, fenceReleasePatch, ownershipPatch, promotionPatch, replicasPatch, reversionPatch } from '../patches/patches.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawJob, RawReplicaSet } from '../raw.ts';
import { type BlueGreenSnapshot, writeBlueGreen } from './blue-green-commands.ts';
import { writeConfigMaps } from './config-map-commands.ts';
import { writePairCommand } from './pair-commands.ts';

/** The objects as the decision saw them: what every write tests. */
export type ClusterSnapshot = {
  readonly job: RawJob | undefined;
  readonly stable: RawDeployment | undefined;
  readonly canary: RawDeployment | undefined;
  /** Of the user's Deployment, and of the canary. */
  readonly replicaSets?: readonly RawReplicaSet[];
  /** Undefined where the plan releases none. */
  readonly configMaps?: readonly RawConfigMapMetadata[];
  /** Undefined for every other strategy. */
  readonly blueGreen?: BlueGreenSnapshot | undefined;
  readonly pair?: RawDeployment | undefined;
};

export type CommandContext = {
  readonly client: KubernetesClient;
  readonly plan: Plan;
  readonly seen: ClusterSnapshot;
  readonly reporter: Reporter;
  /** What this run has read in the repository. */
  readonly configMaps?: readonly ConfigMapContent[];
};

/** Sends one command as one request. What came of it is for the next observation to say. */
export async function writeCommand(context: CommandContext, command: Command, because: string): Promise<void> {
  switch (command.kind) {
    case 'ensure-fence':
      return fence(context, because);
    case 'ensure-canary':
      return canary(context, command.replicas, because);
    case 'ensure-promoted':
      return images(context, because, 'from', 'to', promotionPatch(stableOf(context), context.plan, jobUidOf(context)));
    case 'ensure-reverted':
      return images(context, because, 'to', 'from', reversionPatch(stableOf(context), context.plan, jobUidOf(context)));
    case 'ensure-pair-fence':
    case 'ensure-pair-image':
    case 'ensure-pair-image-back':
    case 'ensure-pair-replicas':
    case 'ensure-pair-fence-released':
    case 'ensure-pair-ownership-released':
      return writePairCommand(context, command, because);
    case 'ensure-job-deleted':
      return removeJob(context, because);
    case 'ensure-canary-deleted':
      return removeCanary(context, because);
    case 'ensure-fence-released':
      return releaseFence(context, because);
    case 'ensure-ownership-released':
      return releaseOwnership(context, because);
    case 'ensure-config-maps':
    case 'ensure-config-maps-kept':
    case 'ensure-config-maps-pruned':
      return writeConfigMaps(context, command.kind, because);
    case 'run-smoke-test':
      throw new AssertionError('the smoke test is not for the cluster');
    default:
      return writeBlueGreen(context, command, because);
  }
}

async function fence(context: CommandContext, because: string): Promise<void> {
  const stable = stableOf(context);
  const jobUid = jobUidOf(context);
  report(
    context,
    `Deployment ${stable.metadata?.name}: label ${rolloutLabel}`,
    stable.metadata?.labels?.[rolloutLabel] ?? 'none',
    jobUid,
    because,
  );
  await patchStable(context, fenceClaimPatch(stable, jobUid));
}

async function canary(context: CommandContext, replicas: number, because: string): Promise<void> {
  const { client, plan, seen } = context;
  const object = `Deployment ${plan.names.canary}: replicas`;
  if (seen.canary === undefined) {
    const fields = configurationOf(plan).length;
    const configured = fields === 0 ? [] : [`${fields} changed ${fields === 1 ? 'field' : 'fields'} of configuration`];
    report(context, object, 'none', `${replicas} (${[...plan.images.map((change) => change.to), ...configured].join(', ')})`, because);
    await client.create(paths.deployments(plan.target.namespace), canaryManifest(plan, stableOf(context), replicas, jobUidOf(context)));
    return;
  }
  report(context, object, String(seen.canary.spec?.replicas), String(replicas), because);
  await client.jsonPatch(paths.deployment(plan.target.namespace, plan.names.canary), replicasPatch(seen.canary, replicas));
}

async function images(
  context: CommandContext,
  because: string,
  from: 'from' | 'to',
  to: 'from' | 'to',
  operations: readonly JsonPatchOperation[],
): Promise<void> {
  const { plan } = context;
  for (const change of plan.images) report(context, imageObject(plan, change), change[from], change[to], because);
  for (const change of configurationOf(plan)) {
    report(context, `Deployment ${plan.target.deployment}: ${change.what}`, change[`${from}Text`], change[`${to}Text`], because);
  }
  await patchStable(context, operations);
}

function imageObject(plan: Plan, change: ImageChange): string {
  return `Deployment ${plan.target.deployment}: image of ${change.init === true ? 'init container' : 'container'} ${change.container}`;
}

async function removeJob(context: CommandContext, because: string): Promise<void> {
  const { client, plan } = context;
  report(
    context,
    `Job ${plan.names.job}`,
    'there',
    plan.steps.length === 0 || plan.pair !== undefined ? 'deleted' : 'deleted, and the canary with it',
    because,
  );
  await client.remove(paths.job(plan.target.namespace, plan.names.job), { uid: jobUidOf(context), propagation: 'Background' });
}

async function removeCanary(context: CommandContext, because: string): Promise<void> {
  const { client, plan, seen } = context;
  const uid = seen.canary?.metadata?.uid;
  if (uid === undefined) return;
  report(context, `Deployment ${plan.names.canary}`, 'there', 'deleted', because);
  await client.remove(paths.deployment(plan.target.namespace, plan.names.canary), { uid, propagation: 'Background' });
}

async function releaseFence(context: CommandContext, because: string): Promise<void> {
  const stable = stableOf(context);
  const found = stable.metadata?.labels?.[rolloutLabel];
  if (found === undefined) return;
  report(context, `Deployment ${stable.metadata?.name}: label ${rolloutLabel}`, found, 'none', because);
  await patchStable(context, fenceReleasePatch(found));
}

async function releaseOwnership(context: CommandContext, because: string): Promise<void> {
  const operations = ownershipPatch(stableOf(context));
  if (operations === undefined) return;
  report(context, `Deployment ${context.plan.target.deployment}: our entry in managedFields`, 'there', 'none', because);
  await patchStable(context, operations);
}

/** A promotion must be over well inside the time that the last heartbeat bought. */
async function patchStable({ client, plan }: CommandContext, operations: readonly JsonPatchOperation[]): Promise<void> {
  const path = paths.deployment(plan.target.namespace, plan.target.deployment);
  await client.jsonPatch(path, operations, { timeoutMs: plan.spec.deadManMs / 4 });
}

function report({ reporter }: CommandContext, object: string, from: string, to: string, because: string): void {
  reporter.write({ object, from, to, because });
}

function stableOf({ seen, plan }: CommandContext): RawDeployment {
  if (seen.stable === undefined) throw new Fault('not-found', `the Deployment ${plan.target.deployment} is gone`, false);
  return seen.stable;
}

function jobUidOf({ seen, plan }: CommandContext): string {
  // Where the Job is gone, green still says whose rollout it was: only the way back goes on then.
  const uid = seen.job?.metadata?.uid ?? seen.blueGreen?.green?.metadata?.labels?.[rolloutLabel];
  if (uid === undefined) throw new Fault('not-found', `the Job ${plan.names.job} is gone`, false);
  return uid;
}

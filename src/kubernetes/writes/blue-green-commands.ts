import { AssertionError, Fault } from '../../errors.ts';
import type { BlueGreenCommand } from '../../rollout/command.ts';
import { rolloutLabel } from '../../rollout/names.ts';
import type { BlueGreenPlan } from '../../rollout/plan/blue-green-plan.ts';
import { keepsGreen } from '../../rollout/plan/kept-green-plan.ts';
import { greenManifest, previewManifest } from '../manifests/green.ts';
import type { JsonPatchOperation } from '../patches/patch.ts';
import { replicasPatch } from '../patches/patches.ts';
import {
  flipBackPatch,
  flipPatch,
  keepPatch,
  serviceFencePatch,
  serviceFenceReleasePatch,
  serviceOwnershipPatch,
} from '../patches/service-patches.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawService } from '../raw.ts';
import type { CommandContext } from './commands.ts';

/** What blue-green sees beside the objects of every rollout; services by name. */
export type BlueGreenSnapshot = {
  readonly green: RawDeployment | undefined;
  readonly preview: RawService | undefined;
  readonly services: Readonly<Record<string, RawService | undefined>>;
};

/** Commands that create, own or delete green: never for a green that the user keeps. */
const ofOurGreen: ReadonlySet<BlueGreenCommand['kind']> = new Set(['ensure-green', 'ensure-green-kept', 'ensure-green-deleted'] as const);

/** Sends one command of blue-green as one request. */
export async function writeBlueGreen(context: CommandContext, command: BlueGreenCommand, because: string): Promise<void> {
  const colours = context.plan.blueGreen;
  const seen = context.seen.blueGreen;
  if (colours === undefined || seen === undefined) throw new AssertionError(`${command.kind} without a plan for it`);
  if (keepsGreen(context.plan) && ofOurGreen.has(command.kind)) throw new AssertionError(`${command.kind} for a Deployment of the user`);
  switch (command.kind) {
    case 'ensure-green':
      return green(context, colours, seen, command.replicas, because);
    case 'ensure-preview':
      return preview(context, colours, because);
    case 'ensure-preview-deleted':
      return removePreview(context, seen, because);
    case 'ensure-green-kept':
      return keep(context, seen, because);
    case 'ensure-green-deleted':
      return removeGreen(context, seen, because);
    case 'ensure-service-fenced': {
      const service = serviceOf(seen, command.service);
      const found = service.metadata?.annotations?.[rolloutLabel] ?? 'none';
      const jobUid = rolloutUidOf(context, seen);
      say(context, `Service ${command.service}: annotation ${rolloutLabel}`, found, jobUid, because);
      return patchService(context, command.service, serviceFencePatch(service, jobUid));
    }
    case 'ensure-flipped':
      say(context, `Service ${command.service}: selector ${colours.key}`, colours.blue, colours.green, because);
      return patchService(context, command.service, flipPatch(colours, rolloutUidOf(context, seen)));
    case 'ensure-flipped-back':
      return flipBack(context, colours, serviceOf(seen, command.service), because);
    case 'ensure-service-fence-released': {
      const service = serviceOf(seen, command.service);
      const found = service.metadata?.annotations?.[rolloutLabel];
      if (found === undefined) return undefined;
      say(context, `Service ${command.service}: annotation ${rolloutLabel}`, found, 'none', because);
      return patchService(context, command.service, serviceFenceReleasePatch(service, found));
    }
    case 'ensure-service-ownership-released': {
      const operations = serviceOwnershipPatch(serviceOf(seen, command.service));
      if (operations === undefined) return undefined;
      say(context, `Service ${command.service}: our entry in managedFields`, 'there', 'none', because);
      return patchService(context, command.service, operations);
    }
  }
}

async function green(
  context: CommandContext,
  colours: BlueGreenPlan,
  seen: BlueGreenSnapshot,
  replicas: number,
  because: string,
): Promise<void> {
  const { client, plan } = context;
  const object = `Deployment ${plan.names.green}: replicas`;
  if (seen.green !== undefined) {
    say(context, object, String(seen.green.spec?.replicas), String(replicas), because);
    await client.jsonPatch(paths.deployment(plan.target.namespace, plan.names.green), replicasPatch(seen.green, replicas));
    return;
  }
  const { stable } = context.seen;
  if (stable === undefined) throw new Fault('not-found', `the Deployment ${plan.target.deployment} is gone`, false);
  const image = plan.images.map((change) => change.to).join(', ');
  say(context, object, 'none', `${replicas} (${image})`, because);
  const manifest = greenManifest(plan, colours, stable, replicas, rolloutUidOf(context, seen));
  await client.create(paths.deployments(plan.target.namespace), manifest);
}

async function preview(context: CommandContext, colours: BlueGreenPlan, because: string): Promise<void> {
  const { client, plan, seen } = context;
  const jobUid = seen.job?.metadata?.uid;
  if (jobUid === undefined) throw new Fault('not-found', `the Job ${plan.names.job} is gone`, false);
  say(context, `Service ${plan.names.preview}`, 'none', `leads to ${colours.key}: ${colours.green}`, because);
  await client.create(paths.services(plan.target.namespace), previewManifest(plan, colours, jobUid));
}

async function removePreview({ client, plan, reporter }: CommandContext, seen: BlueGreenSnapshot, because: string): Promise<void> {
  const uid = seen.preview?.metadata?.uid;
  if (uid === undefined) return;
  reporter.write({ object: `Service ${plan.names.preview}`, from: 'there', to: 'deleted', because });
  await client.remove(paths.service(plan.target.namespace, plan.names.preview), { uid, propagation: 'Background' });
}

async function keep(context: CommandContext, seen: BlueGreenSnapshot, because: string): Promise<void> {
  const { client, plan } = context;
  const operations = seen.green === undefined ? undefined : keepPatch(seen.green);
  if (operations === undefined) return;
  say(context, `Deployment ${plan.names.green}: owner`, `Job ${plan.names.job}`, 'none', because);
  await client.jsonPatch(paths.deployment(plan.target.namespace, plan.names.green), operations);
}

async function removeGreen(context: CommandContext, seen: BlueGreenSnapshot, because: string): Promise<void> {
  const { client, plan } = context;
  const uid = seen.green?.metadata?.uid;
  if (uid === undefined) return;
  say(context, `Deployment ${plan.names.green}`, 'there', 'deleted', because);
  await client.remove(paths.deployment(plan.target.namespace, plan.names.green), { uid, propagation: 'Background' });
}

async function flipBack(context: CommandContext, colours: BlueGreenPlan, service: RawService, because: string): Promise<void> {
  const name = service.metadata?.name ?? '';
  const value = service.spec?.selector?.[colours.key];
  if (value === colours.green) say(context, `Service ${name}: selector ${colours.key}`, colours.green, colours.blue, because);
  else
    say(context, `Service ${name}: annotation ${rolloutLabel}`, service.metadata?.annotations?.[rolloutLabel] ?? 'none', 'none', because);
  await patchService(context, name, flipBackPatch(service, colours));
}

/** A flip must be over well inside the time that the last heartbeat bought. */
async function patchService({ client, plan }: CommandContext, name: string, operations: readonly JsonPatchOperation[]): Promise<void> {
  await client.jsonPatch(paths.service(plan.target.namespace, name), operations, { timeoutMs: plan.spec.deadManMs / 4 });
}

function serviceOf({ services }: BlueGreenSnapshot, name: string): RawService {
  const service = services[name];
  if (service === undefined) throw new Fault('not-found', `the Service ${name} is gone`, false);
  return service;
}

/** The Job's uid; where the Job is gone and there is only a way back, green still carries it. */
function rolloutUidOf({ seen, plan }: CommandContext, { green: mine }: BlueGreenSnapshot): string {
  const uid = seen.job?.metadata?.uid ?? mine?.metadata?.labels?.[rolloutLabel];
  if (uid === undefined) throw new Fault('not-found', `the Job ${plan.names.job} is gone`, false);
  return uid;
}

function say({ reporter }: CommandContext, object: string, from: string, to: string, because: string): void {
  reporter.write({ object, from, to, because });
}

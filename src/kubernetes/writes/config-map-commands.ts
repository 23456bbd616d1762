import { Fault } from '../../errors.ts';
import type { ConfigMapVersion, Plan } from '../../rollout/plan/plan.ts';
import { type ConfigMapContent, configMapManifest } from '../config-map-content.ts';
import { configMapFacts, type RawConfigMapMetadata } from '../inspection/config-map-facts.ts';
import { deploymentOwner, jobOwner } from '../manifests/owners.ts';
import type { JsonPatchOperation } from '../patches/patch.ts';
import { paths } from '../paths.ts';
import type { CommandContext } from './commands.ts';

type ConfigMapCommand = 'ensure-config-maps' | 'ensure-config-maps-kept' | 'ensure-config-maps-pruned';

type Owner = ReturnType<typeof jobOwner>;

/** One request for the first ConfigMap that is not yet as the command wants it. */
export async function writeConfigMaps(context: CommandContext, kind: ConfigMapCommand, because: string): Promise<void> {
  switch (kind) {
    case 'ensure-config-maps':
      return create(context, because);
    case 'ensure-config-maps-kept':
      return keep(context, because);
    case 'ensure-config-maps-pruned':
      return prune(context, because);
  }
}

async function create(context: CommandContext, because: string): Promise<void> {
  const { client, plan } = context;
  const jobUid = jobUidOf(context);
  for (const version of plan.configMaps ?? []) {
    const found = seenVersion(context, version.name);
    if (found === undefined) {
      const content = contentOf(context, version);
      report(context, version.name, 'none', `${describeContent(content)}, immutable, of Job ${plan.names.job}`, because);
      await client.create(paths.configMaps(plan.target.namespace), configMapManifest(content, version, plan, jobUid));
      return;
    }
    if (isOwned(found, jobUid) || isOwned(found, plan.target.uid) || found.metadata?.deletionTimestamp !== undefined) continue;
    return handOver(context, found, jobOwner(plan, jobUid), because);
  }
}

async function keep(context: CommandContext, because: string): Promise<void> {
  const { plan } = context;
  for (const { name } of plan.configMaps ?? []) {
    const found = seenVersion(context, name);
    if (found === undefined) throw new Fault('not-found', `the ConfigMap ${name} is gone`, false);
    if (!isOwned(found, plan.target.uid)) return handOver(context, found, deploymentOwner(plan), because);
  }
}

async function prune(context: CommandContext, because: string): Promise<void> {
  const { plan, seen } = context;
  const facts = configMapFacts(seen.configMaps ?? [], seen.stable, seen.replicaSets ?? []);
  for (const { name, referred, owners, terminating } of facts) {
    const isKept = owners.length === 0 || (owners.length === 1 && owners[0] === plan.target.uid);
    const found = seenVersion(context, name);
    if (referred || terminating || !isKept || found === undefined) continue;
    return handOver(context, found, jobOwner(plan, jobUidOf(context)), because);
  }
}

/** Exactly one owner at any time: a second one would keep it alive after the first. */
async function handOver(context: CommandContext, found: RawConfigMapMetadata, owner: Owner, because: string): Promise<void> {
  const { client, plan } = context;
  const name = found.metadata?.name ?? '';
  const before = found.metadata?.ownerReferences;
  report(
    context,
    `${name}: owner`,
    (before ?? []).map((one) => `${one.kind} ${one.name}`).join(', ') || 'none',
    `${owner.kind} ${owner.name}`,
    because,
  );
  await client.jsonPatch(paths.configMap(plan.target.namespace, name), ownerPatch(found, owner));
}

function ownerPatch({ metadata }: RawConfigMapMetadata, owner: Owner): readonly JsonPatchOperation[] {
  return [
    { op: 'test', path: '/metadata/uid', value: metadata?.uid },
    { op: 'test', path: '/metadata/ownerReferences', value: metadata?.ownerReferences ?? null },
    { op: 'add', path: '/metadata/ownerReferences', value: [owner] },
  ];
}

/** Keys and bytes, never a value. */
function describeContent({ data, binaryData }: ConfigMapContent): string {
  const keys = Object.keys(data).length + Object.keys(binaryData).length;
  const texts = Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const bytes = Object.values(binaryData).reduce((sum, text) => sum + Buffer.byteLength(text, 'base64'), texts);
  return `${keys === 1 ? '1 key' : `${keys} keys`}, ${bytes} bytes`;
}

function contentOf({ configMaps }: CommandContext, { source, name }: ConfigMapVersion): ConfigMapContent {
  const content = configMaps?.find((candidate) => candidate.source === source);
  // A second process continues no rollout that has not created them yet.
  if (content === undefined) throw new Fault('not-found', `this run has not read the file of ConfigMap ${name}`, false);
  return content;
}

function seenVersion({ seen }: CommandContext, name: string): RawConfigMapMetadata | undefined {
  return seen.configMaps?.find(({ metadata }) => metadata?.name === name);
}

function isOwned({ metadata }: RawConfigMapMetadata, uid: string): boolean {
  return metadata?.ownerReferences?.length === 1 && metadata.ownerReferences[0]?.uid === uid;
}

function jobUidOf({ seen, plan }: CommandContext): string {
  const uid = seen.job?.metadata?.uid;
  if (uid === undefined) throw new Fault('not-found', `the Job ${plan.names.job} is gone`, false);
  return uid;
}

function report({ reporter }: CommandContext, name: string, from: string, to: string, because: string): void {
  reporter.write({ object: `ConfigMap ${name}`, from, to, because });
}

/** Whether the plan has any, so that there is something to look at. */
export function releasesConfigMaps(plan: Plan): boolean {
  return (plan.configMaps ?? []).length > 0;
}

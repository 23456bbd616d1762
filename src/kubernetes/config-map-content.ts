import { createHash } from 'node:crypto';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { rolloutLabel, sourceAnnotation, targetLabel } from '../rollout/names.ts';
import type { ConfigMapVersion, Plan } from '../rollout/plan/plan.ts';
import { jobOwner } from './manifests/owners.ts';
import type { Raw } from './raw.ts';

export type RawConfigMap = Raw<V1ConfigMap>;

/** A ConfigMap as the repository has it. */
export type ConfigMapContent = {
  readonly source: string;
  readonly data: Readonly<Record<string, string>>;
  /** Base64. */
  readonly binaryData: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

const hashLength = 10;

/**
 * Its name as an immutable version: `<source>-<10 hexadecimal digits>`, from its content and the Deployment that is released (SHA-256):
 * two Deployments never share one, because each belongs to one owner.
 */
export function versionOf(content: Pick<ConfigMapContent, 'source' | 'data' | 'binaryData'>, deployment: string): ConfigMapVersion {
  const sorted = (map: Readonly<Record<string, string>>) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([deployment, sorted(content.data), sorted(content.binaryData)]);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, hashLength);
  return { source: content.source, name: `${content.source}-${hash}` };
}

/** Whether an object of that name holds what its name says, and is ours. */
export function isVersionOf(found: RawConfigMap, version: ConfigMapVersion, plan: Pick<Plan, 'target'>): boolean {
  if (found.metadata?.labels?.[targetLabel] !== plan.target.uid) return false;
  const { data = {}, binaryData = {} } = found;
  return versionOf({ source: version.source, data, binaryData }, plan.target.deployment).name === version.name;
}

/** The object to create. Without a Job uid (for a dry run) it has no owner. */
export function configMapManifest(
  content: ConfigMapContent,
  version: ConfigMapVersion,
  plan: Plan,
  jobUid: string | undefined,
): RawConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: version.name,
      namespace: plan.target.namespace,
      labels: {
        ...content.labels,
        'app.kubernetes.io/managed-by': 'gated-rollout',
        [targetLabel]: plan.target.uid,
        ...(jobUid === undefined ? {} : { [rolloutLabel]: jobUid }),
      },
      annotations: { ...content.annotations, [sourceAnnotation]: version.source },
      // Until the promotion it goes with the Job, as the canary does.
      ...(jobUid === undefined ? {} : { ownerReferences: [jobOwner(plan, jobUid)] }),
    },
    immutable: true,
    ...(Object.keys(content.data).length === 0 ? {} : { data: content.data }),
    ...(Object.keys(content.binaryData).length === 0 ? {} : { binaryData: content.binaryData }),
  };
}

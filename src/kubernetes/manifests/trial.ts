import { targetLabel, trackLabel } from '../../rollout/names.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { Trial } from '../../rollout/plan/trial.ts';
import type { RawDeployment, RawTemplate } from '../raw.ts';
import { releasedTemplate } from '../template-fields.ts';
import { canaryLabels, canaryMetadata } from './canary-metadata.ts';

/** A file that no image has: the node pulls the image, and starts nothing. */
const nothingToRun = ['/gated-rollout/this-pod-only-pulls-the-image'];

/** Labels by which the trial's objects are found: nothing of the user's has them. */
export function trialSelector(plan: Plan): { readonly matchLabels: { readonly [key: string]: string } } {
  return { matchLabels: { [targetLabel]: plan.target.uid, [trackLabel]: 'canary' } };
}

/** One pod with the new images that no Service selects. Without a Job uid (for a dry run) it has no owner. */
export function trialManifest(
  plan: Plan,
  trial: Trial,
  stable: RawDeployment,
  replicas: number,
  jobUid: string | undefined,
): RawDeployment {
  const ours = canaryLabels(plan, jobUid);
  const template = stable.spec?.template ?? {};
  const { minReadySeconds } = stable.spec ?? {};
  const runs = trial.mode === 'run';
  const released = releasedTemplate(plan, template);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: canaryMetadata(plan, jobUid),
    spec: {
      replicas,
      revisionHistoryLimit: 0,
      ...(minReadySeconds === undefined || !runs ? {} : { minReadySeconds }),
      strategy: { type: 'Recreate' },
      selector: trialSelector(plan),
      template: {
        metadata: { ...released.metadata, labels: { ...released.metadata?.labels, ...trial.labels, ...ours } },
        spec: runs && released.spec !== undefined ? released.spec : pullingSpec(plan, template),
      },
    },
  };
}

type RawPodSpec = NonNullable<RawTemplate['spec']>;

/** Only what a pull and the admission policies look at: no volumes, no ports, no probes, no other containers, no init containers. */
function pullingSpec(plan: Plan, template: RawTemplate): RawPodSpec {
  const images = imagesOf(plan);
  const { imagePullSecrets, securityContext, serviceAccountName, nodeSelector, tolerations, runtimeClassName } = template.spec ?? {};
  const containers = (template.spec?.containers ?? [])
    .filter(({ name }) => images.has(name))
    .map(({ name, imagePullPolicy, resources, securityContext: context }) => ({
      name,
      image: images.get(name) ?? '',
      command: nothingToRun,
      ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
      ...(resources === undefined ? {} : { resources }),
      ...(context === undefined ? {} : { securityContext: context }),
    }));
  return {
    containers,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    ...(imagePullSecrets === undefined ? {} : { imagePullSecrets }),
    ...(securityContext === undefined ? {} : { securityContext }),
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(tolerations === undefined ? {} : { tolerations }),
    ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
  };
}

function imagesOf(plan: Plan): ReadonlyMap<string, string> {
  return new Map(plan.images.map((change) => [change.container, change.to]));
}

import { greenSize } from '../../rollout/plan/kept-green-plan.ts';
import type { PairPlan } from '../../rollout/plan/pair-plan.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { previewManifest } from '../manifests/green.ts';
import type { JsonPatchOperation } from '../patches/patch.ts';
import { fencePatch, imagePatch, replicasPatch } from '../patches/patches.ts';
import { flipBackPatch, flipPatch } from '../patches/service-patches.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawService } from '../raw.ts';
import type { Trial } from './dry-run.ts';

/** Every write of a flip between two Deployments that the user keeps, the way back included, as dry runs. No fence stands yet, so none is tested. */
export async function keptGreenTrials(
  client: KubernetesClient,
  plan: Plan,
  pair: PairPlan,
  blue: RawDeployment,
): Promise<readonly Trial[]> {
  const { blueGreen } = plan;
  const { namespace, deployment } = plan.target;
  const green = await client.get<RawDeployment>(paths.deployment(namespace, pair.name));
  const attempt = (path: string, operations: readonly JsonPatchOperation[]) => () => client.jsonPatch(path, operations, { dryRun: true });
  const ofGreen = paths.deployment(namespace, pair.name);
  const images = (to: 'from' | 'to'): readonly JsonPatchOperation[] => imagePatch(pair.images, (image) => image[to]);
  const preview = blueGreen === undefined ? undefined : previewManifest(plan, blueGreen, undefined);
  return [
    [
      `give ${pair.name} the new image`,
      attempt(ofGreen, [...fencePatch(green, 'dry-run'), ...images('to'), ...replicasPatch(green, greenSize(pair))]),
    ],
    [`put the old image of ${pair.name} back`, attempt(ofGreen, [...fencePatch(green, 'dry-run'), ...images('from')])],
    [
      `scale ${deployment}`,
      attempt(paths.deployment(namespace, deployment), [...fencePatch(blue, 'dry-run'), ...replicasPatch(blue, pair.found.new)]),
    ],
    ...(preview === undefined
      ? []
      : [['create the preview Service', () => client.create(paths.services(namespace), preview, { dryRun: true })] as const]),
    ...(blueGreen?.services ?? []).map((name): Trial => {
      const path = paths.service(namespace, name);
      const back: RawService = { spec: { selector: { [blueGreen?.key ?? '']: blueGreen?.green ?? '' } } };
      const operations = blueGreen === undefined ? [] : [...flipPatch(blueGreen, undefined), ...flipBackPatch(back, blueGreen).slice(1)];
      return [`flip the Service ${name}`, attempt(path, operations)];
    }),
  ];
}

import type { Colours } from '../../rollout/plan/blue-green-plan.ts';
import { chooseKeptColours } from '../../rollout/plan/kept-green-plan.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawPod, RawService } from '../raw.ts';
import { leadsTo, readStrangers, shapeOf } from './colours.ts';
import { readOwnPods } from './own-pods.ts';

/** Which Services can be flipped between two Deployments that the user keeps, and by which label. Undefined: there is no second one. */
export async function readKeptColours(
  client: KubernetesClient,
  namespace: string,
  stable: RawDeployment,
  secondName: string,
  services: readonly RawService[],
  own: readonly RawPod[],
): Promise<Colours | undefined> {
  const second = await client.find<RawDeployment>(paths.deployment(namespace, secondName));
  if (second === undefined) return undefined;
  const [blue, green] = [labelsOf(stable), labelsOf(second)];
  const leading = services.filter((service) => leadsTo(service, blue));
  const facts = {
    deployment: stable.metadata?.name ?? '',
    second: secondName,
    blue,
    green,
    common: leading.filter((service) => leadsTo(service, green)).map(shapeOf),
    leading: leading.map(shapeOf),
    leadingToSecond: services.filter((service) => leadsTo(service, green)).map(shapeOf),
  };
  const found = chooseKeptColours({ ...facts, strangers: [] });
  if (found.kind === 'refused') return found;
  const { key, green: value } = found.plan;
  const pods = [...own, ...(await readOwnPods(client, namespace, second))];
  const flipped = leading.map(
    (service): RawService => ({ ...service, spec: { ...service.spec, selector: { ...service.spec?.selector, [key]: value } } }),
  );
  return chooseKeptColours({ ...facts, strangers: await readStrangers(client, namespace, [...leading, ...flipped], pods) });
}

function labelsOf(deployment: RawDeployment): Readonly<Record<string, string>> {
  return deployment.spec?.template.metadata?.labels ?? {};
}

import { isFault } from '../../errors.ts';
import { fieldManager, type Names, namesFor, rolloutLabel, targetLabel, trackLabel } from '../../rollout/names.ts';
import { greenValue } from '../../rollout/plan/blue-green-plan.ts';
import type { FoundBlueGreen, FoundSecond } from '../../rollout/situation/situation.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { matchesSelector } from '../label-selector.ts';
import { jobFacts } from '../manifests/job.ts';
import { serviceFacts } from '../patches/service-patches.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawJob, RawService } from '../raw.ts';
import { workloadFacts } from './workload-facts.ts';

type Colours = FoundBlueGreen['colours'];
type Labels = Readonly<Record<string, string>>;

/** What a permission that only some strategies need does not let us see is not there: undefined. */
export async function findAllowed<T>(client: KubernetesClient, path: string): Promise<T | undefined> {
  return client.find<T>(path).catch((error: unknown) => {
    if (isFault(error, 'forbidden')) return undefined;
    throw error;
  });
}

/** Green, its preview Service, and those Services of the user on which something of ours is. Undefined: nothing of that. */
export function foundColours(
  stable: RawDeployment,
  green: RawDeployment | undefined,
  services: readonly RawService[],
  names: Names,
  second?: SeenSecond,
): FoundBlueGreen | undefined {
  const uid = stable.metadata?.uid;
  const labels = stable.spec?.template.metadata?.labels ?? {};
  const isOurs = (object: RawDeployment | RawService): boolean => uid !== undefined && object.metadata?.labels?.[targetLabel] === uid;
  const preview = services.find(({ metadata }) => metadata?.name === names.preview);
  // The preview of another rollout leads to a Deployment of the user, where that one flips between two that are kept.
  const others = services.filter(({ metadata }) => metadata?.name !== names.preview && metadata?.labels?.[rolloutLabel] === undefined);
  const ours = green !== undefined && isOurs(green) ? green : undefined;
  // Between two Deployments that the user keeps a Service may lead to either: nothing is to be led back, only marks are left.
  const isKept = ours === undefined && (second !== undefined || green !== undefined);
  const colours = isKept ? noColours : coloursOf(labels, ours, others);
  const touched = others
    .filter((service) => leadsHere(service, labels, colours) || (second !== undefined && leadsHere(service, second.labels, noColours)))
    .filter((service) => bearsOurs(service, colours) && !isHeldBy(service, second))
    .map((service) => serviceFacts(service.metadata?.name ?? '', service, { ...plain, ...colours }));
  if (green === undefined && preview === undefined && touched.length === 0) return undefined;
  return {
    colours,
    green:
      green === undefined
        ? undefined
        : {
            rollout: green.metadata?.labels?.[rolloutLabel],
            ours: isOurs(green),
            terminating: green.metadata?.deletionTimestamp !== undefined,
            desiredReplicas: workloadFacts(green, []).desiredReplicas,
            availableReplicas: workloadFacts(green, []).availableReplicas,
          },
    preview: preview === undefined ? undefined : { rollout: preview.metadata?.labels?.[rolloutLabel], ours: isOurs(preview) },
    services: touched,
  };
}

const plain = { isInSelector: false, services: [], preview: { selector: {}, ports: [] } };
const noColours: Colours = { key: '', blue: '', green: '' };

/** The label that tells the colours apart: where green's pods differ; without green, where a Service that is ours asks for such a value. */
function coloursOf(labels: Labels, green: RawDeployment | undefined, services: readonly RawService[]): Colours {
  const others = green?.spec?.template.metadata?.labels ?? {};
  const differing = Object.keys(others).find((key) => key !== trackLabel && labels[key] !== undefined && labels[key] !== others[key]);
  if (differing !== undefined) return { key: differing, blue: labels[differing] ?? '', green: others[differing] ?? '' };
  const candidates = Object.entries(labels).map(([key, blue]): Colours => ({ key, blue, green: greenValue(blue) }));
  const fenced = services.filter(({ metadata }) => metadata?.annotations?.[rolloutLabel] !== undefined);
  const isFlipped =
    (colours: Colours) =>
    (service: RawService): boolean =>
      service.spec?.selector?.[colours.key] === colours.green && leadsHere(service, labels, colours);
  return candidates.find((colours) => fenced.some(isFlipped(colours))) ?? noColours;
}

/** Whether the Service would lead to the Deployment's pods if it were not flipped. */
function leadsHere({ spec }: RawService, labels: Labels, { key, blue, green }: Colours): boolean {
  const selector = spec?.selector ?? {};
  if (Object.keys(selector).length === 0) return false;
  return matchesSelector({ matchLabels: selector[key] === green ? { ...selector, [key]: blue } : selector }, labels);
}

function bearsOurs({ metadata, spec }: RawService, { key, green }: Colours): boolean {
  const isOwned = (metadata?.managedFields ?? []).some((entry) => entry.manager === fieldManager);
  return metadata?.annotations?.[rolloutLabel] !== undefined || isOwned || (key !== '' && spec?.selector?.[key] === green);
}

/** Whether a rollout that lives, with the second Deployment as its first one, has fenced it. */
function isHeldBy({ metadata }: RawService, second: SeenSecond | undefined): boolean {
  return second?.ownJob !== undefined && (second.ownJob === 'unknown' || second.ownJob === metadata?.annotations?.[rolloutLabel]);
}

/** The second Deployment of a pair, the labels of its pods, and the uid of the Job of its own name; `unknown` where nobody may look. */
type SeenSecond = { readonly found: FoundSecond; readonly labels: Labels; readonly ownJob: string | undefined };

/** The second Deployment of a pair. A label of a rollout that lives, with this Deployment as its first one, is not left over. */
export async function findSecond(client: KubernetesClient, namespace: string, name: string | undefined): Promise<SeenSecond | undefined> {
  if (name === undefined) return undefined;
  const second = await findAllowed<RawDeployment>(client, paths.deployment(namespace, name));
  if (second?.metadata === undefined || second.metadata.deletionTimestamp !== undefined) return undefined;
  const own = await readJobUid(client, paths.job(namespace, namesFor(name).job));
  const { uid, labels, managedFields } = second.metadata;
  // Nobody may take a label away who cannot know whose it is.
  const isHeld = own === 'unknown' || (own !== undefined && own === labels?.[rolloutLabel]);
  const found = {
    name,
    uid: uid ?? '',
    rollout: isHeld ? undefined : labels?.[rolloutLabel],
    owned: !isHeld && (managedFields ?? []).some((entry) => entry.manager === fieldManager),
    desiredReplicas: second.spec?.replicas ?? 1,
  };
  return { found, labels: second.spec?.template.metadata?.labels ?? {}, ownJob: own };
}

async function readJobUid(client: KubernetesClient, path: string): Promise<string | undefined> {
  try {
    const job = await client.find<RawJob>(path);
    return job === undefined ? undefined : jobFacts(job).uid;
  } catch (error) {
    if (isFault(error, 'forbidden')) return 'unknown';
    throw error;
  }
}

import type { V1NetworkPolicy, V1PodDisruptionBudget, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { isFault } from '../../errors.ts';
import { type Colours, chooseColours, type ServiceShape } from '../../rollout/plan/blue-green-plan.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { matchesSelector, selectorQuery } from '../label-selector.ts';
import { paths } from '../paths.ts';
import type { Raw, RawDeployment, RawList, RawPod, RawService } from '../raw.ts';

type RawBudget = Raw<V1PodDisruptionBudget>;
type RawPolicy = Raw<V1NetworkPolicy>;
type RawAutoscaler = Raw<V2HorizontalPodAutoscaler>;
type Selecting = { readonly what: string; readonly keys: readonly string[] };

/** Which Services can be flipped and by which label, with all that speaks against it. Lists that are forbidden are left out, and said. */
export async function readColours(
  client: KubernetesClient,
  namespace: string,
  stable: RawDeployment,
  services: readonly RawService[],
  own: readonly RawPod[],
): Promise<Colours> {
  const labels = stable.spec?.template.metadata?.labels ?? {};
  const leading = services.filter((service) => leadsTo(service, labels));
  const list = async <T>(path: string): Promise<readonly T[] | undefined> =>
    client.get<RawList<T>>(path).then(
      (found) => found.items,
      (error: unknown) => {
        if (isFault(error, 'forbidden', 'not-found')) return undefined;
        throw error;
      },
    );
  const [budgets, policies, autoscalers, strangers] = await Promise.all([
    list<RawBudget>(paths.podDisruptionBudgets(namespace)),
    list<RawPolicy>(paths.networkPolicies(namespace)),
    list<RawAutoscaler>(paths.horizontalPodAutoscalers(namespace)),
    readStrangers(client, namespace, leading, own),
  ]);
  const name = stable.metadata?.name ?? '';
  const colours = chooseColours({
    deployment: name,
    labels,
    matchLabels: stable.spec?.selector.matchLabels ?? {},
    expressionKeys: (stable.spec?.selector.matchExpressions ?? []).map(({ key }) => key),
    services: leading.map(shapeOf),
    bystander: whyBystander(services.find((service) => service.metadata?.name === name)),
    strangers,
    selectors: [...selectingOf('PodDisruptionBudget', budgets ?? [], labels), ...policiesOf(policies ?? [], labels)],
  });
  if (colours.kind === 'refused') return colours;
  const unknown = Object.entries({ poddisruptionbudgets: budgets, networkpolicies: policies, horizontalpodautoscalers: autoscalers })
    .filter(([, found]) => found === undefined)
    .map(([kind]) => kind);
  const scaling = (autoscalers ?? []).find(({ spec }) => spec?.scaleTargetRef.kind === 'Deployment' && spec.scaleTargetRef.name === name);
  return {
    ...colours,
    warnings: [
      ...colours.warnings,
      ...warnOfBudgets(budgets ?? [], labels, { ...labels, [colours.plan.key]: colours.plan.green }),
      ...warnOfAutoscaler(name, scaling?.metadata?.name),
      ...(unknown.length === 0
        ? []
        : [`these lists are forbidden, so nobody knows what else selects by ${colours.plan.key}: ${unknown.join(', ')}`]),
    ],
  };
}

/** An ExternalName Service has no endpoints, whatever its selector says. */
export function leadsTo({ spec }: RawService, labels: Readonly<Record<string, string>>): boolean {
  const selector = spec?.selector;
  if (selector === undefined || Object.keys(selector).length === 0 || spec?.type === 'ExternalName') return false;
  return matchesSelector({ matchLabels: selector }, labels);
}

function whyBystander(service: RawService | undefined): string | undefined {
  if (service === undefined) return undefined;
  const name = service.metadata?.name ?? '';
  if (service.spec?.type === 'ExternalName') return `Service ${name} is of type ExternalName`;
  if (Object.keys(service.spec?.selector ?? {}).length === 0) return `Service ${name} has no selector`;
  return `the selector of Service ${name} does not match the pod template`;
}

export function shapeOf({ metadata, spec }: RawService): ServiceShape {
  return {
    name: metadata?.name ?? '',
    selector: spec?.selector ?? {},
    // A node port, or an address, belongs to the user's Service.
    ports: (spec?.ports ?? []).map(({ name, port, targetPort, protocol, appProtocol }) => ({
      port,
      ...(name === undefined ? {} : { name }),
      ...(targetPort === undefined ? {} : { targetPort }),
      ...(protocol === undefined ? {} : { protocol }),
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })),
  };
}

/** Pods behind the same Services that belong to nobody of ours. */
export async function readStrangers(
  client: KubernetesClient,
  namespace: string,
  services: readonly RawService[],
  own: readonly RawPod[],
): Promise<readonly { readonly service: string; readonly pod: string }[]> {
  const mine = new Set(own.map((pod) => pod.metadata?.uid));
  const lists = await Promise.all(
    services.map(async ({ metadata, spec }) => {
      const selector = { matchLabels: spec?.selector ?? {} };
      const found = await client.get<RawList<RawPod>>(paths.pods(namespace), { query: { labelSelector: selectorQuery(selector) } });
      return found.items
        .filter((pod) => matchesSelector(selector, pod.metadata?.labels ?? {}))
        .filter((pod) => !mine.has(pod.metadata?.uid) && pod.metadata?.deletionTimestamp === undefined && pod.status?.phase !== 'Failed')
        .filter((pod) => pod.status?.phase !== 'Succeeded')
        .map((pod) => ({ service: metadata?.name ?? '', pod: pod.metadata?.name ?? '' }));
    }),
  );
  return lists.flat();
}

function selectingOf(kind: string, budgets: readonly RawBudget[], labels: Readonly<Record<string, string>>): readonly Selecting[] {
  return budgets
    .filter(({ spec }) => spec?.selector !== undefined && matchesSelector(spec.selector, labels))
    .map(({ metadata, spec }) => ({ what: `${kind} ${metadata?.name}`, keys: keysOf(spec?.selector) }));
}

/** A policy protects the pods that it selects, and lets in those that it names. */
function policiesOf(policies: readonly RawPolicy[], labels: Readonly<Record<string, string>>): readonly Selecting[] {
  return policies.map(({ metadata, spec }) => {
    const peers = [
      ...(spec?.ingress ?? []).flatMap((rule) => rule._from ?? from(rule)),
      ...(spec?.egress ?? []).flatMap(({ to = [] }) => to),
    ];
    const selectors = [spec?.podSelector, ...peers.map(({ podSelector }) => podSelector)];
    const keys = selectors.flatMap((selector) => (selector !== undefined && matchesSelector(selector, labels) ? keysOf(selector) : []));
    return { what: `NetworkPolicy ${metadata?.name}`, keys };
  });
}

/** The library calls the field `_from`; the wire says `from`. */
function from(rule: object): NonNullable<Raw<NonNullable<NonNullable<V1NetworkPolicy['spec']>['ingress']>[number]>['_from']> {
  return (rule as { from?: ReturnType<typeof from> }).from ?? [];
}

function keysOf(selector: NonNullable<RawBudget['spec']>['selector']): readonly string[] {
  return [...Object.keys(selector?.matchLabels ?? {}), ...(selector?.matchExpressions ?? []).map(({ key }) => key)];
}

function warnOfBudgets(
  budgets: readonly RawBudget[],
  blue: Readonly<Record<string, string>>,
  green: Readonly<Record<string, string>>,
): readonly string[] {
  return budgets
    .filter(({ spec }) => spec?.selector !== undefined && matchesSelector(spec.selector, blue) && matchesSelector(spec.selector, green))
    .map(
      ({ metadata }) =>
        `PodDisruptionBudget ${metadata?.name} counts both colours together: while both are there, it allows more evictions of the one that serves`,
    );
}

function warnOfAutoscaler(deployment: string, autoscaler: string | undefined): readonly string[] {
  if (autoscaler === undefined) return [];
  return [
    `HorizontalPodAutoscaler ${autoscaler} scales ${deployment}, not green: green keeps the size of the flip, and ${deployment}, without traffic, may shrink; the Services go back once all the replicas that it then has are available`,
  ];
}

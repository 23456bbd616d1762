import { recordAnnotation, rolloutLabel, targetLabel, trackLabel } from '../../rollout/names.ts';
import type { BlueGreenPlan } from '../../rollout/plan/blue-green-plan.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { RawDeployment, RawService, RawTemplate } from '../raw.ts';
import { canaryManifest } from './canary.ts';
import { jobOwner } from './owners.ts';

type Labels = Readonly<Record<string, string>>;
type Affinity = NonNullable<NonNullable<RawTemplate['spec']>['affinity']>;
type PodTerm = NonNullable<NonNullable<Affinity['podAntiAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']>[number];

/** Green: the canary's copy of the stable template, with the one label value by which the Services tell the colours apart. */
export function greenManifest(
  plan: Plan,
  colours: BlueGreenPlan,
  stable: RawDeployment,
  replicas: number,
  jobUid: string | undefined,
): RawDeployment {
  const copy = canaryManifest(plan, stable, replicas, jobUid);
  const coloured = (labels: Labels | undefined): Record<string, string> => ({
    ...labels,
    [trackLabel]: 'green',
    [colours.key]: colours.green,
  });
  const { matchLabels, ...selector } = stable.spec?.selector ?? {};
  const template = copy.spec?.template ?? {};
  return {
    ...copy,
    metadata: {
      ...copy.metadata,
      name: plan.names.green,
      labels: { ...copy.metadata?.labels, [trackLabel]: 'green' },
      annotations: { [recordAnnotation]: JSON.stringify(plan) },
    },
    spec: {
      ...copy.spec,
      replicas,
      selector: {
        ...selector,
        matchLabels: { ...matchLabels, ...(colours.isInSelector ? { [colours.key]: colours.green } : { [trackLabel]: 'green' }) },
      },
      template: {
        ...template,
        metadata: { ...template.metadata, labels: coloured(template.metadata?.labels) },
        ...(template.spec === undefined ? {} : { spec: amongThemselves(template.spec, colours) }),
      },
    },
  };
}

/** Where the pods spread over nodes, or keep away from one another, green's pods do it among themselves. */
function amongThemselves(spec: NonNullable<RawTemplate['spec']>, { key, blue, green }: BlueGreenPlan): NonNullable<RawTemplate['spec']> {
  const recoloured = <T extends { labelSelector?: { matchLabels?: Record<string, string> } }>(term: T): T => {
    const labels = term.labelSelector?.matchLabels;
    if (labels?.[key] !== blue) return term;
    return { ...term, labelSelector: { ...term.labelSelector, matchLabels: { ...labels, [key]: green } } };
  };
  const terms = (affinity: Affinity['podAntiAffinity']): Affinity['podAntiAffinity'] => ({
    ...affinity,
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution === undefined
      ? {}
      : {
          requiredDuringSchedulingIgnoredDuringExecution: affinity.requiredDuringSchedulingIgnoredDuringExecution.map(recoloured<PodTerm>),
        }),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution === undefined
      ? {}
      : {
          preferredDuringSchedulingIgnoredDuringExecution: affinity.preferredDuringSchedulingIgnoredDuringExecution.map((weighted) => ({
            ...weighted,
            podAffinityTerm: recoloured<PodTerm>(weighted.podAffinityTerm),
          })),
        }),
  });
  const { affinity, topologySpreadConstraints } = spec;
  return {
    ...spec,
    ...(topologySpreadConstraints === undefined
      ? {}
      : { topologySpreadConstraints: topologySpreadConstraints.map((one) => recoloured(one)) }),
    ...(affinity === undefined
      ? {}
      : {
          affinity: {
            ...affinity,
            ...(affinity.podAffinity === undefined ? {} : { podAffinity: terms(affinity.podAffinity) ?? {} }),
            ...(affinity.podAntiAffinity === undefined ? {} : { podAntiAffinity: terms(affinity.podAntiAffinity) ?? {} }),
          },
        }),
  };
}

/** The Service that leads to green alone, whatever the user's Services do. */
export function previewManifest(plan: Plan, colours: BlueGreenPlan, jobUid: string | undefined): RawService {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: plan.names.preview,
      namespace: plan.target.namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'gated-rollout',
        [targetLabel]: plan.target.uid,
        ...(jobUid === undefined ? {} : { [rolloutLabel]: jobUid }),
      },
      ...(jobUid === undefined ? {} : { ownerReferences: [jobOwner(plan, jobUid)] }),
    },
    spec: {
      type: 'ClusterIP',
      selector: { ...colours.preview.selector },
      ports: colours.preview.ports.map((port) => ({ ...port })),
    },
  };
}

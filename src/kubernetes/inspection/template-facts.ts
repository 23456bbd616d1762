import type { ConfigMapReference, ContainerVariables, TemplateFacts, VariableFacts } from '../../rollout/plan/template-facts.ts';
import type { RawTemplate } from '../raw.ts';

type RawContainer = NonNullable<RawTemplate['spec']>['containers'][number];
type RawVolume = NonNullable<NonNullable<RawTemplate['spec']>['volumes']>[number];

/** Every variable and every reference to a ConfigMap in a pod template, with its place. */
export function templateFacts(template: RawTemplate): TemplateFacts {
  const { containers = [], initContainers = [], volumes = [] } = template.spec ?? {};
  const placed = [
    ...containers.map((container, index) => ({ container, pointer: `/spec/containers/${index}`, init: false })),
    ...initContainers.map((container, index) => ({ container, pointer: `/spec/initContainers/${index}`, init: true })),
  ];
  return {
    containers: placed.map(
      ({ container, pointer, init }): ContainerVariables => ({
        name: container.name,
        pointer,
        ...(init ? { init: true } : {}),
        variables: container.env?.map(variableFacts),
      }),
    ),
    references: [
      ...placed.flatMap(({ container, pointer }) => referencesOf(container, pointer)),
      ...volumes.flatMap((volume, index) => volumeReferences(volume, `/spec/volumes/${index}`)),
    ],
  };
}

function variableFacts({ name, value, valueFrom }: NonNullable<RawContainer['env']>[number]): VariableFacts {
  const { configMapKeyRef, secretKeyRef, fieldRef } = valueFrom ?? {};
  const source =
    valueFrom === undefined
      ? undefined
      : configMapKeyRef !== undefined
        ? `the ConfigMap ${configMapKeyRef.name}`
        : secretKeyRef !== undefined
          ? `the Secret ${secretKeyRef.name}`
          : fieldRef !== undefined
            ? `the pod's field ${fieldRef.fieldPath}`
            : 'the pod itself';
  return { name, value, source };
}

function referencesOf(container: RawContainer, place: string): readonly ConfigMapReference[] {
  const named = { pointer: `${place}/name`, value: container.name };
  const found: ConfigMapReference[] = [];
  for (const [index, { configMapRef }] of (container.envFrom ?? []).entries()) {
    if (configMapRef?.name === undefined) continue;
    const pointer = `${place}/envFrom/${index}/configMapRef/name`;
    found.push({ where: `envFrom of container ${container.name}`, pointer, guard: named, name: configMapRef.name });
  }
  for (const [index, { name, valueFrom }] of (container.env ?? []).entries()) {
    const reference = valueFrom?.configMapKeyRef?.name;
    if (reference === undefined) continue;
    const pointer = `${place}/env/${index}/valueFrom/configMapKeyRef/name`;
    const guard = { pointer: `${place}/env/${index}/name`, value: name };
    found.push({ where: `variable ${name} of container ${container.name}`, pointer, guard, name: reference });
  }
  return found;
}

function volumeReferences(volume: RawVolume, place: string): readonly ConfigMapReference[] {
  const guard = { pointer: `${place}/name`, value: volume.name };
  const where = `volume ${volume.name}`;
  const own = volume.configMap?.name;
  const projected = (volume.projected?.sources ?? []).flatMap(({ configMap }, index): readonly ConfigMapReference[] =>
    configMap?.name === undefined
      ? []
      : [{ where, pointer: `${place}/projected/sources/${index}/configMap/name`, guard, name: configMap.name }],
  );
  return [...(own === undefined ? [] : [{ where, pointer: `${place}/configMap/name`, guard, name: own }]), ...projected];
}

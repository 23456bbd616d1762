import { isObject } from './json-patch.ts';
import type { Container, EnvVar, PodSpec } from './objects.ts';
import type { Store } from './store.ts';

/** The variables of a container as its process sees them: ConfigMaps looked up, `envFrom` first, and the last of one name counts. */
export function environmentOf(store: Store, namespace: string, container: Container): readonly EnvVar[] {
  const variables = new Map<string, string>();
  for (const { configMapRef, prefix = '' } of container.envFrom ?? []) {
    for (const [key, value] of Object.entries(dataOf(store, namespace, configMapRef?.name ?? ''))) variables.set(`${prefix}${key}`, value);
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const reference = valueFrom?.configMapKeyRef;
    const found = reference === undefined ? (value ?? '') : dataOf(store, namespace, reference.name)[reference.key];
    if (found !== undefined) variables.set(name, found);
  }
  return [...variables].map(([name, value]) => ({ name, value }));
}

/** The first ConfigMap that a container's variables need and that is not there. */
export function missingForVariables(store: Store, namespace: string, container: Container): string | undefined {
  const references = [
    ...(container.envFrom ?? []).flatMap(({ configMapRef }) => configMapRef ?? []),
    ...(container.env ?? []).flatMap(({ valueFrom }) => valueFrom?.configMapKeyRef ?? []),
  ];
  return references.find(({ name, optional }) => optional !== true && store.get('configmaps', namespace, name) === undefined)?.name;
}

/** The first ConfigMap that a volume of the pod needs and that is not there: until it is, no container starts. */
export function missingForVolumes(store: Store, namespace: string, spec: PodSpec): string | undefined {
  const references = (spec.volumes ?? []).flatMap(({ configMap, projected }) => [
    ...(configMap === undefined ? [] : [configMap]),
    ...(projected?.sources ?? []).flatMap((source) => source.configMap ?? []),
  ]);
  return references.find(({ name, optional }) => optional !== true && store.get('configmaps', namespace, name) === undefined)?.name;
}

function dataOf(store: Store, namespace: string, name: string): Readonly<Record<string, string>> {
  const data = (store.get('configmaps', namespace, name) as { readonly data?: unknown } | undefined)?.data;
  return isObject(data) ? (data as Readonly<Record<string, string>>) : {};
}

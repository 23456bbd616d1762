import { listOf, type PodTemplate, recordOf } from '../history/revisions.ts';
import type { ConfigMapVersion } from '../plan/plan.ts';
import type { FieldChange, FieldGuard, JsonValue } from './field-change.ts';
import { restoredVariables, type Variable, variableChanges } from './restore-variables.ts';

export type RestoredConfiguration = {
  readonly fields: readonly FieldChange[];
  /** Versions of ConfigMaps that the template refers to again: they must still be there. */
  readonly configMaps: readonly ConfigMapVersion[];
  /** The template of the moment with these fields: what still differs from the earlier one is not restored. */
  readonly template: PodTemplate;
};

type Named = Readonly<Record<string, unknown>>;
type Part = { readonly item: Named; readonly fields: readonly FieldChange[]; readonly configMaps: readonly ConfigMapVersion[] };
type Place = { readonly where: string; readonly pointer: string; readonly guard: FieldGuard };

const lists = ['containers', 'initContainers'] as const;

/**
 * What a release changes beside images, led back to an earlier template: literal variables, and references from one version of a ConfigMap
 * (`<source>-<hash>`) to another one of the same source, or to the source itself. Of these containers, and of the volumes that they mount; none: of all.
 */
export function restoreConfiguration(then: PodTemplate, now: PodTemplate, containers: readonly string[]): RestoredConfiguration {
  const spec = recordOf(now['spec']);
  const before = recordOf(then['spec']);
  const isReleased = ({ name }: Named): boolean => containers.length === 0 || containers.includes(String(name));
  const mounted = lists.flatMap((list) => listOf(spec[list]).filter(isReleased).flatMap(volumesOf));
  const parts = (list: string, chosen: (item: Named) => boolean, restore: typeof restoreContainer): readonly Part[] =>
    listOf(spec[list]).map((item, index) => {
      const old = listOf(before[list]).find(({ name }) => name === item['name']);
      const unchanged: Part = { item, fields: [], configMaps: [] };
      return old === undefined || typeof item['name'] !== 'string' || !chosen(item)
        ? unchanged
        : restore(`/spec/${list}/${index}`, item['name'], old, item);
    });
  const restored = [
    ...lists.map((list) => [list, parts(list, isReleased, restoreContainer)] as const),
    ['volumes', parts('volumes', ({ name }) => containers.length === 0 || mounted.includes(String(name)), restoreVolume)] as const,
  ];
  const all = restored.flatMap(([, found]) => found);
  if (all.every(({ fields }) => fields.length === 0)) return { fields: [], configMaps: [], template: now };
  const changed = restored.filter(([, found]) => found.some(({ fields }) => fields.length > 0));
  return {
    fields: all.flatMap(({ fields }) => fields),
    configMaps: [...new Map(all.flatMap(({ configMaps }) => configMaps).map((version) => [version.name, version])).values()],
    template: { ...now, spec: { ...spec, ...Object.fromEntries(changed.map(([list, found]) => [list, found.map(({ item }) => item)])) } },
  };
}

function volumesOf(container: Named): readonly string[] {
  return listOf(container['volumeMounts']).map(({ name }) => String(name));
}

function restoreContainer(pointer: string, name: string, then: Named, now: Named): Part {
  const guard = { pointer: `${pointer}/name`, value: name };
  const configMaps: ConfigMapVersion[] = [];
  const envThen = variablesOf(then['env']);
  const envNow = variablesOf(now['env']);
  let item = now;
  const fields: FieldChange[] = [];
  if (envThen !== undefined && envNow !== undefined) {
    const restored = restoredVariables(envThen, envNow, (old, current) => {
      const version = versionBefore(referenceOf(old), referenceOf(current));
      if (version === undefined) return current;
      if (version.name !== version.source) configMaps.push(version);
      const valueFrom = current['valueFrom'] as { readonly [key: string]: JsonValue };
      const key = valueFrom['configMapKeyRef'] as { readonly [key: string]: JsonValue };
      return { ...current, valueFrom: { ...valueFrom, configMapKeyRef: { ...key, name: version.name } } };
    });
    const changes = variableChanges({ container: name, pointer: `${pointer}/env`, guard }, envNow, restored);
    fields.push(...changes);
    const { env: _, ...rest } = now;
    if (changes.length > 0) item = restored.length === 0 ? rest : { ...now, env: restored };
  }
  const from = pointBack(then['envFrom'], now['envFrom'], 'configMapRef', {
    where: `envFrom of container ${name}`,
    pointer: `${pointer}/envFrom`,
    guard,
  });
  if (from.fields.length > 0) item = { ...item, envFrom: from.list };
  return { item, fields: [...fields, ...from.fields], configMaps: [...configMaps, ...from.configMaps] };
}

function restoreVolume(pointer: string, name: string, then: Named, now: Named): Part {
  const guard = { pointer: `${pointer}/name`, value: name };
  const where = `volume ${name}`;
  const own = pointBack([then], [now], 'configMap', { where, pointer, guard }, true);
  const projected = pointBack(recordOf(then['projected'])['sources'], recordOf(now['projected'])['sources'], 'configMap', {
    where,
    pointer: `${pointer}/projected/sources`,
    guard,
  });
  const item = { ...recordOf(own.list[0]) };
  return {
    item: projected.fields.length > 0 ? { ...item, projected: { ...recordOf(now['projected']), sources: projected.list } } : item,
    fields: [...own.fields, ...projected.fields],
    configMaps: [...own.configMaps, ...projected.configMaps],
  };
}

/** The references in the items of a list, by their places. `only`: the pointer is that of the single item itself. */
function pointBack(
  then: unknown,
  now: unknown,
  field: 'configMap' | 'configMapRef',
  place: Place,
  only = false,
): { readonly list: readonly Named[]; readonly fields: readonly FieldChange[]; readonly configMaps: readonly ConfigMapVersion[] } {
  const fields: FieldChange[] = [];
  const configMaps: ConfigMapVersion[] = [];
  const list = listOf(now).map((item, index): Named => {
    const { name } = recordOf(item[field]);
    const version = versionBefore(recordOf(listOf(then)[index]?.[field])['name'], name);
    if (version === undefined || typeof name !== 'string') return item;
    if (version.name !== version.source) configMaps.push(version);
    fields.push({
      what: `ConfigMap ${version.source} in ${place.where}`,
      pointer: `${place.pointer}${only ? '' : `/${index}`}/${field}/name`,
      guards: [place.guard],
      from: name,
      to: version.name,
      fromText: name,
      toText: version.name,
    });
    return { ...item, [field]: { ...recordOf(item[field]), name: version.name } };
  });
  return { list, fields, configMaps };
}

/**
 * What was referred to before, where that was the source itself or another version of it: `versionOf` in src/kubernetes/config-map-content.ts
 * names them. The source itself is the user's own ConfigMap, which nobody guards.
 */
function versionBefore(then: unknown, now: unknown): ConfigMapVersion | undefined {
  const source = sourceOf(now);
  if (then === now || typeof then !== 'string' || source === undefined) return undefined;
  return then === source || sourceOf(then) === source ? { source, name: then } : undefined;
}

function sourceOf(name: unknown): string | undefined {
  return typeof name === 'string' ? /^(.+)-[0-9a-f]{10}$/u.exec(name)?.[1] : undefined;
}

function referenceOf(entry: Variable): unknown {
  return recordOf(recordOf(entry['valueFrom'])['configMapKeyRef'])['name'];
}

/** Undefined where it is no list of named entries: that is left alone. */
function variablesOf(env: unknown): readonly Variable[] | undefined {
  if (env === undefined || env === null) return [];
  if (!Array.isArray(env)) return undefined;
  const isVariable = (entry: unknown): boolean => {
    const { name, value, valueFrom } = recordOf(entry);
    const isObject = valueFrom === undefined || (typeof valueFrom === 'object' && valueFrom !== null && !Array.isArray(valueFrom));
    return typeof name === 'string' && (value === undefined || typeof value === 'string') && isObject;
  };
  return env.every(isVariable) ? (env as readonly Variable[]) : undefined;
}

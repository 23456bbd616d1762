import { configurationOf, type FieldChange, type FieldState, type JsonValue } from '../rollout/configuration/field-change.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import type { ImageChange } from '../rollout/spec.ts';
import type { RawTemplate } from './raw.ts';

/** What a release does to the pod template: all of it, so that nobody applies a part. */
export type TemplateChanges = Pick<Plan, 'images' | 'configuration'>;

type Json = JsonValue | undefined;

/** The template as it is to be: new images and configuration; what does not stand where the plan has found it stays. */
export function releasedTemplate(changes: TemplateChanges, template: RawTemplate): RawTemplate {
  let configured = template as unknown as Json;
  for (const change of configurationOf(changes)) {
    if (fieldState(configured, change) === 'from') configured = withValue(configured, change.pointer, change.to);
  }
  const released = configured as unknown as RawTemplate;
  if (released.spec === undefined) return released;
  const images = new Map(changes.images.map((change) => [change.container, change.to]));
  const withImages = <T extends { readonly name: string; readonly image?: string }>(containers: readonly T[]): T[] =>
    containers.map((container) => ({ ...container, image: images.get(container.name) ?? container.image ?? '' }));
  const { containers, initContainers, ...rest } = released.spec;
  return {
    ...released,
    spec: {
      ...rest,
      containers: withImages(containers ?? []),
      ...(initContainers === undefined ? {} : { initContainers: withImages(initContainers) }),
    },
  };
}

/** The template with our fields put back where they stand: it is the same before and after a promotion. */
export function withoutOurFields(configuration: readonly FieldChange[], template: RawTemplate): RawTemplate {
  let plain = template as unknown as Json;
  for (const change of [...configuration].reverse()) {
    if (fieldState(plain, change) === 'to') plain = withValue(plain, change.pointer, change.from);
  }
  return plain as unknown as RawTemplate;
}

/** What stands at each changed field, in the order of the plan. */
export function fieldStates(configuration: readonly FieldChange[], template: RawTemplate): readonly FieldState[] {
  return configuration.map((change) => fieldState(template as unknown as Json, change));
}

function fieldState(template: Json, change: FieldChange): FieldState {
  if (change.guards.some((guard) => valueAt(template, guard.pointer) !== guard.value)) return 'other';
  const found = valueAt(template, change.pointer);
  if (isEqual(found, change.from)) return 'from';
  return isEqual(found, change.to) ? 'to' : 'other';
}

/** Whether every image and field stands as it is to be, or one of them. */
export function showsRelease(changes: TemplateChanges, template: RawTemplate | undefined): boolean {
  if (template === undefined) return false;
  const containers = [...(template.spec?.containers ?? []), ...(template.spec?.initContainers ?? [])];
  const isNew = ({ container, to }: ImageChange): boolean => containers.some(({ name, image }) => name === container && image === to);
  return changes.images.some(isNew) || fieldStates(configurationOf(changes), template).includes('to');
}

/** Whether the last segment of a pointer is the index of a list: there no test for "nothing" is possible, and an add inserts. */
export function isListIndex(pointer: string): boolean {
  return /\/\d+$/u.test(pointer);
}

function valueAt(root: Json, pointer: string): Json {
  let found: Json = root;
  for (const segment of segmentsOf(pointer)) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Readonly<Record<string, Json>>)[segment];
  }
  return found;
}

/** A copy with another value at a place whose parent exists; undefined takes it away. */
function withValue(root: Json, pointer: string, value: Json): Json {
  const [segment, ...rest] = segmentsOf(pointer);
  if (segment === undefined) return value;
  if (typeof root !== 'object' || root === null) return root;
  const below = rest.length === 0 ? value : withValue((root as Readonly<Record<string, Json>>)[segment], `/${rest.join('/')}`, value);
  if (Array.isArray(root)) {
    const copy: JsonValue[] = [...root];
    if (below === undefined) copy.splice(Number(segment), 1);
    else copy[Number(segment)] = below;
    return copy;
  }
  const { [segment]: _, ...others } = root as Readonly<Record<string, JsonValue>>;
  return below === undefined ? others : { ...(root as Readonly<Record<string, JsonValue>>), [segment]: below };
}

/** Names in our pointers are those of fields and indices: none has a `/` or `~` to decode. */
function segmentsOf(pointer: string): readonly string[] {
  return pointer.split('/').slice(1);
}

function isEqual(one: Json, other: Json): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length || Array.isArray(one) !== Array.isArray(other)) return false;
  return keys.every((key) => isEqual((one as Readonly<Record<string, Json>>)[key], (other as Readonly<Record<string, Json>>)[key]));
}

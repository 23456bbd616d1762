import { createHash } from 'node:crypto';
import type { FieldChange } from '../rollout/configuration/field-change.ts';
import type { RawTemplate } from './raw.ts';
import { withoutOurFields } from './template-fields.ts';

/** Digest of a pod template without the images of the named containers and without our fields: changes when anybody changes anything else. */
export function templateHash(template: RawTemplate, containers: readonly string[], configuration: readonly FieldChange[] = []): string {
  const released = new Set(containers);
  const { spec, ...rest } = withoutOurFields(configuration, template);
  const blank = <T extends { readonly name: string }>(found: readonly T[] | undefined): readonly T[] | undefined =>
    found?.map((container) => (released.has(container.name) ? { ...container, image: '' } : container));
  const blanked = { ...rest, spec: { ...spec, containers: blank(spec?.containers), initContainers: blank(spec?.initContainers) } };
  return createHash('sha256').update(canonicalJson(blanked)).digest('hex').slice(0, 32);
}

/** JSON with sorted keys: two servers may print the same object in another order. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
}

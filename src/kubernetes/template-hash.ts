import { createHash } from 'node:crypto';
import type { RawTemplate } from './raw.ts';

/** Digest of a pod template without the images of the named containers: changes when anybody changes anything else. */
export function templateHash(template: RawTemplate, containers: readonly string[]): string {
  const released = new Set(containers);
  const blanked = {
    ...template,
    spec: {
      ...template.spec,
      containers: template.spec?.containers.map((container) => (released.has(container.name) ? { ...container, image: '' } : container)),
    },
  };
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

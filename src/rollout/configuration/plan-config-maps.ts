import type { ConfigMapVersion } from '../plan/plan.ts';
import type { ConfigMapReference } from '../plan/template-facts.ts';
import type { FieldChange } from './field-change.ts';

export type PlannedReferences =
  | { readonly kind: 'references'; readonly fields: readonly FieldChange[]; readonly configMaps: readonly ConfigMapVersion[] }
  | { readonly kind: 'problem'; readonly message: string; readonly hint: string };

/**
 * Points every reference to a ConfigMap of the release, or to an earlier version of it, at the version that the release brings.
 * `earlier` are the versions that releases of this Deployment have made.
 */
export function planConfigMaps(
  references: readonly ConfigMapReference[],
  wanted: readonly ConfigMapVersion[],
  earlier: readonly ConfigMapVersion[],
): PlannedReferences {
  const fields: FieldChange[] = [];
  const configMaps: ConfigMapVersion[] = [];
  for (const version of wanted) {
    const aliases = new Set([
      version.source,
      version.name,
      ...earlier.filter(({ source }) => source === version.source).map(({ name }) => name),
    ]);
    const found = references.filter((reference) => aliases.has(reference.name));
    if (found.length === 0) return unreferred(version, references);
    const stale = found.filter((reference) => reference.name !== version.name);
    fields.push(...stale.map((reference) => pointed(reference, version)));
    if (stale.length > 0) configMaps.push(version);
  }
  return { kind: 'references', fields, configMaps };
}

function pointed({ where, pointer, guard, name }: ConfigMapReference, version: ConfigMapVersion): FieldChange {
  return {
    what: `ConfigMap ${version.source} in ${where}`,
    pointer,
    guards: guard === undefined ? [] : [guard],
    from: name,
    to: version.name,
    fromText: name,
    toText: version.name,
  };
}

function unreferred({ source }: ConfigMapVersion, references: readonly ConfigMapReference[]): PlannedReferences {
  const names = [...new Set(references.map(({ name }) => name))];
  return {
    kind: 'problem',
    message: `The pod template refers to no ConfigMap ${source}: a release of it would change nothing`,
    hint:
      names.length === 0
        ? 'It refers to no ConfigMap at all. Refer to it in a volume, envFrom or env of the Deployment first, by this name'
        : `It refers to: ${names.join(', ')}. Give config-maps these names, or refer to ${source} in the Deployment first`,
  };
}

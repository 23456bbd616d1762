import type { FieldChange } from '../configuration/field-change.ts';
import { restoreConfiguration } from '../configuration/restore-configuration.ts';
import type { ConfigMapVersion } from '../plan/plan.ts';
import type { ImageRequest } from '../spec.ts';
import type { Outcome } from '../verdict.ts';
import type { FoundRevision, FoundRevisions, PodTemplate } from './revisions.ts';
import { containersOf, listOf, recordOf } from './revisions.ts';

/** What a release back to a revision asks for, out of that revision's template. */
export type RollbackRequest = {
  readonly images: ImageRequest;
  /** What else a release changes, as it was. */
  readonly configuration: readonly FieldChange[];
  /** Versions that the template refers to again: they must still be there. */
  readonly configMaps: readonly ConfigMapVersion[];
  /** What else differs and stays as it is, by name: never a value. */
  readonly notRolledBack: readonly string[];
};

export type ChosenRevision =
  | { readonly kind: 'revision'; readonly found: FoundRevision }
  | { readonly kind: 'current'; readonly revision: number }
  | { readonly kind: 'problem'; readonly message: string; readonly hint: string };

/**
 * The revision to go back to: the one that was named, or the newest that is not the current one. The newest is what `kubectl rollout undo`
 * takes too (deployment_rollbacker: `revision` 0 is the last but one).
 */
export function chooseRevision({ current, revisions }: FoundRevisions, toRevision: number | undefined): ChosenRevision {
  if (toRevision !== undefined && toRevision === current) return { kind: 'current', revision: toRevision };
  const found =
    toRevision === undefined
      ? revisions.find(({ revision }) => revision !== current)
      : revisions.find(({ revision }) => revision === toRevision);
  if (found !== undefined) return { kind: 'revision', found };
  const others = revisions.map(({ revision }) => revision).sort((a, b) => a - b);
  const existing = others.length === 0 ? 'there is none' : `these exist: ${others.join(', ')}`;
  if (toRevision === undefined) {
    return {
      kind: 'problem',
      message: 'The Deployment has no other revision to go back to',
      hint: `Its ReplicaSets are its revisions, and ${existing}: spec.revisionHistoryLimit says how many are kept. Release the old image by name instead`,
    };
  }
  return {
    kind: 'problem',
    message: `The Deployment has no revision ${toRevision}`,
    hint: `Of its revisions ${existing}. Kubernetes keeps spec.revisionHistoryLimit of them (10 by default); command: history prints them`,
  };
}

/**
 * Which fields of an earlier template a release back to it changes: images, literal variables and versions of ConfigMaps of the named
 * containers, or else of all; without configuration where the strategy releases images only. Only what a release may change; everything else that differs is named, so that nobody takes it for rolled back.
 */
export function rollbackRequest(
  then: PodTemplate,
  now: PodTemplate,
  containers: readonly string[],
  withConfiguration = true,
): RollbackRequest {
  const nothing = { fields: [], configMaps: [], template: now };
  const { fields, configMaps, template } = withConfiguration ? restoreConfiguration(then, now, containers) : nothing;
  const before = new Map(allContainersOf(then).map(({ name, image }) => [name, image]));
  const wanted = allContainersOf(now)
    .filter(({ name, image }) => (containers.length > 0 ? containers.includes(name) : before.has(name) && before.get(name) !== image))
    .map(({ name, image }): [string, string] => [name, before.get(name) ?? image]);
  const unknown = containers.filter((name) => !allContainersOf(now).some((container) => container.name === name));
  return {
    // A name that the Deployment does not have is for planImages to refuse.
    images: { kind: 'by-container', images: Object.fromEntries([...wanted, ...unknown.map((name): [string, string] => [name, ''])]) },
    configuration: fields,
    configMaps,
    notRolledBack: differences(then, template, new Set(wanted.map(([name]) => name))),
  };
}

function allContainersOf(template: PodTemplate): readonly { readonly name: string; readonly image: string }[] {
  return [...containersOf(template), ...containersOf(template, 'initContainers')];
}

/** What a rollback has reached, by how its release ended: a release that is taken back was no rollback. */
export function rollbackOutcome(outcome: Outcome, toRevision: number): Outcome {
  if (outcome.result === 'promoted') {
    const unproved = outcome.reason === 'unproved' ? 'unproved' : 'rollback-done';
    return { ...outcome, result: 'rolled-back', reason: unproved, because: `back to revision ${toRevision}: ${outcome.because}` };
  }
  if (outcome.result !== 'rolled-back') return outcome;
  return {
    ...outcome,
    result: 'failed',
    because: `the rollback to revision ${toRevision} was itself taken back, and the Deployment has the images that it had: ${outcome.because}`,
  };
}

/** The names of what differs between two templates, but for the images of these containers. */
function differences(then: PodTemplate, now: PodTemplate, released: ReadonlySet<string>): readonly string[] {
  const specThen = recordOf(then['spec']);
  const specNow = recordOf(now['spec']);
  return [
    ...metadataDifferences(recordOf(then['metadata']), recordOf(now['metadata'])),
    ...listDifferences('container', listOf(specThen['containers']), listOf(specNow['containers']), released),
    ...listDifferences('init container', listOf(specThen['initContainers']), listOf(specNow['initContainers']), released),
    ...listDifferences('volume', listOf(specThen['volumes']), listOf(specNow['volumes']), released, false),
    ...keysThatDiffer(specThen, specNow).filter((key) => !['containers', 'initContainers', 'volumes'].includes(key)),
  ];
}

const podTemplateHash = 'pod-template-hash';

function metadataDifferences(then: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>): readonly string[] {
  return (['labels', 'annotations'] as const).flatMap((map) =>
    keysThatDiffer(recordOf(then[map]), recordOf(now[map]))
      .filter((key) => key !== podTemplateHash)
      .map((key) => `${map.slice(0, -1)} ${key}`),
  );
}

type Named = Readonly<Record<string, unknown>>;

/** Named items of a list; of a container, each field that differs, and each variable by its name. */
function listDifferences(
  what: string,
  then: readonly Named[],
  now: readonly Named[],
  released: ReadonlySet<string>,
  inside = true,
): readonly string[] {
  const names = [...new Set([...then, ...now].map((item) => String(item['name'] ?? '')))];
  return names.flatMap((name) => {
    const old = then.find((item) => item['name'] === name);
    const fresh = now.find((item) => item['name'] === name);
    if (old === undefined || fresh === undefined) return [`${what} ${name}`];
    const keys = keysThatDiffer(old, fresh).filter((key) => key !== 'image' || !released.has(name));
    if (!inside) return keys.length > 0 ? [`${what} ${name}`] : [];
    return keys.flatMap((key) => {
      if (key !== 'env') return [`${key} of ${what} ${name}`];
      return listDifferences('env', listOf(old['env']), listOf(fresh['env']), released, false).map((one) => `${one} of ${what} ${name}`);
    });
  });
}

function keysThatDiffer(then: Named, now: Named): readonly string[] {
  return [...new Set([...Object.keys(then), ...Object.keys(now)])].sort().filter((key) => canonical(then[key]) !== canonical(now[key]));
}

/** JSON with sorted keys; what is absent equals what is empty. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '' : `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return value === undefined || value === null ? '' : JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? '' : `{${entries.map(([key, inner]) => `${key}:${canonical(inner)}`).join(',')}}`;
}

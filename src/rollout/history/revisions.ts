/** A pod template as the API server gives it. */
export type PodTemplate = Readonly<Record<string, unknown>>;

/** One revision of the Deployment: a ReplicaSet that it owns. Texts are untrusted. */
export type Revision = {
  readonly revision: number;
  readonly current: boolean;
  readonly images: readonly { readonly container: string; readonly image: string }[];
  /** Annotation `kubernetes.io/change-cause` of the ReplicaSet. */
  readonly changeCause: string | undefined;
  /** What the change-cause says of the run that made it. */
  readonly run: string | undefined;
  readonly commit: string | undefined;
  readonly actor: string | undefined;
  readonly createdAtMs: number;
  readonly ageMs: number;
  /** Pods of it at present. */
  readonly replicas: number;
};

/** What the adapter reads: newest revision first. */
export type FoundRevision = {
  readonly revision: number;
  readonly template: PodTemplate;
  readonly changeCause: string | undefined;
  readonly createdAtMs: number;
  readonly replicas: number;
};

export type FoundRevisions = {
  readonly nowMs: number;
  /** Of the Deployment itself; undefined until its controller has seen it. */
  readonly current: number | undefined;
  readonly template: PodTemplate;
  readonly revisions: readonly FoundRevision[];
};

/** The revisions for people and machines, newest first. */
export function describeRevisions(found: FoundRevisions): readonly Revision[] {
  return found.revisions.map(({ revision, template, changeCause, createdAtMs, replicas }) => ({
    revision,
    current: revision === found.current,
    images: containersOf(template).map(({ name, image }) => ({ container: name, image })),
    changeCause,
    ...parseChangeCause(changeCause ?? ''),
    createdAtMs,
    ageMs: Math.max(0, found.nowMs - createdAtMs),
    replicas,
  }));
}

/**
 * Run, commit and actor out of a change-cause: our own writes `image web:v2, commit abc1234, run https://…, by alice`. Liberal: people and
 * other tools write there too.
 */
export function parseChangeCause(text: string): {
  readonly run: string | undefined;
  readonly commit: string | undefined;
  readonly actor: string | undefined;
} {
  return {
    run: /\bhttps?:\/\/[^\s,;<>"']+/iu.exec(text)?.[0],
    commit:
      /\b(?:commit|sha|rev(?:ision)?)[:= ]+([0-9a-f]{7,64})\b/iu.exec(text)?.[1] ?? /(?<![\w:/@.-])[0-9a-f]{40}(?![\w-])/u.exec(text)?.[0],
    actor: /(?:^|[\s,;(])by[: ]+([\w.[\]@-]{1,64})/iu.exec(text)?.[1],
  };
}

/** Name and image of each container, or of each init container (native sidecars among them). */
export function containersOf(
  template: PodTemplate,
  list: 'containers' | 'initContainers' = 'containers',
): readonly { readonly name: string; readonly image: string }[] {
  return listOf(recordOf(template['spec'])[list]).map((container) => ({
    name: textOf(container['name']),
    image: textOf(container['image']),
  }));
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

export function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

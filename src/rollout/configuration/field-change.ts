/** Plain JSON, as a field of an object holds it. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** One field of the pod template that a release changes beside images. Plain JSON: the journal holds it. */
export type FieldChange = {
  /** In words, without any value: `variable MODE of container app`. */
  readonly what: string;
  /** Where it is: a JSON Pointer (RFC 6901) from the pod template on, such as `/spec/containers/0/env/2/value`. */
  readonly pointer: string;
  /** What must stand beside it, such as the container's name at its index: lists may have been reordered. */
  readonly guards: readonly FieldGuard[];
  /** Undefined: the field is not there. */
  readonly from: JsonValue | undefined;
  readonly to: JsonValue | undefined;
  /** What the log says for `from` and `to`: never the value of a variable, which may be a secret. */
  readonly fromText: string;
  readonly toText: string;
};

export type FieldGuard = { readonly pointer: string; readonly value: string };

/** What stands at the place of a change. */
export type FieldState = 'from' | 'to' | 'other';

/** The annotation of the Deployment that `kubectl rollout history` shows. */
export type ChangeCause = {
  /** Undefined: there is none. */
  readonly from: string | undefined;
  readonly to: string;
};

/** The fields of a plan as changes; a plan of an earlier version has none. */
export function configurationOf(plan: { readonly configuration?: readonly FieldChange[] | undefined }): readonly FieldChange[] {
  return plan.configuration ?? [];
}

/** Whether the changed fields stand as they were found, as they are to be, or as neither. Undefined where nothing is changed. */
export function fieldsOn(states: readonly FieldState[] | undefined): 'old' | 'new' | 'other' | undefined {
  if (states === undefined || states.length === 0) return undefined;
  if (states.every((state) => state === 'from')) return 'old';
  return states.every((state) => state === 'to') ? 'new' : 'other';
}

/** The fields in words, for a report; nothing where there are none. */
export function reportedFields(plan: { readonly configuration?: readonly FieldChange[] | undefined } | undefined): {
  readonly configuration?: readonly { readonly what: string; readonly from: string; readonly to: string }[];
} {
  const changes = plan === undefined ? [] : configurationOf(plan);
  if (changes.length === 0) return {};
  return { configuration: changes.map(({ what, fromText, toText }) => ({ what, from: fromText, to: toText })) };
}

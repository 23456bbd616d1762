import type { FieldChange, FieldGuard, JsonValue } from './field-change.ts';
import { sizeOf } from './plan-variables.ts';

/** One entry of `env`, as the API server gives it. */
export type Variable = { readonly [key: string]: JsonValue };

export type VariablesPlace = {
  readonly container: string;
  /** `/spec/containers/0/env` */
  readonly pointer: string;
  readonly guard: FieldGuard;
};

/**
 * The list as it is to be: literal values as they were, those that were not there gone, those that are gone back after the one that they
 * stood behind. What comes from elsewhere (`valueFrom`) stays. `reference` may lead such an entry back to an earlier version.
 */
export function restoredVariables(
  then: readonly Variable[],
  now: readonly Variable[],
  reference: (then: Variable, now: Variable) => Variable,
): readonly Variable[] {
  const before = keyed(then);
  const present = keyed(now);
  const restored = [...present].flatMap(([key, entry]): [string, Variable][] => {
    const old = before.get(key);
    if (!isLiteral(entry)) return [[key, old === undefined || isLiteral(old) ? entry : reference(old, entry)]];
    if (old === undefined) return [];
    return [[key, !isLiteral(old) || literalOf(old) === literalOf(entry) ? entry : old]];
  });
  let place = 0;
  for (const [key, entry] of before) {
    const index = restored.findIndex(([found]) => found === key);
    if (index >= 0) place = index + 1;
    else if (isLiteral(entry) && !present.has(key)) {
      restored.splice(place, 0, [key, entry]);
      place += 1;
    }
  }
  return restored.map(([, entry]) => entry);
}

/**
 * The changes that make one list out of the other: single values and entries at the end, as a release changes them; the whole list where
 * anything else moves, because an entry in the middle has no place of its own.
 */
export function variableChanges(place: VariablesPlace, now: readonly Variable[], restored: readonly Variable[]): readonly FieldChange[] {
  const changed = [...new Set([...keyed(now), ...keyed(restored)].map(([key]) => key))].filter(
    (key) => JSON.stringify(keyed(now).get(key)) !== JSON.stringify(keyed(restored).get(key)),
  );
  if (changed.length === 0) return [];
  const common = Math.min(now.length, restored.length);
  const keysNow = [...keyed(now).keys()];
  const keysThen = [...keyed(restored).keys()];
  const inPlace = common > 0 && keysNow.slice(0, common).every((key, index) => key === keysThen[index]);
  if (!inPlace) return [wholeList(place, now, restored, changed)];
  const tail = Array.from({ length: Math.max(now.length, restored.length) - common }, (_, index) => common + index);
  return [
    ...now.slice(0, common).flatMap((entry, index) => valueChange(place, index, entry, restored[index] ?? entry)),
    // What was appended last goes first: the places of the others stay what they are.
    ...(now.length > common ? tail.reverse() : tail).map((index) => entryChange(place, index, now[index], restored[index])),
  ];
}

function valueChange({ container, pointer, guard }: VariablesPlace, index: number, from: Variable, to: Variable): readonly FieldChange[] {
  if (from === to) return [];
  const name = nameOf(from);
  const guards = [guard, { pointer: `${pointer}/${index}/name`, value: name }];
  const what = `variable ${name} of container ${container}`;
  const texts = { fromText: textOf(from), toText: textOf(to) };
  if (isLiteral(from)) return [{ what, pointer: `${pointer}/${index}/value`, guards, from: from['value'], to: to['value'], ...texts }];
  const reference = `${pointer}/${index}/valueFrom/configMapKeyRef/name`;
  return [{ what: `ConfigMap in ${what}`, pointer: reference, guards, from: texts.fromText, to: texts.toText, ...texts }];
}

function entryChange({ container, pointer, guard }: VariablesPlace, index: number, from?: Variable, to?: Variable): FieldChange {
  const what = `variable ${nameOf(from ?? to ?? {})} of container ${container}`;
  return { what, pointer: `${pointer}/${index}`, guards: [guard], from, to, fromText: textOf(from), toText: textOf(to) };
}

function wholeList(
  { container, pointer, guard }: VariablesPlace,
  now: readonly Variable[],
  restored: readonly Variable[],
  changed: readonly string[],
): FieldChange {
  const texts = (list: readonly Variable[]): string => changed.map((key) => textOf(keyed(list).get(key))).join(', ');
  const names = changed.map((key) => nameOf(keyed(now).get(key) ?? keyed(restored).get(key) ?? {}));
  return {
    what: `${names.length === 1 ? 'variable' : 'variables'} ${names.join(', ')} of container ${container}`,
    pointer,
    guards: [guard],
    // The API server keeps no empty list.
    from: now.length === 0 ? undefined : now,
    to: restored.length === 0 ? undefined : restored,
    fromText: texts(now),
    toText: texts(restored),
  };
}

/** By name; of several with one name each counts for itself. */
function keyed(list: readonly Variable[]): ReadonlyMap<string, Variable> {
  const seen = new Map<string, number>();
  return new Map(
    list.map((entry): [string, Variable] => {
      const nth = (seen.get(nameOf(entry)) ?? 0) + 1;
      seen.set(nameOf(entry), nth);
      return [`${nth} ${nameOf(entry)}`, entry];
    }),
  );
}

function isLiteral(entry: Variable): boolean {
  return entry['valueFrom'] === undefined;
}

function nameOf(entry: Variable): string {
  return String(entry['name'] ?? '');
}

function literalOf(entry: Variable): string {
  return typeof entry['value'] === 'string' ? entry['value'] : '';
}

/** Never a value: how long it is, or to which ConfigMap it refers. */
function textOf(entry: Variable | undefined): string {
  if (entry === undefined) return 'none';
  if (isLiteral(entry)) return sizeOf(literalOf(entry));
  const { configMapKeyRef } = entry['valueFrom'] as { readonly configMapKeyRef?: { readonly name?: unknown } };
  return typeof configMapKeyRef?.name === 'string' ? configMapKeyRef.name : 'from elsewhere';
}

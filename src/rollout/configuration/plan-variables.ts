import type { ContainerVariables, VariableFacts } from '../plan/template-facts.ts';
import type { VariableRequest } from '../spec.ts';
import type { FieldChange, FieldGuard, JsonValue } from './field-change.ts';

export type PlannedFields =
  | { readonly kind: 'fields'; readonly fields: readonly FieldChange[] }
  | { readonly kind: 'problem'; readonly message: string; readonly hint: string };

type Wanted = { readonly name: string; readonly value: string };

/**
 * Which variables change. A literal variable gets its new value, a new one is appended; those that have their value already are left out.
 * `containers` are those that a line without a container is meant for; none: the only container.
 */
export function planVariables(
  template: readonly ContainerVariables[],
  requests: readonly VariableRequest[],
  containers: readonly string[],
): PlannedFields {
  const names = template.map((container) => container.name).join(', ');
  const ordinary = template.filter((container) => container.init !== true).map((container) => container.name);
  const meant = containers.length > 0 ? containers : ordinary;
  const wanted = new Map<string, Wanted[]>();
  for (const request of requests) {
    if (request.container === undefined && containers.length === 0 && ordinary.length !== 1) {
      return {
        kind: 'problem',
        message: `The Deployment has ${ordinary.length} containers: ${names}`,
        hint: `Say whose variable it is: ${ordinary[0] ?? 'CONTAINER'}:${request.name}=…, or name the containers in the input containers`,
      };
    }
    for (const name of request.container === undefined ? meant : [request.container]) {
      wanted.set(name, [...(wanted.get(name) ?? []), request]);
    }
  }
  const fields: FieldChange[] = [];
  for (const [name, variables] of wanted) {
    const container = template.find((found) => found.name === name);
    if (container === undefined) {
      return { kind: 'problem', message: `The Deployment has no container ${name}`, hint: `Its containers are: ${names}` };
    }
    const planned = planContainer(container, variables);
    if (planned.kind === 'problem') return planned;
    fields.push(...planned.fields);
  }
  return { kind: 'fields', fields };
}

function planContainer(container: ContainerVariables, wanted: readonly Wanted[]): PlannedFields {
  const guard: FieldGuard = { pointer: `${container.pointer}/name`, value: container.name };
  const found = container.variables ?? [];
  const fields: FieldChange[] = [];
  const added: Wanted[] = [];
  for (const variable of wanted) {
    // Of two with the same name the last one counts.
    const index = found.findLastIndex((candidate) => candidate.name === variable.name);
    const current = found[index];
    if (current === undefined) added.push(variable);
    else if (current.source !== undefined) return derived(container, current);
    else if ((current.value ?? '') !== variable.value) fields.push(changed(container, guard, index, current, variable));
  }
  return { kind: 'fields', fields: [...fields, ...appended(container, guard, added)] };
}

function derived(container: ContainerVariables, { name, source }: VariableFacts): PlannedFields {
  return {
    kind: 'problem',
    message: `The variable ${name} of container ${container.name} is no literal: its value comes from ${source ?? 'elsewhere'}`,
    hint: `Change it there, or make it a literal (value instead of valueFrom) in the Deployment; the input env changes literals only`,
  };
}

function changed(container: ContainerVariables, guard: FieldGuard, index: number, current: VariableFacts, wanted: Wanted): FieldChange {
  const place = `${container.pointer}/env/${index}`;
  return {
    what: whatOf(container, wanted),
    pointer: `${place}/value`,
    guards: [guard, { pointer: `${place}/name`, value: wanted.name }],
    from: textOrNone(current.value ?? ''),
    to: textOrNone(wanted.value),
    fromText: sizeOf(current.value ?? ''),
    toText: sizeOf(wanted.value),
  };
}

/** New ones come last, one change each; where there is no list, the list is one change. */
function appended(container: ContainerVariables, guard: FieldGuard, added: readonly Wanted[]): readonly FieldChange[] {
  const entries = added.map(({ name, value }): JsonValue => ({ name, ...(value === '' ? {} : { value }) }));
  const [first, ...others] = added;
  if (first === undefined) return [];
  if (container.variables === undefined) {
    const names = added.map(({ name }) => name).join(', ');
    const what = others.length === 0 ? whatOf(container, first) : `variables ${names} of container ${container.name}`;
    const toText = added.map(({ value }) => sizeOf(value)).join(', ');
    return [{ what, pointer: `${container.pointer}/env`, guards: [guard], from: undefined, to: entries, fromText: 'none', toText }];
  }
  const length = container.variables.length;
  return added.map((variable, index) => ({
    what: whatOf(container, variable),
    pointer: `${container.pointer}/env/${length + index}`,
    guards: [guard],
    from: undefined,
    to: entries[index],
    fromText: 'none',
    toText: sizeOf(variable.value),
  }));
}

function whatOf(container: ContainerVariables, { name }: Wanted): string {
  return `variable ${name} of container ${container.name}`;
}

/** The API server keeps no empty text. */
function textOrNone(value: string): string | undefined {
  return value === '' ? undefined : value;
}

/** What may be said of a value in public. */
export function sizeOf(value: string): string {
  if (value === '') return 'empty';
  return value.length === 1 ? '1 character' : `${value.length} characters`;
}

const secretName = /(?:PASS|PASSWD|PASSWORD|SECRET|TOKEN|CREDENTIALS?|API_?KEY|PRIVATE_?KEY)(?:_|$)/iu;

/** A value that stands in the Deployment can be read by everybody who may read it: what looks like a secret deserves a word. */
export function warnOfSecrets(requests: readonly VariableRequest[]): readonly string[] {
  const names = [...new Set(requests.map(({ name }) => name).filter((name) => secretName.test(name)))];
  if (names.length === 0) return [];
  const verb = names.length === 1 ? 'looks like a secret' : 'look like secrets';
  return [
    `${names.join(', ')} in env ${verb}: values of env stand in the Deployment, and in the journal while the release runs, for everybody who may read those; a Secret and secretKeyRef hide it`,
  ];
}

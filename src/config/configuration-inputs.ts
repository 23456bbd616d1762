import type { VariableRequest } from '../rollout/spec.ts';
import type { InputReader } from './input-reader.ts';
import { repeatedOf } from './lists.ts';
import { isLabel } from './names.ts';
import { type Parsed, quoted } from './parsed.ts';

/** One line of `config-maps`: a manifest, or a file or folder whose content becomes the ConfigMap `name`. */
export type ConfigMapSource = { readonly path: string; readonly name: string | undefined };

// What every version of Kubernetes takes: newer ones take more, but no shell could set it.
const variablePattern = /^[A-Za-z_.-][A-Za-z0-9_.-]*$/u;
const valueBytesMax = 32_768;
const namePattern = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/u;
/** Room for `-` and 10 digits of the hash, within 253 characters. */
const nameLengthMax = 242;
const validVariable = 'valid are lines NAME=value, or container:NAME=value';
const validSource = 'valid are lines with the path of a manifest, or name=path of a file or folder';

/** The input `env`. */
export function readVariables(reader: InputReader): readonly VariableRequest[] {
  return reader.parseOr('env', parseVariables, []);
}

/** The input `config-maps`. */
export function readConfigMapSources(reader: InputReader): readonly ConfigMapSource[] {
  return reader.parseOr('config-maps', parseConfigMapSources, []);
}

/** `NAME=value` or `container:NAME=value`, one a line. A value may hold everything but a line break; a problem never quotes one. */
function parseVariables(text: string): Parsed<readonly VariableRequest[]> {
  const variables: VariableRequest[] = [];
  for (const line of linesOf(text)) {
    const equals = line.indexOf('=');
    if (equals < 0) return { problem: `a line has no "=", and may be a secret, so it is not shown; ${validVariable}` };
    const key = line.slice(0, equals).trim();
    const colon = key.indexOf(':');
    const container = colon < 0 ? undefined : key.slice(0, colon).trim();
    const name = key.slice(colon + 1).trim();
    if (container !== undefined && !isLabel(container))
      return { problem: `${quoted(container)} is not the name of a container; ${validVariable}` };
    if (!variablePattern.test(name)) return { problem: `${quoted(name)} is not the name of a variable; ${validVariable}` };
    variables.push({ container, name, value: line.slice(equals + 1).trim() });
  }
  const [repeated] = repeatedOf(variables.map(({ container, name }) => (container === undefined ? name : `${container}:${name}`)));
  if (repeated !== undefined) return { problem: `${quoted(repeated)} stands there twice; give each variable one value` };
  if (variables.length === 0) return { problem: `there is no variable; ${validVariable}` };
  const bytes = new TextEncoder().encode(variables.map(({ value }) => value).join('')).length;
  if (bytes > valueBytesMax)
    return { problem: `the values are ${bytes} bytes; valid are ${valueBytesMax} in all, more belongs into a ConfigMap` };
  return { value: variables };
}

/** Paths of manifests, or `name=path`, one a line. */
function parseConfigMapSources(text: string): Parsed<readonly ConfigMapSource[]> {
  const sources: ConfigMapSource[] = [];
  for (const line of linesOf(text)) {
    const equals = line.indexOf('=');
    const path = line.slice(equals + 1).trim();
    const name = equals < 0 ? undefined : line.slice(0, equals).trim();
    if (path === '') return { problem: `${quoted(line)} has no path; ${validSource}` };
    if (name !== undefined && !isConfigMapName(name)) return { problem: `${quoted(name)} is not the name of a ConfigMap; ${validSource}` };
    sources.push({ path, name });
  }
  if (sources.length === 0) return { problem: `there is no path; ${validSource}` };
  const [repeated] = repeatedOf(sources.flatMap(({ name }) => name ?? []));
  if (repeated !== undefined) return { problem: `${quoted(repeated)} stands there twice; give each ConfigMap one source` };
  return { value: sources };
}

/** A name that leaves room for a hash behind it. */
function isConfigMapName(name: string): boolean {
  return name.length <= nameLengthMax && namePattern.test(name);
}

function linesOf(text: string): readonly string[] {
  return text
    .split(/\r\n|\r|\n/u)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

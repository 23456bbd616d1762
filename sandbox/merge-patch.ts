import { isObject } from './json-patch.ts';
import type { Json, JsonObject } from './objects.ts';

/** RFC 7396. */
export function applyMergePatch(document: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...document };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? applyMergePatch(objectOr(merged[key]), value) : value;
  }
  return merged;
}

function objectOr(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

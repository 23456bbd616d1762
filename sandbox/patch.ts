import { applyJsonPatch, isObject, parseJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import type { JsonObject } from './objects.ts';
import { badRequest, patchRejected, Refusal } from './status.ts';

/** The object as a PATCH wants it, by the media type of its body. */
export function patched(object: JsonObject, contentType: string, body: string): JsonObject {
  const mediaType = (contentType.split(';')[0] ?? '').trim();
  if (mediaType !== 'application/json-patch+json' && mediaType !== 'application/merge-patch+json') {
    throw new Refusal(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
  const patch = parse(body);
  if (mediaType === 'application/merge-patch+json') {
    if (!isObject(patch)) {
      throw badRequest('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}');
    }
    return applyMergePatch(object, patch);
  }
  const operations = parseJsonPatch(patch);
  if (operations === undefined) {
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
  }
  const next = applyJsonPatch(object, operations);
  if (next === undefined) throw patchRejected();
  return next;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`);
  }
}

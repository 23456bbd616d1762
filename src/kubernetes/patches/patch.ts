/** One operation of a JSON Patch (RFC 6902), as far as this project writes them. */
export type JsonPatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** The media type of a JSON Patch; with any other the API server reads the body as a different kind of patch. */
export const jsonPatchMediaType = 'application/json-patch+json';

import type { JsonObject } from './objects.ts';
import { qualified, type ResourceInfo } from './resources.ts';

export interface Cause {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

/** A `Status` of the API that ends the request; thrown, because it may arise at any depth of a write. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

export function failureStatus(refusal: Refusal): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: refusal.message,
    ...(refusal.reason === '' ? {} : { reason: refusal.reason }),
    ...(refusal.details === undefined ? {} : { details: refusal.details }),
    code: refusal.code,
  };
}

type Named = { readonly group: string; readonly resource: string };

function target(info: Named, name: string): JsonObject {
  return { ...(name === '' ? {} : { name }), ...(info.group === '' ? {} : { group: info.group }), kind: info.resource };
}

export function notFound(info: ResourceInfo, name: string): Refusal {
  return new Refusal(404, 'NotFound', `${qualified(info)} "${name}" not found`, target(info, name));
}

export function alreadyExists(info: ResourceInfo, name: string): Refusal {
  return new Refusal(409, 'AlreadyExists', `${qualified(info)} "${name}" already exists`, target(info, name));
}

export function conflict(info: Named, name: string, why: string): Refusal {
  const message = `Operation cannot be fulfilled on ${qualified(info)} "${name}": ${why}`;
  return new Refusal(409, 'Conflict', message, target(info, name));
}

export function forbidden(info: ResourceInfo, name: string, why: string): Refusal {
  const message = `${qualified(info)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`;
  return new Refusal(403, 'Forbidden', message, target(info, name));
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'BadRequest', message);
}

export function invalid(info: ResourceInfo, name: string, causes: readonly Cause[]): Refusal {
  const lines = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const subject = qualified({ group: info.group, resource: info.kind });
  return new Refusal(422, 'Invalid', `${subject} "${name}" is invalid: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(info.group === '' ? {} : { group: info.group }),
    kind: info.kind,
    causes: causes.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

/** What the API server says to a JSON Patch that cannot be applied, whatever the reason was. */
export function patchRejected(): Refusal {
  const message = 'the server rejected our request due to an error in our request';
  return new Refusal(422, 'Invalid', message, {});
}

export function unknownPath(): Refusal {
  return new Refusal(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): Refusal {
  const message = 'the server does not allow this method on the requested resource';
  return new Refusal(405, 'MethodNotAllowed', message, {});
}

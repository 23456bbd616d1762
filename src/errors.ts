/** Every way in which a run can be refused; the output `reason` is the same word. */
export type UserErrorCode =
  | 'inputs-invalid'
  | 'kubeconfig-invalid'
  | 'cluster-unreachable'
  | 'permission-missing'
  | 'deployment-missing'
  | 'deployment-refused'
  | 'container-missing'
  | 'configuration-refused'
  | 'revision-missing'
  | 'foreign-object'
  | 'rollout-busy'
  | 'metrics-unreachable'
  | 'metrics-empty'
  | 'traffic-too-little'
  | 'samples-invalid'
  | 'dry-run-denied'
  | 'probe-unreachable';

/** Something the user can change: the message says what. Never has a stack in the log. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly code: UserErrorCode;
  /** What to change, in one or more lines. */
  readonly hint: string;

  constructor(code: UserErrorCode, message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

export type FaultCode =
  | 'network'
  | 'timeout'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'invalid'
  | 'throttled'
  | 'server'
  | 'protocol';

/** A fault of the world: the network, the API server, Prometheus. `retryable` says whether the same request may succeed later. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly retryable: boolean;

  constructor(code: FaultCode, message: string, retryable: boolean, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.retryable = retryable;
  }
}

/** A bug of ours: the run stops without touching the cluster any more. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function isFault(error: unknown, ...codes: readonly FaultCode[]): error is Fault {
  return error instanceof Fault && (codes.length === 0 || codes.includes(error.code));
}

/** The text of anything that was thrown, with the causes that it names. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `: ${messageOf(error.cause)}`;
  return `${error.message}${cause}`;
}

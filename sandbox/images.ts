import type { Container } from './objects.ts';
import { chance, hashText } from './random.ts';

/** What an image does once it runs. The env of a container, as the sample service of the cluster tests reads it, wins. */
export interface ImageBehaviour {
  /** From the decision to start a container until its process runs. */
  readonly startMs?: number;
  /** From the start of the process until it listens. */
  readonly readyMs?: number;
  /** The share of requests answered with 500. */
  readonly errorRate?: number;
  /** Every request after this many is answered with 500, probes included. */
  readonly failAfterRequests?: number;
  /** Every request after this many is never answered; probes are. */
  readonly hangAfterRequests?: number;
  readonly latencyMs?: number;
  readonly crashAtStart?: boolean;
  readonly crashAfterMs?: number;
  readonly exitCode?: number;
  /** `OOMKilled`, for instance; `Error` when not given. */
  readonly exitReason?: string;
  readonly neverReady?: boolean;
  /** The registry does not have it. So it is with an image that the registry was never told of. */
  readonly missing?: boolean;
  /** Ends at SIGTERM without finishing what it was asked. */
  readonly exitAtOnce?: boolean;
  /** How long it goes on answering after SIGTERM. */
  readonly drainMs?: number;
  readonly version?: string;
  readonly digest?: string;
  /** What it says when it dies. */
  readonly lastWords?: readonly string[];
}

export interface Images {
  get(image: string): ImageBehaviour | undefined;
  /** A second `set` is a tag that was moved: pods that run keep what they have. */
  set(image: string, behaviour: ImageBehaviour): void;
}

export function createImages(initial: Readonly<Record<string, ImageBehaviour>>): Images {
  const images = new Map(Object.entries(initial));
  return {
    get(image) {
      const behaviour = images.get(image);
      return behaviour?.missing === true ? undefined : behaviour;
    },
    set: (image, behaviour) => images.set(image, behaviour),
  };
}

export function digestOf(image: string, behaviour: ImageBehaviour): string {
  if (behaviour.digest !== undefined) return behaviour.digest;
  const at = image.indexOf('@');
  if (at >= 0) return image.slice(at + 1);
  let hex = '';
  for (let part = 0; part < 8; part += 1) hex += hashText(`${image} ${part}`).toString(16).padStart(8, '0');
  return `sha256:${hex}`;
}

export function withEnvironment(container: Container, behaviour: ImageBehaviour): ImageBehaviour {
  const env = new Map((container.env ?? []).map(({ name, value }) => [name, value ?? '']));
  const number = (name: string) => (env.get(name) ? Number(env.get(name)) : undefined);
  const overrides: Record<string, number | boolean | string | undefined> = {
    errorRate: number('ERROR_RATE'),
    failAfterRequests: number('FAIL_AFTER'),
    latencyMs: number('LATENCY_MS'),
    crashAtStart: env.has('CRASH_AT_START') ? env.get('CRASH_AT_START') === '1' : undefined,
    neverReady: env.has('NEVER_READY') ? env.get('NEVER_READY') === '1' : undefined,
    exitAtOnce: env.has('EXIT_AT_ONCE') ? env.get('EXIT_AT_ONCE') === '1' : undefined,
    version: env.get('VERSION'),
  };
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  return { version: tagOf(container.image), ...behaviour, ...given };
}

/** As containerd reports a short name: `docker.io/library/web:v1`. */
export function canonicalName(image: string): string {
  const first = image.slice(0, Math.max(0, image.indexOf('/')));
  if (first === '') return `docker.io/library/${image}`;
  return first.includes('.') || first.includes(':') || first === 'localhost' ? image : `docker.io/${image}`;
}

function tagOf(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1).replace(/@.*/, '');
  return name.includes(':') ? name.slice(name.indexOf(':') + 1) : 'latest';
}

export function hasFailed(behaviour: ImageBehaviour, requests: number): boolean {
  const { failAfterRequests } = behaviour;
  return failAfterRequests !== undefined && failAfterRequests >= 0 && requests > failAfterRequests;
}

/** The status code of a process' n-th request. */
export function codeOf(behaviour: ImageBehaviour, seed: number, n: number): number {
  return hasFailed(behaviour, n) || chance(seed, n) < (behaviour.errorRate ?? 0) ? 500 : 200;
}

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ApiRequest,
  type ApiResponse,
  createSandbox,
  type Identity,
  type ImageBehaviour,
  type Sandbox,
} from '../../sandbox/sandbox.ts';
import { type RequestFault, type ServedSandbox, serve } from '../../sandbox/serve.ts';
import { type ActionOptions, type ActionResult, type RunningAction, startAction } from '../runner/run-action.ts';
import { leftovers, watchInvariants } from './invariants.ts';
import { deploymentManifest, deploymentName, namespace, registry, type SceneOptions, serviceManifest, token } from './scene.ts';

export type StageOptions = SceneOptions & {
  readonly images?: Readonly<Record<string, ImageBehaviour>>;
  /** What the token may do; everything, unless told. */
  readonly identity?: Identity;
  /** Before any request comes. */
  readonly prepare?: (sandbox: Sandbox) => void;
  readonly ratePerSecond?: number;
  readonly speed?: number;
  /** Prometheus runs twice, and its series differ in this label. */
  readonly replicaLabel?: string;
  /** Whether variables and references to ConfigMaps may change. */
  readonly configures?: boolean;
};

type Inputs = Readonly<Record<string, string>>;
type RunOptions = Omit<ActionOptions, 'inputs'>;

/** What came of a run, and what it asked of the API server. */
export type Performance = { readonly result: ActionResult; readonly requests: readonly ApiRequest[] };

export type Stage = AsyncDisposable & {
  readonly sandbox: Sandbox;
  readonly served: ServedSandbox;
  /** Of the token in the kubeconfig. */
  readonly authorization: string;
  start(inputs?: Inputs, options?: RunOptions): RunningAction;
  run(inputs?: Inputs, options?: RunOptions): Promise<Performance>;
  /** Waits for what the cluster shows; the virtual clock runs on meanwhile. */
  until(what: string, isSo: () => boolean): Promise<void>;
  /** Decides over each request to the API server before it is handled. */
  onRequest(rule: (request: ApiRequest) => RequestFault | ApiResponse | undefined): void;
  /** What of ours is still there once the garbage collector and the pods' last seconds are over. */
  left(): readonly string[];
  broken(): readonly string[];
};

const startMs = 5_000;
const settleMs = 60_000;
const lastSecondsMs = 40_000;
// Virtual seconds in a real one. The action's own waits are real; pods, scrapes and requests come faster.
const defaultSpeed = 4;
const untilMs = 60_000;
const pollMs = 5;

/** A cluster in this process that the action reaches over HTTP, as it would reach any other. */
export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const sandbox = createScene(options);
  const answers = new WeakMap<ApiRequest, ApiResponse>();
  let rule: (request: ApiRequest) => RequestFault | ApiResponse | undefined = () => undefined;
  sandbox.intercept((request) => answers.get(request));
  const fault = (_n: number, request: ApiRequest): RequestFault => {
    const ruled = rule(request);
    if (typeof ruled !== 'object' || !('status' in ruled)) return ruled ?? 'none';
    answers.set(request, ruled);
    return 'none';
  };
  const served = await serve(sandbox, { namespace, token, speed: options.speed ?? defaultSpeed, fault });
  const watched = watchInvariants(sandbox, options.configures);
  const running = new Set<RunningAction>();
  const start = (inputs: Inputs = {}, runOptions: RunOptions = {}): RunningAction => {
    const action = startAction({ ...runOptions, ...actionFolder(), inputs: inputsFor(served, inputs) });
    running.add(action);
    return action;
  };
  return {
    sandbox,
    served,
    authorization: `Bearer ${token}`,
    start,
    async run(inputs, runOptions) {
      const from = served.requests().length;
      const result = await start(inputs, runOptions).done;
      return { result, requests: served.requests().slice(from) };
    },
    until: (what, isSo) => until(what, isSo),
    onRequest(next) {
      rule = next;
    },
    left() {
      sandbox.advance(lastSecondsMs);
      return leftovers(sandbox);
    },
    broken: watched.broken,
    async [Symbol.asyncDispose]() {
      for (const action of running) action.kill('SIGKILL');
      await served.close();
    },
  };
}

/** Another build than the committed one, to show that these tests fail where it is broken. */
function actionFolder(): RunOptions {
  const folder = process.env['ACTION_FOLDER'];
  return folder === undefined ? {} : { actionFolder: folder };
}

function createScene(options: StageOptions): Sandbox {
  const sandbox = createSandbox({
    seed: 7,
    startMs: Date.now() - settleMs - startMs,
    images: { ...registry, ...options.images },
    prometheus: { scrapeIntervalMs: 500, replicaLabel: options.replicaLabel },
    tokens: { [token]: options.identity ?? { user: 'ci', roles: 'all' } },
  });
  sandbox.apply(deploymentManifest(options));
  sandbox.apply(serviceManifest());
  options.prepare?.(sandbox);
  sandbox.advance(startMs);
  sandbox.traffic.start({ namespace, service: deploymentName, ratePerSecond: options.ratePerSecond ?? 500 });
  sandbox.advance(settleMs);
  return sandbox;
}

/** Short times that any user could set, with Prometheus; an input that is given as empty is left out. */
function inputsFor(served: ServedSandbox, inputs: Inputs): Inputs {
  const all: Inputs = {
    deployment: deploymentName,
    tag: 'v2',
    kubeconfig: served.kubeconfig,
    prometheus: served.prometheusUrl,
    steps: '20% for 1s, 50%',
    'min-duration': '1s',
    'dead-man': '60s',
    ...inputs,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + untilMs;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${untilMs / 1000} s in vain until ${what}`);
    await sleep(pollMs);
  }
}

/** An answer of the API server as it refuses. */
export function refusal(status: number, reason: string, message: string, headers: Readonly<Record<string, string>> = {}): ApiResponse {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code: status };
  const date = new Date().toUTCString();
  return { status, headers: { 'content-type': 'application/json', date, ...headers }, body: JSON.stringify(body) };
}

/** Waits until the journal says that the rollout of `web` is in this phase. */
export async function inPhase(stage: Stage, phase: string): Promise<void> {
  await stage.until(`the phase ${phase}`, () => phaseOf(stage) === phase);
}

/** The phase that the journal says; `none` where there is no Job. */
export function phaseOf({ sandbox }: Stage): string {
  const text = sandbox.get('jobs', namespace, `${deploymentName}-rollout`)?.metadata.annotations?.['gated-rollout.github.io/journal'];
  return text === undefined ? 'none' : (JSON.parse(text) as { state: { phase: { kind: string } } }).state.phase.kind;
}

import { createSandbox, type ImageBehaviour, type Sandbox } from '../../../sandbox/sandbox.ts';
import { createCluster } from '../../../src/kubernetes/cluster.ts';
import { createPrometheus } from '../../../src/prometheus/client.ts';
import type { Plan } from '../../../src/rollout/plan/plan.ts';
import type { ReleaseSpec } from '../../../src/rollout/spec.ts';
import { type Holder, startState } from '../../../src/rollout/state.ts';
import { release } from '../../../src/runner/deploy.ts';
import type { Cluster } from '../../../src/runner/ports.ts';
import { finishLeft } from '../../../src/runner/repair/finish-left.ts';
import { checkReplay } from '../check-replay.ts';
import { shortSpec } from '../scenario.ts';
import { watchPair } from './checker.ts';
import { type Accident, Death, PairProcess } from './client.ts';
import { logReporter } from './log-reporter.ts';

export const namespace = 'shop';
export const oldName = 'app';
export const newName = 'app-v2';

export type Story = {
  readonly replicas: number;
  readonly newReplicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly tag: string;
  readonly steps: readonly number[];
  readonly metrics: boolean;
  /** What of the spec is otherwise. */
  readonly spec?: Partial<ReleaseSpec>;
  readonly cancelledAfterMs: number | undefined;
  /** What a person does, this long after the start. */
  readonly deed: { readonly afterMs: number; readonly act: (sandbox: Sandbox) => void } | undefined;
};

export type Repair = 'post' | 'next';

export type Played = {
  readonly end: string;
  readonly writes: readonly string[];
  readonly log: readonly string[];
  readonly broken: readonly string[];
  readonly sandbox: Sandbox;
  readonly standing: string;
  readonly left: readonly string[];
  /** Verdicts of metrics that the recording has given again, by phase. */
  readonly replayed: Readonly<Record<string, number>>;
};

const fast = { startMs: 300, readyMs: 200, drainMs: 2_000 } as const;
const images: Readonly<Record<string, ImageBehaviour>> = {
  'shop/web:v0': { ...fast, version: 'v0' },
  'shop/web:v1': { ...fast, version: 'v1' },
  'shop/web:v2': { ...fast, version: 'v2' },
  'shop/web:v3': { ...fast, version: 'v3' },
  'shop/web:crash': { ...fast, version: 'crash', crashAtStart: true },
  'shop/web:never-ready': { ...fast, version: 'never-ready', neverReady: true },
  'shop/web:hangs': { ...fast, version: 'hangs', hangAfterRequests: 100 },
  'shop/web:errors': { ...fast, version: 'errors', errorRate: 0.4 },
};

export const story = (changes: Partial<Story> = {}): Story => ({
  replicas: 5,
  newReplicas: 0,
  maxSurge: 1,
  maxUnavailable: 1,
  tag: 'v2',
  steps: [20, 50, 75],
  metrics: false,
  cancelledAfterMs: undefined,
  deed: undefined,
  ...changes,
});

const settleMs = 30_000;
const staleMs = 250_000;

/** Plays one release of a pair; where its process dies, what comes after it. Everything is the production code, but for the sockets. */
export async function play(
  told: Story,
  accident?: { readonly write: number; readonly kind: Accident },
  repair: Repair = 'post',
): Promise<Played> {
  const sandbox = createSandbox({ seed: 7, startMs: 1_800_000_000_000, images, prometheus: { scrapeIntervalMs: 500 } });
  sandbox.apply(deployment(told, oldName, told.replicas, 'v1'));
  sandbox.apply(deployment(told, newName, told.newReplicas, 'v0'));
  sandbox.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  sandbox.advance(settleMs / 2);
  sandbox.traffic.start({ namespace, service: 'web', ratePerSecond: told.metrics ? 200 : 40 });
  sandbox.advance(settleMs / 2);
  const watched = watchPair(sandbox, told);
  const log: string[] = [];
  const { deed } = told;
  const startedAtMs = sandbox.now();
  let isDone = false;
  const stopWatching = sandbox.watch(() => {
    if (deed === undefined || isDone || sandbox.now() < startedAtMs + deed.afterMs) return;
    isDone = true;
    deed.act(sandbox);
    watched.pardon();
  });
  const run = await releaseOnce(sandbox, told, told.tag, 'run-1', log, accident);
  let { end } = run;
  if (end === 'died') {
    if (repair === 'post') {
      sandbox.advance(1_000);
      end = await postOf(sandbox, run, log);
    } else {
      sandbox.advance(staleMs);
      watched.retarget();
      const next = await releaseOnce(sandbox, told, 'v3', 'run-2', log, undefined);
      end = next.end;
    }
  }
  stopWatching();
  const replayed: Record<string, number> = {};
  const wrong = run.end === 'died' ? undefined : checkReplay(run.samples, replayed);
  sandbox.advance(settleMs * 3);
  const broken = [...watched.broken(), ...(wrong === undefined ? [] : [`replay: ${wrong}`])];
  return { end, writes: run.process.writes, log, broken, sandbox, standing: standing(sandbox), left: leftovers(sandbox), replayed };
}

type Run = {
  readonly end: string;
  readonly process: PairProcess;
  readonly remembered: { readonly plan: Plan; readonly jobUid: string; readonly holder: Holder } | undefined;
  readonly cancelled: boolean;
  readonly samples: readonly string[];
};

async function releaseOnce(
  sandbox: Sandbox,
  told: Story,
  tag: string,
  name: string,
  log: string[],
  accident: { readonly write: number; readonly kind: Accident } | undefined,
): Promise<Run> {
  const cancelledAtMs = told.cancelledAfterMs === undefined || name !== 'run-1' ? undefined : sandbox.now() + told.cancelledAfterMs;
  const process = new PairProcess({ sandbox, namespace, accident, cancelledAtMs });
  const cluster = clusterOf(process, log, name);
  const holder = { id: name, runUrl: `https://example.invalid/${name}`, actor: 'octocat' };
  let remembered: Run['remembered'];
  const remember = (plan: Plan, jobUid: string): void => {
    remembered = { plan, jobUid, holder };
  };
  const spec = shortSpec({
    steps: told.steps.map((weightPercent) => ({ weightPercent, holdMs: 2_000 })),
    judgedBy: told.metrics ? 'metrics' : 'readiness',
    minDurationMs: 4_000,
    canaryDeployment: newName,
    ...told.spec,
  });
  const metrics = told.metrics
    ? createPrometheus({
        address: { kind: 'service', namespace: 'monitoring', name: 'prometheus', port: '9090', scheme: 'http' },
        fetchService: (path, query) => process.get(path, { query }),
        namespace,
        queries: undefined,
      })
    : undefined;
  const request = {
    command: 'deploy' as const,
    namespace,
    deployment: oldName,
    images: { kind: 'tag' as const, tag, containers: [] },
    spec,
    readinessOnPurpose: true,
    logs: false,
    proxied: undefined,
    podsProxy: false,
    metricsIfPossible: false,
    holder,
  };
  const samples: string[] = [];
  const sink = { write: (line: string): void => void samples.push(line) };
  const ports = { cluster, metrics, reporter: logReporter(sandbox, log, name), clock: process, remember, samples: sink };
  const end = await release(request, ports, process.cancel.signal).then(
    ({ outcome }) => `${outcome.result} ${outcome.reason}`,
    (error: unknown) => {
      if (error instanceof Death) return 'died';
      log.push(`${name}: ${String(error)}`);
      return `thrown ${error instanceof Error ? error.message : String(error)}`;
    },
  );
  return { end, process, remembered, cancelled: process.cancel.signal.aborted, samples };
}

/** The post step, as post.ts runs it. */
async function postOf(sandbox: Sandbox, { remembered, cancelled }: Run, log: string[]): Promise<string> {
  if (remembered === undefined) return 'nothing remembered';
  const { plan, holder, jobUid } = remembered;
  const process = new PairProcess({ sandbox, namespace, accident: undefined, cancelledAtMs: undefined });
  const cluster = clusterOf(process, log, 'post');
  const journalled = await cluster.readJournal(plan, holder.id);
  if (journalled === undefined && jobUid === '') return 'nothing left';
  const state = journalled ?? startState(holder, jobUid, sandbox.now());
  const ports = { world: cluster.world(plan), metrics: undefined, reporter: logReporter(sandbox, log, 'post'), clock: process };
  const { outcome } = await finishLeft(ports, plan, state, cancelled);
  return `${outcome.result} ${outcome.reason}`;
}

function clusterOf(process: PairProcess, log: string[], name: string): Cluster {
  const reporter = logReporter(undefined, log, name);
  return createCluster({ client: process, namespace, deployment: oldName, pair: newName, evidence: 'events', reporter, clock: process });
}

function deployment(told: Story, name: string, replicas: number, tag: string): object {
  const probe = { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 };
  const app = { name: 'app', image: `shop/web:${tag}`, ports: [{ containerPort: 8080 }], readinessProbe: probe };
  const labels = { app: 'web', set: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { team: 'shop' } },
    spec: {
      replicas,
      selector: { matchLabels: { set: name } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: told.maxSurge, maxUnavailable: told.maxUnavailable } },
      template: { metadata: { labels }, spec: { containers: [app] } },
    },
  };
}

/** What both run, in one line: `app 5 v1, app-v2 0 v0`. */
function standing(sandbox: Sandbox): string {
  return [oldName, newName]
    .map((name) => {
      const found = sandbox.get('deployments', namespace, name);
      if (found === undefined) return `${name} gone`;
      const image = found.spec.template.spec.containers[0]?.image.replace('shop/web:', '') ?? '';
      const available = found.status?.availableReplicas ?? 0;
      return `${name} ${found.spec.replicas}${available === found.spec.replicas ? '' : ` (${available})`} ${image}`;
    })
    .join(', ');
}

function leftovers(sandbox: Sandbox): readonly string[] {
  return [
    ...sandbox.list('jobs', namespace).map((job) => `Job ${job.metadata.name}`),
    ...sandbox.list('deployments', namespace).flatMap(({ metadata }) => [
      ...Object.keys(metadata.labels ?? {})
        .filter((key) => key.startsWith('gated-rollout'))
        .map((key) => `${key} on ${metadata.name}`),
      ...(metadata.managedFields ?? []).filter((entry) => entry.manager === 'gated-rollout').map(() => `managedFields of ${metadata.name}`),
    ]),
  ];
}

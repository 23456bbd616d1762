import { createSandbox, type ImageBehaviour, type Sandbox } from '../../../sandbox/sandbox.ts';
import { createCluster } from '../../../src/kubernetes/cluster.ts';
import type { Plan } from '../../../src/rollout/plan/plan.ts';
import { type Holder, startState } from '../../../src/rollout/state.ts';
import { release } from '../../../src/runner/deploy.ts';
import type { Cluster } from '../../../src/runner/ports.ts';
import { finishLeft } from '../../../src/runner/repair/finish-left.ts';
import { marksLeft } from '../../process/invariants.ts';
import { type Accident, Death, PairProcess } from '../pair/client.ts';
import { logReporter } from '../pair/log-reporter.ts';
import { shortSpec } from '../scenario.ts';
import { watchKept } from './checker.ts';
import { blueName, greenName, namespace, serviceNames } from './scene.ts';

export type Story = {
  readonly greenReplicas: number;
  readonly tag: string;
  readonly cancelledAfterMs?: number;
};

/** What becomes of one write, or who does what before it. */
export type Event = { readonly write: number; readonly kind?: Accident; readonly deed?: (sandbox: Sandbox) => void };
export type Repair = 'post' | 'next';

export type Played = {
  readonly end: string;
  readonly writes: readonly string[];
  readonly log: readonly string[];
  readonly broken: readonly string[];
  /** `web, admin: app-2; app 0 v1, app-2 4 v2`. */
  readonly standing: string;
  readonly left: readonly string[];
  readonly sandbox: Sandbox;
};

const fast = { startMs: 300, readyMs: 200, drainMs: 2_000 } as const;
const images: Readonly<Record<string, ImageBehaviour>> = {
  'shop/web:v0': { ...fast, version: 'v0' },
  'shop/web:v1': { ...fast, version: 'v1' },
  'shop/web:v2': { ...fast, version: 'v2' },
  'shop/web:v3': { ...fast, version: 'v3' },
  'shop/web:crash': { ...fast, version: 'crash', crashAtStart: true },
};
const settleMs = 30_000;
const staleMs = 250_000;

/** Plays one flip between two Deployments of the user; where its process dies, what comes after it. All of it is the production code, but for the sockets. */
export async function play(told: Story, event?: Event, repair: Repair = 'post'): Promise<Played> {
  const sandbox = createSandbox({ seed: 7, startMs: 1_800_000_000_000, images });
  sandbox.apply(deployment(blueName, 4, 'v1', 'blue'));
  sandbox.apply(deployment(greenName, told.greenReplicas, 'v0', 'green'));
  for (const name of serviceNames) {
    const spec = { selector: { app: 'web', colour: 'blue' }, ports: [{ port: 80, targetPort: 8080 }] };
    sandbox.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec });
  }
  sandbox.advance(settleMs / 2);
  sandbox.traffic.start({ namespace, service: 'web', ratePerSecond: 40 });
  sandbox.advance(settleMs / 2);
  const watched = watchKept(sandbox);
  const log: string[] = [];
  const run = await releaseOnce(sandbox, told, told.tag, 'run-1', log, event, () => watched.pardon());
  let { end } = run;
  if (end === 'died') {
    sandbox.advance(repair === 'post' ? 1_000 : staleMs);
    end =
      repair === 'post'
        ? await postOf(sandbox, run, log)
        : (await releaseOnce(sandbox, told, 'v3', 'run-2', log, undefined, undefined)).end;
  }
  sandbox.advance(settleMs * 3);
  return {
    end,
    writes: run.process.writes,
    log,
    broken: watched.broken(),
    standing: standing(sandbox),
    left: marksLeft(sandbox, namespace),
    sandbox,
  };
}

type Run = {
  readonly end: string;
  readonly process: PairProcess;
  readonly remembered: { readonly plan: Plan; readonly jobUid: string; readonly holder: Holder } | undefined;
};

async function releaseOnce(
  sandbox: Sandbox,
  told: Story,
  tag: string,
  name: string,
  log: string[],
  event: Event | undefined,
  onDeed: (() => void) | undefined,
): Promise<Run> {
  const { cancelledAfterMs } = told;
  const cancelledAtMs = cancelledAfterMs === undefined || name !== 'run-1' ? undefined : sandbox.now() + cancelledAfterMs;
  const accident = event?.kind === undefined ? undefined : { write: event.write, kind: event.kind };
  const onWrite = (write: number): void => {
    if (event?.deed === undefined || write !== event.write) return;
    event.deed(sandbox);
    onDeed?.();
  };
  const process = new PairProcess({ sandbox, namespace, accident, cancelledAtMs, onWrite });
  const holder = { id: name, runUrl: `https://example.invalid/${name}`, actor: 'octocat' };
  let remembered: Run['remembered'];
  const remember = (plan: Plan, jobUid: string): void => {
    remembered = { plan, jobUid, holder };
  };
  const request = {
    command: 'deploy' as const,
    namespace,
    deployment: blueName,
    images: { kind: 'tag' as const, tag, containers: [] },
    spec: shortSpec({ strategy: 'blue-green', steps: [], minDurationMs: 2_000, greenDeployment: greenName }),
    readinessOnPurpose: true,
    logs: false,
    proxied: undefined,
    podsProxy: false,
    metricsIfPossible: false,
    holder,
  };
  const cluster = clusterOf(process, sandbox, log, name);
  const ports = { cluster, metrics: undefined, reporter: logReporter(sandbox, log, name), clock: process, remember };
  const end = await release(request, ports, process.cancel.signal).then(
    ({ outcome }) => `${outcome.result} ${outcome.reason}`,
    (error: unknown) => {
      if (error instanceof Death) return 'died';
      const said = error instanceof Error ? error.message : String(error);
      log.push(`${name}: ${said}`);
      return `thrown ${said}`;
    },
  );
  return { end, process, remembered };
}

/** The post step, as post.ts runs it. */
async function postOf(sandbox: Sandbox, { remembered, process: dead }: Run, log: string[]): Promise<string> {
  if (remembered === undefined) return 'nothing remembered';
  const { plan, holder, jobUid } = remembered;
  const process = new PairProcess({ sandbox, namespace, accident: undefined, cancelledAtMs: undefined });
  const cluster = clusterOf(process, sandbox, log, 'post');
  const journalled = await cluster.readJournal(plan, holder.id);
  if (journalled === undefined && jobUid === '') return 'nothing left';
  const state = journalled ?? startState(holder, jobUid, sandbox.now());
  const ports = { world: cluster.world(plan), metrics: undefined, reporter: logReporter(sandbox, log, 'post'), clock: process };
  const { outcome } = await finishLeft(ports, plan, state, dead.cancel.signal.aborted);
  return `${outcome.result} ${outcome.reason}`;
}

function clusterOf(client: PairProcess, sandbox: Sandbox, log: string[], name: string): Cluster {
  const reporter = logReporter(sandbox, log, name);
  return createCluster({ client, namespace, deployment: blueName, pair: greenName, evidence: 'events', reporter, clock: client });
}

function deployment(name: string, replicas: number, tag: string, colour: string): object {
  const probe = { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 };
  const app = { name: 'app', image: `shop/web:${tag}`, ports: [{ containerPort: 8080 }], readinessProbe: probe };
  const labels = { app: 'web', colour };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { team: 'shop' } },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [app] } } },
  };
}

function standing(sandbox: Sandbox): string {
  const led = serviceNames.map((name) => sandbox.get('services', namespace, name)?.spec.selector?.['colour'] ?? 'nobody');
  const two = [blueName, greenName].map((name) => {
    const found = sandbox.get('deployments', namespace, name);
    if (found === undefined) return `${name} gone`;
    const image = found.spec.template.spec.containers[0]?.image.replace('shop/web:', '') ?? '';
    const available = found.status?.availableReplicas ?? 0;
    return `${name} ${found.spec.replicas}${available === found.spec.replicas ? '' : ` (${available})`} ${image}`;
  });
  return `${[...new Set(led)].join(' and ')}: ${two.join(', ')}`;
}

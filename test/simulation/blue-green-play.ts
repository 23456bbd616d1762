import { createSandbox, type ImageBehaviour, type Sandbox } from '../../sandbox/sandbox.ts';
import { createPrometheus } from '../../src/prometheus/client.ts';
import { recordAnnotation } from '../../src/rollout/names.ts';
import type { Plan } from '../../src/rollout/plan/plan.ts';
import type { ReleaseSpec } from '../../src/rollout/spec.ts';
import type { Holder } from '../../src/rollout/state.ts';
import type { MetricsSource, Reporter } from '../../src/runner/ports.ts';
import { leftovers, watchInvariants } from '../process/invariants.ts';
import { deploymentManifest, imagesOf, isComplete, namespace, serviceManifest } from '../process/scene.ts';
import { advance, BlueGreenClient, type Fate } from './blue-green-client.ts';
import { checkReplay } from './check-replay.ts';
import { shortSpec } from './scenario.ts';
import type { Subject } from './subject.ts';

export type Script = {
  readonly name: string;
  readonly image?: ImageBehaviour;
  /** Judged by metrics, and what of the spec is otherwise then. */
  readonly metrics?: Partial<ReleaseSpec>;
  readonly requestsPerSecond?: number;
  readonly services?: readonly string[];
  /** What becomes of the nth write of the first run. */
  readonly at?: { readonly write: number; readonly fate?: Fate; readonly deed?: (sandbox: Sandbox) => void };
  readonly repair?: 'post' | 'next' | 'none';
  /** To which a person leads the Service `web`: it must stand at the end. */
  readonly keeps?: string;
  /** Somebody deletes the Job. */
  readonly jobDeleted?: boolean;
  /** Changes that are a person's: the Service, or the Deployment, may be left as they want it. */
  readonly personChanged?: boolean;
};

export type Played = {
  readonly violations: readonly string[];
  readonly end: string;
  readonly writes: number;
  readonly log: readonly string[];
  /** Verdicts of metrics that the recording has given again, by phase. */
  readonly replayed: Readonly<Record<string, number>>;
};

const good: ImageBehaviour = { startMs: 200, readyMs: 100 };
const spec: ReleaseSpec = shortSpec({ strategy: 'blue-green', steps: [], minDurationMs: 2_000 });
const staleMs = 245_000;
const metricsRate = 300;
const hourMs = 3_700_000;

/** Plays one release of blue-green on the sandbox, and who comes after it; says what the cluster saw that must not be. */
export async function playBlueGreen(script: Script, subject: Subject): Promise<Played> {
  const { services = ['web'], repair = 'none' } = script;
  const sandbox = stage(services, script.image ?? good, script.requestsPerSecond ?? (script.metrics === undefined ? 20 : metricsRate));
  const log: string[] = [];
  const violations = new Set<string>();
  const watched = watchInvariants(sandbox);
  watchFlips(sandbox, services, (text) => void violations.add(text), script);
  const samples: string[] = [];
  const replayed: Record<string, number> = {};
  const stray: { atMs: number; send: () => void }[] = [];
  let remembered: { plan: Plan; jobUid: string; holder: Holder } | undefined;

  const client = (fateOf: (n: number) => Fate | undefined): BlueGreenClient =>
    new BlueGreenClient({ sandbox, subject, fateOf, log: (line) => void log.push(line) }, stray);
  const run = async (name: string, tag: string, mine: BlueGreenClient): Promise<string> => {
    const holder = { id: name, runUrl: 'https://example.invalid', actor: 'octocat' };
    const reporter = reporterTo(log, name);
    const cluster = subject.createCluster({ client: mine, namespace, deployment: 'web', evidence: 'none', reporter, clock: mine.clock });
    const remember = (plan: Plan, jobUid: string): void => {
      if (name === 'first') remembered = { plan, jobUid, holder };
    };
    const request = {
      command: 'deploy' as const,
      namespace,
      deployment: 'web',
      images: { kind: 'by-container' as const, images: { app: `shop/web:${tag}` } },
      spec: script.metrics === undefined ? spec : { ...spec, judgedBy: 'metrics' as const, ...script.metrics },
      readinessOnPurpose: true,
      logs: false,
      proxied: undefined,
      podsProxy: false,
      metricsIfPossible: false,
      holder,
    };
    const metrics = script.metrics === undefined ? undefined : prometheusOf(mine);
    const sink = { write: (line: string): void => void (name === 'first' && samples.push(line)) };
    const ending = subject
      .release(request, { cluster, metrics, reporter, clock: mine.clock, remember, samples: sink }, new AbortController().signal)
      .then(
        ({ outcome }) => `${outcome.result} ${outcome.reason}`,
        (error: unknown) => `threw ${error instanceof Error ? error.message : String(error)}`,
      );
    return Promise.race([ending, mine.death]);
  };

  const first = client((n) => {
    if (n !== script.at?.write) return undefined;
    script.at.deed?.(sandbox);
    return script.at.fate;
  });
  const end = await run('first', 'v2', first);
  log.push(`== first ends: ${end}`);
  if (end === 'died' && repair === 'post' && remembered !== undefined) {
    const { plan, jobUid, holder } = remembered;
    const mine = client(() => undefined);
    const reporter = reporterTo(log, 'post');
    const cluster = subject.createCluster({ client: mine, namespace, deployment: 'web', evidence: 'none', reporter, clock: mine.clock });
    const journalled = await cluster.readJournal(plan, holder.id);
    if (journalled !== undefined || jobUid !== '') {
      const state = journalled ?? subject.startState(holder, jobUid, sandbox.now());
      const done = await subject.finishLeft(
        { world: cluster.world(plan), metrics: undefined, reporter, clock: mine.clock },
        plan,
        state,
        false,
      );
      log.push(`== post ends: ${done.outcome.result} ${done.outcome.reason}: ${done.outcome.because}`);
    }
  }
  if (repair === 'next') {
    advance(sandbox, stray, staleMs);
    const next = await run(
      'next',
      'v3',
      client(() => undefined),
    );
    log.push(`== next ends: ${next}`);
    if (next !== 'promoted gates-passed' && script.personChanged !== true) violations.add(`I6: the next run ended with ${next}`);
  }
  // Without a next run only time is left, and then what was asleep has woken up long ago.
  advance(sandbox, stray, repair === 'post' && sandbox.list('jobs', namespace).length > 0 ? hourMs : 150_000);
  for (const broken of watched.broken())
    if (
      !(script.personChanged === true ? /^I[128]/u : /^I8/u).test(broken) ||
      !(script.personChanged === true || script.image?.crashAfterMs !== undefined)
    )
      violations.add(broken);
  if (repair !== 'none' || end !== 'died') judgeEnd(sandbox, services, script, end, violations);
  if (script.image === undefined && script.personChanged !== true && sandbox.traffic.clientStats().failed > 0)
    violations.add(`clients: ${sandbox.traffic.clientStats().failed} requests failed`);
  const wrong = end === 'died' ? undefined : checkReplay(samples, replayed);
  if (wrong !== undefined) violations.add(`replay: ${wrong}`);
  return { violations: [...violations], end, writes: first.writes, log, replayed };
}

function prometheusOf(client: BlueGreenClient): MetricsSource {
  return createPrometheus({
    address: { kind: 'service', namespace: 'monitoring', name: 'prometheus', port: '9090', scheme: 'http' },
    fetchService: (path, query) => client.get(path, { query }),
    namespace,
    queries: undefined,
  });
}

function stage(services: readonly string[], image: ImageBehaviour, ratePerSecond: number): Sandbox {
  const images = {
    'shop/web:v1': { ...good, version: 'v1' },
    'shop/web:v2': { ...image, version: 'v2' },
    'shop/web:v3': { ...good, version: 'v3' },
  };
  const sandbox = createSandbox({ seed: 3, startMs: 1_800_000_000_000, images, prometheus: { scrapeIntervalMs: 500 } });
  sandbox.apply(deploymentManifest());
  for (const name of services) sandbox.apply({ ...serviceManifest(), metadata: { name, namespace } });
  sandbox.advance(10_000);
  sandbox.traffic.start({ namespace, service: 'web', ratePerSecond });
  sandbox.advance(2_000);
  return sandbox;
}

/** A Service leads to green only while green is complete, has no owner, and a record says so; green goes only when nobody is led to it. */
function watchFlips(
  sandbox: Sandbox,
  services: readonly string[],
  violate: (text: string) => void,
  { jobDeleted: jobMayGo = false, personChanged = false }: Script,
): void {
  const colour = (name: string) => sandbox.get('services', namespace, name)?.spec.selector?.['app'];
  sandbox.watch(({ resource, type, object, previous }) => {
    if (
      resource === 'deployments' &&
      object.metadata.name === 'web-green' &&
      (type === 'DELETED' || object.metadata.deletionTimestamp !== undefined)
    ) {
      for (const name of services) if (colour(name) === 'web-green') violate(`I8: green was deleted while Service ${name} led to it`);
      return;
    }
    if (resource !== 'services' || !services.includes(object.metadata.name) || type !== 'MODIFIED') return;
    const selectorOf = (one: unknown) => (one as { spec?: { selector?: Record<string, string> } } | undefined)?.spec?.selector?.['app'];
    const stable = sandbox.get('deployments', namespace, 'web');
    if (selectorOf(object) === 'web' && selectorOf(previous) === 'web-green') {
      const { replicas, updatedReplicas, availableReplicas } = stable?.status ?? {};
      const complete = [replicas, updatedReplicas, availableReplicas].every((count) => count === stable?.spec.replicas);
      if (!complete && !personChanged) violate('order: flipped back to a Deployment that was not complete');
    }
    if (selectorOf(object) !== 'web-green' || selectorOf(previous) === 'web-green') return;
    const green = sandbox.get('deployments', namespace, 'web-green');
    const job = sandbox.get('jobs', namespace, 'web-rollout');
    if (green === undefined || green.status?.availableReplicas !== green.spec.replicas)
      violate('order: flipped to a green that was not complete');
    if ((green?.metadata.ownerReferences ?? []).length > 0) violate('I5: flipped while the Job still owned green');
    if (green !== undefined && green.metadata.annotations?.[recordAnnotation] === undefined) violate('record: green carries no record');
    // A person who deletes the Job between the last look and the flip takes the record away; green's own record is left.
    if (job === undefined && jobMayGo) return;
    const journal = job?.metadata.annotations?.['gated-rollout.github.io/journal'] ?? '{}';
    const phase = (JSON.parse(journal) as { state?: { phase?: { kind?: string } } }).state?.phase?.kind;
    if (phase !== 'flipping') violate(`journal: flipped in phase ${phase ?? 'none'}`);
    const startMs = Date.parse(job?.status?.startTime ?? '');
    const leftMs = startMs + (job?.spec.activeDeadlineSeconds ?? 0) * 1000 - sandbox.now();
    if (!(leftMs > 3_000_000)) violate(`record: the Job outlives the flip by ${leftMs} ms only`);
    if (object.metadata.annotations?.['gated-rollout.github.io/rollout'] === undefined) violate('I4: flipped without a fence');
  });
}

function judgeEnd(sandbox: Sandbox, services: readonly string[], script: Script, end: string, violations: Set<string>): void {
  for (const name of services) {
    const selector = sandbox.get('services', namespace, name)?.spec.selector?.['app'];
    if (selector !== 'web' && script.personChanged !== true) violations.add(`I2: Service ${name} was left with ${selector}`);
    if (selector === 'web-green') violations.add(`I8: Service ${name} was left with green`);
  }
  // A fence that a sleeper puts up when all is over guards nothing: the next run replaces it, as docs/crash-safety.md says.
  const left = leftovers(sandbox).filter((one) => script.at?.fate?.kind !== 'sleeps' || !/^(?:label|annotation|our entry)/u.test(one));
  if (left.length > 0) violations.add(`I7: left ${left.join(', ')}`);
  const kept = sandbox.get('services', namespace, 'web')?.spec.selector?.['app'];
  if (script.keeps !== undefined && kept !== script.keeps)
    violations.add(`I10: a person led the Service to ${script.keeps}, ${kept ?? 'nobody'} stands`);
  if (script.personChanged === true) return;
  if (!isComplete(sandbox, 'web')) violations.add('I1: the Deployment is not complete');
  const images = imagesOf(sandbox).join();
  if (end.startsWith('promoted') && script.repair !== 'next' && images !== 'shop/web:v2')
    violations.add(`I12: promoted, but ${images} stands`);
  if ((end.startsWith('rolled-back') || end.startsWith('inconclusive')) && script.repair !== 'next' && images !== 'shop/web:v1')
    violations.add(`I12: ${end}, but ${images} stands`);
}

function reporterTo(log: string[], name: string): Reporter {
  const say = (text: string): void => void log.push(`${name}: ${text}`);
  return {
    phase: (title) => say(`== ${title}`),
    write: ({ object, from, to, because }) => say(`${object}: ${from} -> ${to} (${because})`),
    info: say,
    warning: say,
    quote: () => undefined,
    outcome: () => undefined,
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type ActionOptions, type ActionResult, type RunningAction, startAction } from '../../runner/run-action.ts';
import { type Evidence, type Exposure, type Judgement, judge, measureExposure } from './checker.ts';
import type { Baseline, Expectation } from './expectation.ts';
import { readNames } from './judge-leftovers.ts';
import { judgePrinted } from './judge-printed.ts';
import { readAccess } from './kubeconfig.ts';
import { kubectlOrThrow } from './kubectl.ts';
import { Api, pathsOf } from './kubernetes.ts';
import { describeLoad, Load } from './load.ts';
import { type ContainerSpec, type DeploymentSpec, deploymentManifest, loadManifest, serviceManifest } from './manifests.ts';
import { Metrics, prometheusAddress } from './metrics.ts';
import { createNamespace, removeNamespace } from './namespaces.ts';
import { peakPods } from './peak-pods.ts';
import type { Deployment, Service } from './shapes.ts';
import { findTarget, imageOf, type Target } from './target.ts';
import { podsWithImage } from './timeline.ts';
import { Watcher } from './watcher.ts';

export interface SceneOptions {
  /** A key of the cluster's images; any other reference goes into `containers`. */
  readonly image?: string;
  readonly containers?: readonly ContainerSpec[];
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly scrapeInterval?: string | undefined;
  readonly minReadySeconds?: number;
  readonly labelled?: boolean;
  readonly announced?: boolean;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly created?: 'apply' | 'apply-server-side' | 'api';
  readonly load?: boolean;
  /** ConfigMaps of a person that are there before the Deployment. */
  readonly configMaps?: readonly object[];
  readonly rate?: number;
  readonly podSpec?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

const deadlineMs = 60_000;

/** One namespace with a Deployment `web`, a Service `web` and clients; everything that a scenario needs to act and to see. */
export class Scene {
  readonly target: Target;
  readonly api: Api;
  readonly namespace: string;
  readonly paths: ReturnType<typeof pathsOf>;
  readonly watcher: Watcher;
  readonly load: Load;
  readonly metrics: Metrics;
  readonly runs: RunningAction[] = [];
  readonly ended: ActionResult[] = [];
  /** What must appear in no log, summary, output or journal. */
  readonly secrets: string[] = [];
  readonly figures: Record<string, number | string> = {};
  failedRequests = 0;
  clients = '';
  private peakPods = 0;
  private baselineTaken: Baseline | undefined;
  private readonly options: SceneOptions;

  private constructor(target: Target, api: Api, namespace: string, options: SceneOptions) {
    this.target = target;
    this.api = api;
    this.namespace = namespace;
    this.options = options;
    this.paths = pathsOf(namespace);
    this.watcher = new Watcher(api, namespace);
    this.load = new Load(api, namespace);
    this.metrics = new Metrics(api, namespace);
  }

  static async create(title: string, options: SceneOptions): Promise<Scene> {
    const target = findTarget();
    const api = new Api(readAccess(target));
    const scene = new Scene(target, api, await createNamespace(api, title), options);
    try {
      await scene.build();
    } catch (error) {
      await scene.remove();
      throw error;
    }
    return scene;
  }

  image(tag: string): string {
    return imageOf(this.target, tag);
  }

  manifest(changes: Partial<DeploymentSpec> = {}): object {
    const { image = 'v1', env } = this.options;
    const containers = this.options.containers ?? [
      { name: 'web', image: this.image(image), port: 8080, ...(env === undefined ? {} : { env }) },
    ];
    return deploymentManifest({
      name: 'web',
      containers,
      replicas: this.options.replicas ?? 4,
      scrapeInterval: 'scrapeInterval' in this.options ? this.options.scrapeInterval : '2s',
      minReadySeconds: this.options.minReadySeconds,
      labelled: this.options.labelled ?? true,
      announced: this.options.announced ?? true,
      podLabels: this.options.podLabels,
      ...(this.options.podSpec === undefined ? {} : { podSpec: this.options.podSpec }),
      ...(this.options.spec === undefined ? {} : { spec: this.options.spec }),
      ...changes,
    });
  }

  get baseline(): Baseline {
    if (this.baselineTaken === undefined) throw new Error('the scene does not stand yet');
    return this.baselineTaken;
  }

  /** What everything is compared with: taken when the scene stands, and again after a person's own preparations. */
  async takeBaseline(): Promise<void> {
    const [deployment, service, names] = await Promise.all([
      this.api.get<Deployment>(this.paths.deployment('web')),
      this.api.get<Service>(this.paths.service('web')),
      readNames(this.api, this.namespace),
    ]);
    if (this.options.load !== false) {
      await this.load.goOn();
      await this.load.reset();
    }
    this.baselineTaken = { atMs: Date.now(), deployment, service, names };
  }

  start(inputs: Readonly<Record<string, string>>, options: Partial<ActionOptions> = {}): RunningAction {
    const defaults = {
      deployment: 'web',
      namespace: this.namespace,
      steps: '20% for 5s, 50%',
      prometheus: prometheusAddress,
      'min-duration': '15s',
      'ready-timeout': '60s',
      timeout: '3m',
    };
    const given = Object.entries({ ...defaults, ...inputs }).filter(([, value]) => value !== '');
    const folder = process.env['ACTION_FOLDER'];
    const running = startAction({
      ...(folder === undefined ? {} : { actionFolder: folder }),
      ...options,
      inputs: Object.fromEntries(given),
      env: { KUBECONFIG: this.target.kubeconfig, ...options.env },
    });
    this.runs.push(running);
    void running.done.then(
      (result) => this.ended.push(result),
      () => undefined,
    );
    return running;
  }

  async release(inputs: Readonly<Record<string, string>>, options: Partial<ActionOptions> = {}): Promise<ActionResult> {
    return await this.start(inputs, options).done;
  }

  /** Lets the last pods go and the last requests end, then judges. */
  async judge(expectation: Expectation, settleMs = 2_000): Promise<Judgement> {
    await sleep(settleMs);
    const stats = this.options.load === false ? undefined : await this.load.settled();
    const evidence: Evidence = { api: this.api, namespace: this.namespace, history: this.watcher.history, baseline: this.baseline, stats };
    const judgement = await judge(evidence, expectation);
    this.failedRequests = judgement.failedRequests;
    this.clients = judgement.clients;
    this.notePeakPods();
    const printed = judgePrinted(this.ended, this.watcher.history.jobs, [this.api.token, ...this.secrets]);
    return { ...judgement, problems: [...judgement.problems, ...printed] };
  }

  /** For a scenario that ended before it was judged: what the clients got until then. */
  async noteClients(): Promise<void> {
    if (this.options.load === false) return;
    try {
      const stats = await this.load.stats();
      this.failedRequests = stats.failed;
      this.clients = describeLoad(stats);
    } catch (error) {
      this.clients = `not known: ${String(error)}`;
    }
  }

  /** The largest of those since each baseline: what a person prepares before the next one is not of the release. */
  notePeakPods(): number {
    this.peakPods = Math.max(this.peakPods, peakPods(this.watcher.history.pods, this.baseline.atMs));
    return this.peakPods;
  }

  async exposure(tag: string): Promise<Exposure | undefined> {
    return await measureExposure(this.watcher.history, 'web', podsWithImage(this.watcher.history, this.image(tag)), this.metrics);
  }

  async remove(): Promise<void> {
    for (const run of this.runs) run.kill('SIGKILL');
    await this.watcher.stop();
    await removeNamespace(this.api, this.namespace);
    await this.api.close();
  }

  private async build(): Promise<void> {
    await this.watcher.start();
    for (const configMap of this.options.configMaps ?? []) await this.api.create(this.paths.configMaps, configMap, 'person');
    const manifest = this.manifest();
    const created = this.options.created ?? 'apply';
    if (created === 'api') await this.api.create(this.paths.deployments, manifest, 'person');
    else
      await kubectlOrThrow(
        this.target,
        ['apply', ...(created === 'apply' ? [] : ['--server-side']), '-n', this.namespace, '-f', '-'],
        JSON.stringify(manifest),
      );
    const service = await this.api.create<Service>(this.paths.services, serviceManifest('web', 'web'), 'person');
    const replicas = this.options.replicas ?? 4;
    await this.watcher.until(`${replicas} available replicas of web`, deadlineMs, (history) => {
      const web = history.deployments.at(-1)?.object;
      return web?.status?.availableReplicas === replicas && web.status.observedGeneration === web.metadata.generation;
    });
    if (this.options.load !== false) {
      await this.api.create(this.paths.pods, loadManifest(`http://${service.spec.clusterIP}/`, this.options.rate ?? 100));
      await this.load.flows(deadlineMs);
      if (this.options.announced !== false) await this.metrics.counts(replicas, deadlineMs);
    }
    await this.takeBaseline();
  }
}

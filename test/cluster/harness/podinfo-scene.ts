import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ActionResult, startAction } from '../../runner/run-action.ts';
import { podinfoFolder } from '../build.ts';
import { judgeClients } from './judge-clients.ts';
import { readNames } from './judge-leftovers.ts';
import { readAccess } from './kubeconfig.ts';
import { kubectlOrThrow } from './kubectl.ts';
import { Api, pathsOf } from './kubernetes.ts';
import { Load } from './load.ts';
import { loadManifest } from './manifests.ts';
import { Metrics, prometheusAddress } from './metrics.ts';
import { createNamespace, removeNamespace } from './namespaces.ts';
import type { Deployment, Service } from './shapes.ts';
import { findTarget, type Target } from './target.ts';

const deadlineMs = 90_000;
const firstTag = '6.9.2';

/** podinfo as its own repository deploys it, with clients; its manifests are read from its module and applied as they are. */
export class PodinfoScene {
  readonly target: Target;
  readonly api: Api;
  readonly namespace: string;
  readonly load: Load;
  private readonly manifests: string;
  private names: ReadonlySet<string> = new Set();

  private constructor(target: Target, api: Api, namespace: string, manifests: string) {
    this.target = target;
    this.api = api;
    this.namespace = namespace;
    this.manifests = manifests;
    this.load = new Load(api, namespace);
  }

  static async create(title: string, serverSide: boolean): Promise<PodinfoScene> {
    const target = findTarget();
    const api = new Api(readAccess(target));
    const folder = join(await podinfoFolder(), 'kustomize');
    const files = ['deployment.yaml', 'service.yaml', 'hpa.yaml'].map(async (file) => await readFile(join(folder, file), 'utf8'));
    const scene = new PodinfoScene(target, api, await createNamespace(api, title), (await Promise.all(files)).join('\n---\n'));
    try {
      await scene.build(serverSide);
    } catch (error) {
      await scene.remove();
      throw error;
    }
    return scene;
  }

  async release(inputs: Readonly<Record<string, string>>): Promise<ActionResult> {
    const defaults = {
      deployment: 'podinfo',
      namespace: this.namespace,
      prometheus: prometheusAddress,
      'min-duration': '10s',
      timeout: '4m',
    };
    return await startAction({ inputs: { ...defaults, ...inputs }, env: { KUBECONFIG: this.target.kubeconfig } }).done;
  }

  async deployment(): Promise<Deployment> {
    return await this.api.get<Deployment>(pathsOf(this.namespace).deployment('podinfo'));
  }

  /** Applies podinfo's manifests with this tag; answers the Deployment's spec and revision before and after. Its generation moves with annotations too. */
  async applyAgain(tag: string, serverSide: boolean): Promise<{ readonly before: object; readonly after: object }> {
    const standing = async (): Promise<object> => {
      const { metadata, spec } = await this.deployment();
      return { spec, revision: metadata.annotations?.['deployment.kubernetes.io/revision'] };
    };
    const before = await standing();
    await this.apply(tag, serverSide);
    return { before, after: await standing() };
  }

  /** What is wrong now: requests that failed, objects that are left. */
  async problems(): Promise<readonly string[]> {
    const left = [...(await readNames(this.api, this.namespace))].filter((name) => !this.names.has(name));
    return [...judgeClients(await this.load.settled(), { failures: 'none' }), ...left.map((name) => `I7: ${name} is left`)];
  }

  async remove(): Promise<void> {
    await removeNamespace(this.api, this.namespace);
    await this.api.close();
  }

  private async apply(tag: string, serverSide: boolean): Promise<void> {
    const manifests = this.manifests.replaceAll(`podinfo:${firstTag}`, `podinfo:${tag}`);
    await kubectlOrThrow(this.target, ['apply', ...(serverSide ? ['--server-side'] : []), '-n', this.namespace, '-f', '-'], manifests);
  }

  private async build(serverSide: boolean): Promise<void> {
    await this.apply(firstTag, serverSide);
    const end = Date.now() + deadlineMs;
    // Its HorizontalPodAutoscaler wants two.
    for (let available = 0; available < 2; await sleep(300)) {
      available = (await this.deployment()).status?.availableReplicas ?? 0;
      if (Date.now() > end) throw new Error(`podinfo is not available: ${available} pods`);
    }
    const service = await this.api.get<Service>(pathsOf(this.namespace).service('podinfo'));
    await this.api.create(pathsOf(this.namespace).pods, loadManifest(`http://${service.spec.clusterIP}:9898/`, 100));
    await this.load.flows(deadlineMs);
    await new Metrics(this.api, this.namespace).counts(2, deadlineMs);
    this.names = await readNames(this.api, this.namespace);
    await this.load.reset();
  }
}

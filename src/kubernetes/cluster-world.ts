import { Fault } from '../errors.ts';
import type { Command } from '../rollout/command.ts';
import { journalTimeoutMs } from '../rollout/heartbeat.ts';
import { rolloutLabel } from '../rollout/names.ts';
import type { BlueGreenFacts, PodFacts } from '../rollout/observation.ts';
import { keepsGreen } from '../rollout/plan/kept-green-plan.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import type { RolloutState } from '../rollout/state.ts';
import type { ClusterObservation, Reporter, World } from '../runner/ports.ts';
import type { KubernetesClient } from './client/rest-client.ts';
import type { ConfigMapContent } from './config-map-content.ts';
import { configMapFacts, listVersions } from './inspection/config-map-facts.ts';
import { metricsEndpointsOf } from './inspection/metrics-endpoint.ts';
import type { PodEvidenceReader } from './inspection/pod-evidence.ts';
import { currentReplicaSet, noEvidence, ownedBy, podFacts, stableFacts, workloadFacts } from './inspection/workload-facts.ts';
import { selectorQuery } from './label-selector.ts';
import { jobFacts } from './manifests/job.ts';
import { trialSelector } from './manifests/trial.ts';
import { journalPatch } from './patches/patches.ts';
import { serviceFacts } from './patches/service-patches.ts';
import { paths } from './paths.ts';
import type { RawDeployment, RawJob, RawList, RawPod, RawReplicaSet, RawService } from './raw.ts';
import { showsRelease } from './template-fields.ts';
import type { BlueGreenSnapshot } from './writes/blue-green-commands.ts';
import { type ClusterSnapshot, writeCommand } from './writes/commands.ts';
import { releasesConfigMaps } from './writes/config-map-commands.ts';

export type ClusterWorldOptions = {
  readonly client: KubernetesClient;
  readonly plan: Plan;
  readonly evidence: PodEvidenceReader;
  readonly reporter: Reporter;
  /** What this run has read in the repository. */
  readonly configMaps?: readonly ConfigMapContent[] | undefined;
};

type Selected = { readonly pods: readonly RawPod[]; readonly replicaSets: readonly RawReplicaSet[] };

const nothingRead: Selected = { pods: [], replicaSets: [] };

/** The cluster behind the API server. Keeps only the last answers, so that a write can test what the decision was made on. */
export class ClusterWorld implements World {
  readonly #client: KubernetesClient;
  readonly #plan: Plan;
  readonly #evidence: PodEvidenceReader;
  readonly #reporter: Reporter;
  readonly #configMaps: readonly ConfigMapContent[];
  #seen: ClusterSnapshot = { job: undefined, stable: undefined, canary: undefined };

  constructor(options: ClusterWorldOptions) {
    this.#client = options.client;
    this.#plan = options.plan;
    this.#evidence = options.evidence;
    this.#reporter = options.reporter;
    this.#configMaps = options.configMaps ?? [];
  }

  async observe(signal: AbortSignal): Promise<ClusterObservation> {
    const { namespace, deployment } = this.#plan.target;
    const { names } = this.#plan;
    const [job, stable, canary, configMaps, pair, blueGreen] = await Promise.all([
      this.#client.find<RawJob>(paths.job(namespace, names.job), { signal }),
      this.#client.find<RawDeployment>(paths.deployment(namespace, deployment), { signal }),
      this.#client.find<RawDeployment>(paths.deployment(namespace, names.canary), { signal }),
      releasesConfigMaps(this.#plan) ? listVersions(this.#client, namespace, this.#plan.target.uid, signal) : undefined,
      this.#plan.pair === undefined
        ? undefined
        : this.#client.find<RawDeployment>(paths.deployment(namespace, this.#plan.pair.name), { signal }),
      this.#observeBlueGreen(signal),
    ]);
    // A trial pod does not carry the labels that the Deployment's own pods are found by.
    const trial = this.#plan.trial === undefined || canary === undefined ? undefined : trialSelector(this.#plan);
    const selectors = [stable?.spec?.selector ?? canary?.spec?.selector, blueGreen?.green?.spec?.selector, trial, pair?.spec?.selector];
    const [own = nothingRead, ...beside] = await Promise.all(selectors.map((selector) => this.#readSelected(selector, signal)));
    const { replicaSets } = own;
    this.#seen = { job, stable, canary, pair, blueGreen, ...(configMaps === undefined ? {} : { configMaps, replicaSets }) };
    // Where the selectors overlap, a pod is in several lists.
    const allPods = once([...own.pods, ...beside.flatMap((found) => found.pods)]);
    return this.#facts(allPods, once([...replicaSets, ...beside.flatMap((found) => found.replicaSets)]), signal);
  }

  async #readSelected(selector: Parameters<typeof selectorQuery>[0] | undefined, signal: AbortSignal): Promise<Selected> {
    if (selector === undefined) return nothingRead;
    const { namespace } = this.#plan.target;
    const query = { labelSelector: selectorQuery(selector) };
    const [pods, replicaSets] = await Promise.all([
      this.#client.get<RawList<RawPod>>(paths.pods(namespace), { query, signal }),
      this.#client.get<RawList<RawReplicaSet>>(paths.replicaSets(namespace), { query, signal }),
    ]);
    return { pods: pods.items, replicaSets: replicaSets.items };
  }

  /** Green, its preview Service and the user's Services; undefined for every other strategy. */
  async #observeBlueGreen(signal: AbortSignal): Promise<BlueGreenSnapshot | undefined> {
    const { target, names, blueGreen } = this.#plan;
    if (blueGreen === undefined) return undefined;
    const find = async (name: string) => this.#client.find<RawService>(paths.service(target.namespace, name), { signal });
    const [green, preview, ...services] = await Promise.all([
      // The user's green is the second one of a pair, and nothing that could be deleted.
      keepsGreen(this.#plan) ? undefined : this.#client.find<RawDeployment>(paths.deployment(target.namespace, names.green), { signal }),
      find(names.preview),
      ...blueGreen.services.map(find),
    ]);
    return { green, preview, services: Object.fromEntries(blueGreen.services.map((name, index) => [name, services[index]])) };
  }

  async #facts(pods: readonly RawPod[], replicaSets: readonly RawReplicaSet[], signal: AbortSignal): Promise<ClusterObservation> {
    const { job, stable, canary, configMaps, pair } = this.#seen;
    const podsOf = (deployment: RawDeployment | undefined, current: boolean): readonly RawPod[] => {
      if (deployment === undefined) return [];
      const sets = current ? [currentReplicaSet(deployment, replicaSets)] : ownedBy(replicaSets, deployment.metadata?.uid);
      return sets.flatMap((set) => ownedBy(pods, set?.metadata?.uid));
    };
    const all = podsOf(stable, false);
    const green = this.#seen.blueGreen?.green;
    const newest = { stable: podsOf(stable, true), canary: podsOf(canary, true), green: podsOf(green, true), pair: podsOf(pair, true) };
    // Stable's own pods are judged only once they run the image that we sent: before that their troubles are not ours to explain.
    const promoted = showsRelease(this.#plan, stable?.spec?.template);
    const evidence = await this.#evidence.read(
      [...newest.canary, ...newest.green, ...newest.pair, ...(promoted ? newest.stable : [])],
      signal,
    );
    const facts = (pod: RawPod) => podFacts(pod, evidence.get(pod.metadata?.uid ?? '') ?? noEvidence);
    return {
      nowMs: this.#client.serverNowMs(),
      job: job === undefined ? undefined : jobFacts(job),
      stable:
        stable === undefined
          ? undefined
          : { ...stableFacts(stable, newest.stable.map(facts), this.#plan), servingPods: all.filter(isServing).length },
      canary: canary === undefined ? undefined : workloadFacts(canary, newest.canary.map(facts)),
      ...(configMaps === undefined ? {} : { configMaps: configMapFacts(configMaps, stable, replicaSets) }),
      blueGreen: this.#blueGreenFacts(newest.green.map(facts)),
      ...(pair === undefined ? {} : { pair: stableFacts(pair, newest.pair.map(facts), this.#plan) }),
      podNames: {
        green: (keepsGreen(this.#plan) ? newest.pair : podsOf(green, false)).map(nameOf),
        stable: all.map(nameOf),
        canary: [...podsOf(canary, false), ...newest.pair].map(nameOf),
        endpoints: metricsEndpointsOf([...all, ...podsOf(canary, false), ...podsOf(green, false), ...newest.pair]),
        // Before our images stand, the newest template is the old version.
        updated: promoted ? newest.stable.map(nameOf) : [],
        outdated: all.filter((pod) => !promoted || !newest.stable.includes(pod)).map(nameOf),
      },
    };
  }

  #blueGreenFacts(pods: readonly PodFacts[]): BlueGreenFacts | undefined {
    const { blueGreen: colours } = this.#plan;
    const { blueGreen: seen } = this.#seen;
    if (colours === undefined || seen === undefined) return undefined;
    const { green, preview } = seen;
    const owned = (green?.metadata?.ownerReferences ?? []).length > 0;
    const { labels, deletionTimestamp } = preview?.metadata ?? {};
    return {
      green: green === undefined ? undefined : { ...workloadFacts(green, pods), owned },
      preview: preview === undefined ? undefined : { rollout: labels?.[rolloutLabel], terminating: deletionTimestamp !== undefined },
      services: colours.services.map((name) => serviceFacts(name, seen.services[name], colours)),
    };
  }

  async apply(command: Command, because: string): Promise<void> {
    const context = { client: this.#client, plan: this.#plan, seen: this.#seen, reporter: this.#reporter, configMaps: this.#configMaps };
    await writeCommand(context, command, because);
  }

  async journal(state: RolloutState, deadlineMs: number): Promise<void> {
    const { job } = this.#seen;
    const startedAtMs = job === undefined ? undefined : jobFacts(job).startedAtMs;
    if (job !== undefined && jobFacts(job).holder !== state.holder.id)
      throw new Fault('conflict', 'another run has taken this rollout over', false);
    if (job === undefined) throw new Fault('not-found', `the Job ${this.#plan.names.job} is gone`, false);
    const elapsedMs = startedAtMs === undefined ? 0 : this.#client.serverNowMs() - startedAtMs;
    // Rounded down: the canary must not outlive the promise by the rest of a second.
    const deadlineSeconds = Math.floor((elapsedMs + deadlineMs) / 1000);
    const path = paths.job(this.#plan.target.namespace, this.#plan.names.job);
    const answer = await this.#client.jsonPatch<RawJob>(path, journalPatch(job, { plan: this.#plan, state }, deadlineSeconds), {
      timeoutMs: journalTimeoutMs(this.#plan, state.phase),
    });
    this.#seen = { ...this.#seen, job: answer };
    // A PATCH of a Job that is failed or being deleted is answered with 200 all the same.
    const { uid, over, startedAtMs: startedNowMs } = jobFacts(answer);
    if (uid !== state.jobUid || over !== undefined || startedNowMs !== startedAtMs) {
      throw new Fault(
        'conflict',
        `the Job ${this.#plan.names.job} protects this rollout no longer${over === undefined ? '' : `: ${over}`}`,
        false,
      );
    }
  }
}

/** Whether a Service that selects the pod sends it requests. */
function isServing(pod: RawPod): boolean {
  if (pod.metadata?.deletionTimestamp !== undefined) return false;
  return (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** The same object may be found by several selectors. */
function once<T extends { readonly metadata?: RawPod['metadata'] }>(objects: readonly T[]): readonly T[] {
  return [...new Map(objects.map((object) => [object.metadata?.uid, object])).values()];
}

function nameOf(pod: RawPod): string {
  return pod.metadata?.name ?? '';
}

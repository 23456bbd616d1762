import { Fault } from '../errors.ts';
import type { Command } from '../rollout/command.ts';
import type { Plan } from '../rollout/plan.ts';
import type { RolloutState } from '../rollout/state.ts';
import type { ClusterObservation, Reporter, World } from '../runner/ports.ts';
import { type ClusterSnapshot, writeCommand } from './commands.ts';
import { jobFacts } from './job.ts';
import { selectorQuery } from './label-selector.ts';
import { readPairPods } from './pair-inspection.ts';
import { journalPatch } from './patches.ts';
import { paths } from './paths.ts';
import type { PodEvidenceReader } from './pod-evidence.ts';
import type { RawDeployment, RawJob, RawList, RawPod, RawReplicaSet } from './raw.ts';
import type { KubernetesClient } from './rest-client.ts';
import { currentReplicaSet, noEvidence, ownedBy, podFacts, stableFacts, workloadFacts } from './workload-facts.ts';

export type ClusterWorldOptions = {
  readonly client: KubernetesClient;
  readonly plan: Plan;
  readonly evidence: PodEvidenceReader;
  readonly reporter: Reporter;
};

/** The cluster behind the API server. Keeps only the last answers, so that a write can test what the decision was made on. */
export class ClusterWorld implements World {
  readonly #client: KubernetesClient;
  readonly #plan: Plan;
  readonly #evidence: PodEvidenceReader;
  readonly #reporter: Reporter;
  #seen: ClusterSnapshot = { job: undefined, stable: undefined, canary: undefined };

  constructor(options: ClusterWorldOptions) {
    this.#client = options.client;
    this.#plan = options.plan;
    this.#evidence = options.evidence;
    this.#reporter = options.reporter;
  }

  async observe(signal: AbortSignal): Promise<ClusterObservation> {
    const { namespace, deployment } = this.#plan.target;
    const { names } = this.#plan;
    const [job, stable, canary, pair] = await Promise.all([
      this.#client.find<RawJob>(paths.job(namespace, names.job), { signal }),
      this.#client.find<RawDeployment>(paths.deployment(namespace, deployment), { signal }),
      this.#client.find<RawDeployment>(paths.deployment(namespace, names.canary), { signal }),
      this.#plan.pair === undefined
        ? undefined
        : this.#client.find<RawDeployment>(paths.deployment(namespace, this.#plan.pair.name), { signal }),
    ]);
    const selector = stable?.spec?.selector ?? canary?.spec?.selector;
    const query = { labelSelector: selector === undefined ? '' : selectorQuery(selector) };
    const [pods, replicaSets] =
      selector === undefined
        ? [[], []]
        : await Promise.all([
            this.#client.get<RawList<RawPod>>(paths.pods(namespace), { query, signal }).then((list) => list.items),
            this.#client.get<RawList<RawReplicaSet>>(paths.replicaSets(namespace), { query, signal }).then((list) => list.items),
          ]);
    const pairPods = pair === undefined ? [] : await readPairPods(this.#client, namespace, pair, signal);
    this.#seen = { job, stable, canary, pair };
    return this.#facts(pods, replicaSets, pairPods, signal);
  }

  async #facts(
    pods: readonly RawPod[],
    replicaSets: readonly RawReplicaSet[],
    pairPods: readonly RawPod[],
    signal: AbortSignal,
  ): Promise<ClusterObservation> {
    const { job, stable, canary, pair } = this.#seen;
    const podsOf = (deployment: RawDeployment | undefined, current: boolean): readonly RawPod[] => {
      if (deployment === undefined) return [];
      const sets = current ? [currentReplicaSet(deployment, replicaSets)] : ownedBy(replicaSets, deployment.metadata?.uid);
      return sets.flatMap((set) => ownedBy(pods, set?.metadata?.uid));
    };
    const all = podsOf(stable, false);
    const newest = { stable: podsOf(stable, true), canary: podsOf(canary, true) };
    // Stable's own pods are judged only once they run the image that we sent: before that their troubles are not ours to explain.
    const promoted = stable?.spec?.template.spec?.containers.some((container) =>
      this.#plan.images.some((change) => change.container === container.name && change.to === container.image),
    );
    const evidence = await this.#evidence.read([...newest.canary, ...pairPods, ...(promoted === true ? newest.stable : [])], signal);
    const facts = (pod: RawPod) => podFacts(pod, evidence.get(pod.metadata?.uid ?? '') ?? noEvidence);
    const released = this.#plan.images.map((change) => change.container);
    return {
      nowMs: this.#client.serverNowMs(),
      job: job === undefined ? undefined : jobFacts(job),
      stable: stable === undefined ? undefined : stableFacts(stable, newest.stable.map(facts), released),
      canary: canary === undefined ? undefined : workloadFacts(canary, newest.canary.map(facts)),
      ...(pair === undefined ? {} : { pair: stableFacts(pair, pairPods.map(facts), released) }),
      podNames: {
        stable: all.map(nameOf),
        canary: [...podsOf(canary, false), ...pairPods].map(nameOf),
        updated: newest.stable.map(nameOf),
        outdated: all.filter((pod) => !newest.stable.includes(pod)).map(nameOf),
      },
    };
  }

  async apply(command: Command, because: string): Promise<void> {
    await writeCommand({ client: this.#client, plan: this.#plan, seen: this.#seen, reporter: this.#reporter }, command, because);
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
      timeoutMs: this.#plan.spec.deadManMs / 4,
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

function nameOf(pod: RawPod): string {
  return pod.metadata?.name ?? '';
}

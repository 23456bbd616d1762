import { UserError } from '../../errors.ts';
import { namesFor, rolloutLabel, targetLabel } from '../../rollout/names.ts';
import type { FoundCanary, FoundDeployment, FoundHolder, FoundJob, Situation } from '../../rollout/situation/situation.ts';
import type { KubernetesClient } from '../client/rest-client.ts';
import { type Journal, jobFacts, readJournal } from '../manifests/job.ts';
import { paths } from '../paths.ts';
import type { RawDeployment, RawJob, RawList, RawPod, RawService } from '../raw.ts';
import { findAllowed, findSecond, foundColours } from './found-colours.ts';
import { isOurCanary, whyUnhealthy } from './inspection.ts';
import { findHolder } from './label-holder.ts';
import { readOwnPods } from './own-pods.ts';
import { noEvidence, podFacts, stableFacts, workloadFacts } from './workload-facts.ts';

/** Reads what there is of a rollout, whoever made it, and writes nothing. */
export async function readSituation(
  client: KubernetesClient,
  namespace: string,
  deployment: string,
  second: string | undefined,
): Promise<Situation> {
  const names = namesFor(deployment);
  const [stable, canary, green, services, pair] = await Promise.all([
    client.find<RawDeployment>(paths.deployment(namespace, deployment)),
    client.find<RawDeployment>(paths.deployment(namespace, names.canary)),
    findAllowed<RawDeployment>(client, paths.deployment(namespace, names.green)),
    client.get<RawList<RawService>>(paths.services(namespace)),
    findSecond(client, namespace, second),
  ]);
  if (stable === undefined) throw missingDeployment(namespace, deployment);
  // After them: a Job comes before its label and its canary, so one that is not there now has gone for good.
  const [job, pods] = await Promise.all([
    client.find<RawJob>(paths.job(namespace, names.job)),
    canary === undefined ? [] : readOwnPods(client, namespace, canary),
  ]);
  const target = { namespace, deployment, uid: stable.metadata?.uid ?? '' };
  const heldBy = await findHolder(client, namespace, stable, services.items, job);
  return {
    nowMs: client.serverNowMs(),
    target,
    names,
    stable: foundDeployment(stable, heldBy),
    job: job === undefined ? undefined : foundJob(job, target),
    canary: canary === undefined ? undefined : foundCanary(canary, names.job, pods),
    // What is around a Deployment that another one's rollout holds is that rollout's.
    blueGreen: heldBy === undefined ? foundColours(stable, green, services.items, names, pair) : undefined,
    pair: pair?.found,
  };
}

export function missingDeployment(namespace: string, deployment: string): UserError {
  return new UserError(
    'deployment-missing',
    `There is no Deployment ${deployment} in namespace ${namespace}`,
    'Check the inputs deployment and namespace, and the context of the kubeconfig. With a Deployment goes everything that a rollout has made for it',
  );
}

/** The journal of a Job, only where it speaks of this very Deployment: anybody may write an annotation. */
export function journalFor(job: RawJob, target: Situation['target']): Journal | undefined {
  const journal = readJournal(job);
  if (journal === undefined) return undefined;
  const { namespace, deployment, uid } = journal.plan.target;
  return namespace === target.namespace && deployment === target.deployment && uid === target.uid ? journal : undefined;
}

function foundDeployment(stable: RawDeployment, heldBy: FoundHolder | undefined): FoundDeployment {
  const facts = stableFacts(stable, [], { images: [] });
  return {
    uid: facts.uid,
    rollout: heldBy === undefined ? facts.rollout : undefined,
    heldBy,
    owned: heldBy === undefined && facts.owned,
    terminating: facts.terminating,
    unhealthy: whyUnhealthy(facts),
    desiredReplicas: facts.desiredReplicas,
    updatedReplicas: facts.updatedReplicas,
    availableReplicas: facts.availableReplicas,
    images: Object.entries(facts.images).map(([name, image]) => ({ name, image })),
  };
}

function foundJob(job: RawJob, target: Situation['target']): FoundJob {
  const created = job.metadata?.creationTimestamp;
  return {
    facts: jobFacts(job),
    ours: job.metadata?.labels?.[targetLabel] === target.uid,
    createdAtMs: created === undefined ? undefined : Date.parse(created),
    journal: journalFor(job, target),
  };
}

function foundCanary(canary: RawDeployment, jobName: string, pods: readonly RawPod[]): FoundCanary {
  const facts = workloadFacts(canary, []);
  return {
    uid: facts.uid,
    rollout: canary.metadata?.labels?.[rolloutLabel],
    ours: isOurCanary(canary, jobName),
    terminating: facts.terminating,
    desiredReplicas: facts.desiredReplicas,
    availableReplicas: facts.availableReplicas,
    pods: pods.map((pod) => podFacts(pod, noEvidence)).map(({ name, ready }) => ({ name, ready })),
  };
}

import { namesFor } from '../rollout/names.ts';
import type { Plan } from '../rollout/plan.ts';
import type { Clock, Cluster, Reporter } from '../runner/ports.ts';
import { checkAccess } from './access.ts';
import { ClusterWorld } from './cluster-world.ts';
import { dryRun } from './dry-run.ts';
import { inspect, withTemplateHash } from './inspection.ts';
import { readJournal } from './job.ts';
import { acquireLock, takeOverRecord } from './lock.ts';
import { inspectPair } from './pair-inspection.ts';
import { paths } from './paths.ts';
import { type EvidenceMode, PodEvidenceReader } from './pod-evidence.ts';
import type { RawDeployment, RawJob } from './raw.ts';
import type { KubernetesClient } from './rest-client.ts';

export type ClusterOptions = {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly deployment: string;
  /** The second Deployment of a pair that the user keeps. */
  readonly pair?: string | undefined;
  readonly evidence: EvidenceMode;
  readonly reporter: Reporter;
  readonly clock: Clock;
};

/** The cluster of one Deployment, behind the port that the runner knows. */
export function createCluster({ client, namespace, deployment, pair, evidence, reporter, clock }: ClusterOptions): Cluster {
  return {
    checkAccess: (permissions) => checkAccess(client, permissions),
    inspect: async () => {
      const inspection = await inspect(client, namespace, deployment);
      const pairFacts = pair === undefined ? undefined : await inspectPair(client, namespace, inspection.stable, pair);
      return {
        containers: inspection.facts.containers,
        names: inspection.facts.names,
        stablePods: inspection.podNames,
        stableAgeMs: inspection.podAgeMs,
        facts: (released) => ({
          ...withTemplateHash(inspection, released),
          ...(pairFacts === undefined ? {} : { pair: pairFacts(released) }),
        }),
      };
    },
    dryRun: async (plan: Plan) => dryRun(client, plan, await client.get<RawDeployment>(paths.deployment(namespace, deployment))),
    acquire: (plan, holder, cancel) => acquireLock({ client, plan, holder, reporter, clock, cancel }),
    takeOver: (holder) => takeOverRecord(client, namespace, namesFor(deployment).job, holder),
    readJournal: async (plan, holderId) => {
      const job = await client.find<RawJob>(paths.job(namespace, plan.names.job));
      const journal = job === undefined ? undefined : readJournal(job);
      return journal?.state.holder.id === holderId ? journal.state : undefined;
    },
    world: (plan) => new ClusterWorld({ client, plan, evidence: new PodEvidenceReader(client, namespace, evidence), reporter }),
  };
}

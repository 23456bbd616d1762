import { namesFor } from '../rollout/names.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import type { Clock, Cluster, Reporter } from '../runner/ports.ts';
import { checkAccess } from './client/access.ts';
import type { KubernetesClient } from './client/rest-client.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { ConfigMapContent } from './config-map-content.ts';
import { findConfigMaps, inspectVersions } from './inspection/config-map-inspection.ts';
import { inspect, withTemplateHash } from './inspection/inspection.ts';
import { inspectPair } from './inspection/pair-inspection.ts';
import { type EvidenceMode, PodEvidenceReader } from './inspection/pod-evidence.ts';
import { readRevisions } from './inspection/revisions.ts';
import { readSituation } from './inspection/situation.ts';
import { templateFacts } from './inspection/template-facts.ts';
import { readJournal } from './manifests/job.ts';
import { findOrphan } from './orphan.ts';
import { changeCauseAnnotation } from './patches/configuration-patches.ts';
import { paths } from './paths.ts';
import type { RawDeployment, RawJob } from './raw.ts';
import { dryRun } from './writes/dry-run.ts';
import { acquireLock, takeOverRecord } from './writes/lock.ts';
import { seizeRollout } from './writes/seizure.ts';

export type ClusterOptions = {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly deployment: string;
  /** The second Deployment of a pair that the user keeps. */
  readonly pair?: string | undefined;
  readonly evidence: EvidenceMode;
  readonly reporter: Reporter;
  readonly clock: Clock;
  /** ConfigMaps that this run has read in the repository. */
  readonly configMaps?: readonly ConfigMapContent[] | undefined;
};

/** The cluster of one Deployment, behind the port that the runner knows. */
export function createCluster({ client, namespace, deployment, pair, evidence, reporter, clock, configMaps }: ClusterOptions): Cluster {
  return {
    checkAccess: (permissions, what) => checkAccess(client, permissions, what),
    inspect: async (strategy) => {
      const inspection = await inspect(client, namespace, deployment, strategy, pair);
      const versions = await inspectVersions(client, inspection, configMaps ?? []);
      const pairFacts = pair === undefined ? undefined : await inspectPair(client, namespace, inspection.stable, pair);
      return {
        containers: inspection.facts.containers,
        names: inspection.facts.names,
        stablePods: inspection.podNames,
        metricsEndpoints: inspection.metricsEndpoints,
        stableAgeMs: inspection.podAgeMs,
        template: templateFacts(inspection.stable.spec?.template ?? {}),
        configMaps: versions,
        changeCause: inspection.stable.metadata?.annotations?.[changeCauseAnnotation],
        facts: (released, configuration) => {
          const facts = withTemplateHash(inspection, released, configuration);
          return {
            ...facts,
            namesakes: [...facts.namesakes, ...versions.namesakes],
            ...(pairFacts === undefined ? {} : { pair: pairFacts(released) }),
          };
        },
      };
    },
    dryRun: async (plan: Plan) =>
      dryRun(client, plan, await client.get<RawDeployment>(paths.deployment(namespace, deployment)), configMaps),
    acquire: (plan, holder, cancel) => acquireLock({ client, plan, holder, reporter, clock, cancel }),
    takeOver: (holder) => takeOverRecord(client, namespace, namesFor(deployment).job, holder),
    look: () => readSituation(client, namespace, deployment, pair),
    seize: ({ target, names }, holder, becomes) => seizeRollout(client, target, names.job, holder, becomes),
    revisions: () => readRevisions(client, namespace, deployment),
    findConfigMaps: (names) => findConfigMaps(client, namespace, deployment, names),
    findOrphan: () => findOrphan(client, namespace, deployment),
    readJournal: async (plan, holderId) => {
      const job = await client.find<RawJob>(paths.job(namespace, plan.names.job));
      const journal = job === undefined ? undefined : readJournal(job);
      return journal?.state.holder.id === holderId ? journal.state : undefined;
    },
    world: (plan) => new ClusterWorld({ client, plan, evidence: new PodEvidenceReader(client, namespace, evidence), reporter, configMaps }),
  };
}

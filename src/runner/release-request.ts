import type { CauseContext } from '../rollout/configuration/change-cause.ts';
import type { FieldChange } from '../rollout/configuration/field-change.ts';
import type { Earlier } from '../rollout/explain/report.ts';
import type { PermissionNeeds } from '../rollout/plan/permissions.ts';
import type { ConfigMapVersion, Plan } from '../rollout/plan/plan.ts';
import type { ImageRequest, ReleaseSpec, VariableRequest } from '../rollout/spec.ts';
import type { Holder } from '../rollout/state.ts';
import type { Clock, Cluster, MetricsSource, Probe, Reporter, SampleSink, SmokeTest } from './ports.ts';

export type ReleaseRequest = {
  readonly command: 'deploy' | 'plan' | 'rollback';
  readonly namespace: string;
  readonly deployment: string;
  readonly images: ImageRequest;
  /** Variables that change with the release. */
  readonly variables?: readonly VariableRequest[];
  /** Whether ConfigMaps are released. */
  readonly configMaps?: boolean;
  /** Undefined: the annotation is left alone. */
  readonly cause?: CauseContext | undefined;
  readonly spec: ReleaseSpec;
  readonly readinessOnPurpose: boolean;
  readonly logs: boolean;
  readonly proxied: PermissionNeeds['proxied'];
  readonly podsProxy: boolean;
  /** The source of metrics is used if it can be: nobody asked for it, and readiness judges otherwise. */
  readonly metricsIfPossible: boolean;
  /** The Service that the probe asks through the API server's proxy. */
  readonly probed?: PermissionNeeds['probed'];
  readonly holder: Holder;
  /** Of a rollback: the revision; undefined is the newest that is not the current one. */
  readonly toRevision?: number | undefined;
  /** Of a rollback: what changes back beside the images. */
  readonly restored?: { readonly configuration: readonly FieldChange[]; readonly configMaps: readonly ConfigMapVersion[] };
};

export type ReleasePorts = {
  readonly cluster: Cluster;
  readonly metrics: MetricsSource | undefined;
  /** Undefined where there is no smoke test. */
  readonly smoke?: SmokeTest | undefined;
  /** Undefined: nobody asks the application. */
  readonly probe?: Probe | undefined;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly samples?: SampleSink | undefined;
  /** Called before the first write, and again once the Job's uid is known: what a later step needs in order to clean up. */
  readonly remember: (plan: Plan, jobUid: string) => void;
  /** Called when the record of a dead run has been finished or undone. */
  readonly onEarlier?: (earlier: Earlier) => void;
};

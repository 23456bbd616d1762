import type { Preset } from '../rollout/metric-families/families.ts';
import type { ImageRequest, ReleaseSpec, VariableRequest } from '../rollout/spec.ts';
import type { ConfigMapSource } from './configuration-inputs.ts';
import type { ProbeAddress } from './probe-address.ts';

export type Command = 'deploy' | 'plan' | 'status' | 'abort' | 'reconcile' | 'history' | 'rollback';

/** Where Prometheus answers: an address of its own, or a Service behind the API server's proxy. */
export type PrometheusAddress =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'service';
      readonly namespace: string;
      readonly name: string;
      readonly port: string;
      readonly scheme: 'http' | 'https';
    };

/** PromQL with `$namespace` and `$pods`; each must give counters summed by pod. */
export type Queries = {
  readonly error: string;
  readonly total: string;
};

/** `pods-if-possible`: nobody asked for it, and without it readiness judges. Without a preset the metric is looked for. */
export type MetricsChoice = {
  readonly source: 'none' | 'prometheus' | 'pods' | 'pods-if-possible';
  readonly preset: Preset | undefined;
};

export type Evidence = 'logs' | 'events' | 'none';

/** All inputs, read once. */
export type Config = {
  readonly command: Command;
  readonly deployment: string;
  readonly namespace: string | undefined;
  /** Of a rollback only the containers count; commands that release nothing have none. */
  readonly images: ImageRequest;
  readonly variables: readonly VariableRequest[];
  readonly configMaps: readonly ConfigMapSource[];
  /** Undefined: what changed, and who did it. */
  readonly changeCause: string | undefined;
  /** Of a rollback; undefined: the newest revision that is not the current one. */
  readonly toRevision: number | undefined;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly prometheus: PrometheusAddress | undefined;
  readonly metrics: MetricsChoice;
  /** Undefined: the metric of `metrics.preset`, or the first known one that is there. */
  readonly queries: Queries | undefined;
  /** True when judging by readiness alone was asked for (`metrics: none`): no warning then. */
  readonly readinessOnPurpose: boolean;
  readonly evidence: Evidence;
  /** Undefined: nobody asks the application during the release. */
  readonly probe: ProbeAddress | undefined;
  readonly release: ReleaseSpec;
};

import type { ImageRequest, ReleaseSpec } from '../rollout/spec.ts';
import type { ProbeAddress } from './probe-address.ts';

export type Command = 'deploy' | 'plan';

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

export type Evidence = 'logs' | 'events' | 'none';

/** All inputs, read once. */
export type Config = {
  readonly command: Command;
  readonly deployment: string;
  readonly namespace: string | undefined;
  readonly images: ImageRequest;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly prometheus: PrometheusAddress | undefined;
  /** Undefined: `http_requests_total` by `code` or `status`. */
  readonly queries: Queries | undefined;
  /** True when judging by readiness alone was asked for (`metrics: none`): no warning then. */
  readonly readinessOnPurpose: boolean;
  readonly evidence: Evidence;
  /** Undefined: nobody asks the application during the release. */
  readonly probe: ProbeAddress | undefined;
  readonly release: ReleaseSpec;
};

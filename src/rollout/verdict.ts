/** What a gate says. Unknown is an answer of its own: it never promotes. */
export type Verdict =
  | { readonly kind: 'pass'; readonly because: string }
  | { readonly kind: 'fail'; readonly reason: ReasonCode; readonly because: string; readonly evidence: readonly string[] }
  | { readonly kind: 'unknown'; readonly reason: ReasonCode; readonly because: string };

/** Why a rollout ended as it did; a closed list, the output `reason`. docs/troubleshooting.md has a line for each. */
export type ReasonCode =
  | 'gates-passed'
  | 'unproved'
  | 'unchanged'
  | 'planned'
  | 'rollback-done'
  | 'running'
  | 'nothing-running'
  | 'left-behind'
  | 'reconciled'
  | 'listed'
  | 'replayed'
  | 'metrics-failed'
  | 'traffic-vanished'
  | 'error-budget-spent'
  | 'too-little-traffic'
  | 'too-close-to-call'
  | 'metrics-unavailable'
  | 'image-pull'
  | 'invalid-configuration'
  | 'crash'
  | 'out-of-memory'
  | 'probe-failed'
  | 'not-ready'
  | 'unschedulable'
  | 'quota'
  | 'admission-denied'
  | 'smoke-test-failed'
  | 'smoke-test-unknown'
  | 'image-changed'
  | 'promotion-stuck'
  | 'stable-unhealthy'
  | 'scaled-to-zero'
  | 'cancelled'
  | 'aborted'
  | 'changed-by-others'
  | 'fence-lost'
  | 'lock-lost'
  | 'deployment-deleted'
  | 'write-refused'
  | 'dead-man-not-armed'
  | 'cluster-unreachable'
  | 'internal';

/** Why a release was refused before anything was written: the codes of UserError. */
export type RefusalCode =
  | 'inputs-invalid'
  | 'kubeconfig-invalid'
  | 'cluster-unreachable'
  | 'permission-missing'
  | 'deployment-missing'
  | 'deployment-refused'
  | 'container-missing'
  | 'configuration-refused'
  | 'revision-missing'
  | 'foreign-object'
  | 'rollout-busy'
  | 'metrics-unreachable'
  | 'metrics-empty'
  | 'traffic-too-little'
  | 'samples-invalid'
  | 'dry-run-denied'
  | 'probe-unreachable';

export type Result = 'promoted' | 'rolled-back' | 'inconclusive' | 'unchanged' | 'planned' | 'done' | 'refused' | 'failed';

export type Outcome = {
  readonly result: Result;
  readonly reason: ReasonCode | RefusalCode;
  /** One sentence for people. May hold untrusted text: escape where it is shown. */
  readonly because: string;
  readonly evidence: readonly string[];
};

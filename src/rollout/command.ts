/** A wish for an end state: sending it twice is safe. */
export type Command =
  | { readonly kind: 'ensure-fence' }
  | { readonly kind: 'ensure-canary'; readonly replicas: number }
  | { readonly kind: 'ensure-promoted' }
  | { readonly kind: 'ensure-reverted' }
  | PairCommand
  | { readonly kind: 'ensure-job-deleted' }
  | { readonly kind: 'ensure-canary-deleted' }
  | { readonly kind: 'ensure-fence-released' }
  | { readonly kind: 'ensure-ownership-released' }
  /** Every version of a ConfigMap that the plan names is there, owned by the Job unless the Deployment owns it. */
  | { readonly kind: 'ensure-config-maps' }
  /** They belong to the Deployment, so that they outlive the Job. */
  | { readonly kind: 'ensure-config-maps-kept' }
  /** Versions that nothing refers to any more belong to the Job, and go with it. */
  | { readonly kind: 'ensure-config-maps-pruned' }
  | BlueGreenCommand
  /** An effect of this process, not of the cluster. */
  | { readonly kind: 'run-smoke-test' };

export type BlueGreenCommand =
  | { readonly kind: 'ensure-green'; readonly replicas: number }
  | { readonly kind: 'ensure-preview' }
  | { readonly kind: 'ensure-preview-deleted' }
  /** From then on green outlives the Job. */
  | { readonly kind: 'ensure-green-kept' }
  | { readonly kind: 'ensure-green-deleted' }
  | { readonly kind: 'ensure-service-fenced'; readonly service: string }
  | { readonly kind: 'ensure-flipped'; readonly service: string }
  /** The selector goes back where ours still stands, and our annotation goes with it. */
  | { readonly kind: 'ensure-flipped-back'; readonly service: string }
  /** Our annotation goes, wherever the Service leads. */
  | { readonly kind: 'ensure-service-fence-released'; readonly service: string }
  | { readonly kind: 'ensure-service-ownership-released'; readonly service: string };

/** To the Deployments of a pair that the user keeps; each write tests the fence of this Job. */
export type PairCommand =
  | { readonly kind: 'ensure-pair-fence'; readonly side: 'old' | 'new'; readonly jobUid: string }
  | { readonly kind: 'ensure-pair-image'; readonly jobUid: string }
  | { readonly kind: 'ensure-pair-image-back'; readonly jobUid: string }
  | { readonly kind: 'ensure-pair-replicas'; readonly side: 'old' | 'new'; readonly replicas: number; readonly jobUid: string }
  | { readonly kind: 'ensure-pair-fence-released' }
  | { readonly kind: 'ensure-pair-ownership-released' };

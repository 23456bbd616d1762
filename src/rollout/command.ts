/** A wish for an end state: sending it twice is safe. */
export type Command =
  | { readonly kind: 'ensure-fence' }
  | { readonly kind: 'ensure-canary'; readonly replicas: number }
  | { readonly kind: 'ensure-promoted' }
  | { readonly kind: 'ensure-reverted' }
  | { readonly kind: 'ensure-job-deleted' }
  | { readonly kind: 'ensure-canary-deleted' }
  | { readonly kind: 'ensure-fence-released' }
  | { readonly kind: 'ensure-ownership-released' }
  /** Every version of a ConfigMap that the plan names is there, owned by the Job unless the Deployment owns it. */
  | { readonly kind: 'ensure-config-maps' }
  /** They belong to the Deployment, so that they outlive the Job. */
  | { readonly kind: 'ensure-config-maps-kept' }
  /** Versions that nothing refers to any more belong to the Job, and go with it. */
  | { readonly kind: 'ensure-config-maps-pruned' };

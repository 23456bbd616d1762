/** A wish for an end state: sending it twice is safe. */
export type Command =
  | { readonly kind: 'ensure-fence' }
  | { readonly kind: 'ensure-canary'; readonly replicas: number }
  | { readonly kind: 'ensure-promoted' }
  | { readonly kind: 'ensure-reverted' }
  | { readonly kind: 'ensure-job-deleted' }
  | { readonly kind: 'ensure-canary-deleted' }
  | { readonly kind: 'ensure-fence-released' }
  | { readonly kind: 'ensure-ownership-released' };

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
  | { readonly kind: 'ensure-ownership-released' };

/** To the Deployments of a pair that the user keeps; each write tests the fence of this Job. */
export type PairCommand =
  | { readonly kind: 'ensure-pair-fence'; readonly side: 'old' | 'new'; readonly jobUid: string }
  | { readonly kind: 'ensure-pair-image'; readonly jobUid: string }
  | { readonly kind: 'ensure-pair-image-back'; readonly jobUid: string }
  | { readonly kind: 'ensure-pair-replicas'; readonly side: 'old' | 'new'; readonly replicas: number; readonly jobUid: string }
  | { readonly kind: 'ensure-pair-fence-released' }
  | { readonly kind: 'ensure-pair-ownership-released' };

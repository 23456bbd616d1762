import { rolloutLabel, targetLabel, trackLabel } from '../../rollout/names.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { RawDeployment } from '../raw.ts';
import { jobOwner } from './owners.ts';

/** Labels of the canary and of its pods. Without a Job uid (for a dry run) they belong to no rollout. */
export function canaryLabels(plan: Plan, jobUid: string | undefined): Readonly<Record<string, string>> {
  return { [targetLabel]: plan.target.uid, [trackLabel]: 'canary', ...(jobUid === undefined ? {} : { [rolloutLabel]: jobUid }) };
}

/** Name, labels and owner of the second Deployment, be it a canary or a trial. Without a Job uid it has no owner. */
export function canaryMetadata(plan: Plan, jobUid: string | undefined): NonNullable<RawDeployment['metadata']> {
  return {
    name: plan.names.canary,
    namespace: plan.target.namespace,
    labels: { 'app.kubernetes.io/managed-by': 'gated-rollout', ...canaryLabels(plan, jobUid) },
    ...(jobUid === undefined ? {} : { ownerReferences: [jobOwner(plan, jobUid)] }),
  };
}

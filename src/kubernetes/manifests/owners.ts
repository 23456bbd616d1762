import type { Plan } from '../../rollout/plan/plan.ts';

/** What the garbage collector takes with the Job. An object has exactly one owner: a second one would keep it alive after the Job's end. */
export function jobOwner(plan: Plan, jobUid: string) {
  return { apiVersion: 'batch/v1', kind: 'Job', name: plan.names.job, uid: jobUid, controller: false, blockOwnerDeletion: false };
}

/** What outlives the rollout, and goes with the Deployment. */
export function deploymentOwner(plan: Plan) {
  const { deployment: name, uid } = plan.target;
  return { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: false, blockOwnerDeletion: false };
}

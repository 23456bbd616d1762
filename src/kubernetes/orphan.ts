import { namesFor, recordAnnotation, rolloutLabel, targetLabel } from '../rollout/names.ts';
import type { Plan } from '../rollout/plan/plan.ts';
import type { KubernetesClient } from './client/rest-client.ts';
import { paths } from './paths.ts';
import type { RawDeployment, RawJob, RawService } from './raw.ts';

/** A green without a Job to which a Service leads: its plan, marked with the rollout that is taken back. */
export async function findOrphan(client: KubernetesClient, namespace: string, deployment: string): Promise<Plan | undefined> {
  const names = namesFor(deployment);
  const [job, green, stable] = await Promise.all([
    client.find<RawJob>(paths.job(namespace, names.job)),
    client.find<RawDeployment>(paths.deployment(namespace, names.green)),
    client.find<RawDeployment>(paths.deployment(namespace, deployment)),
  ]);
  const { labels, annotations, ownerReferences = [] } = green?.metadata ?? {};
  const rollout = labels?.[rolloutLabel];
  // What has an owner goes with it, and what is of another Deployment is not ours.
  if (job !== undefined || rollout === undefined || ownerReferences.length > 0) return undefined;
  if (stable?.metadata?.uid === undefined || labels?.[targetLabel] !== stable.metadata.uid) return undefined;
  const plan = readPlan(annotations?.[recordAnnotation], stable.metadata.uid);
  if (plan?.blueGreen === undefined) return undefined;
  const { key, green: colour, services } = plan.blueGreen;
  const found = await Promise.all(services.map(async (name) => client.find<RawService>(paths.service(namespace, name))));
  if (!found.some((service) => service?.spec?.selector?.[key] === colour)) return undefined;
  return { ...plan, rules: undefined, blueGreen: { ...plan.blueGreen, recovers: rollout } };
}

/** Anybody may write an annotation: only what looks like our plan for just this Deployment counts. */
function readPlan(text: string | undefined, uid: string): Plan | undefined {
  try {
    const plan = JSON.parse(text ?? '{}') as Partial<Plan> | null;
    return plan?.target?.uid === uid && Array.isArray(plan.images) && plan.spec !== undefined ? (plan as Plan) : undefined;
  } catch {
    return undefined;
  }
}

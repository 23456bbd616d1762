import type { WorkloadFacts } from './observation.ts';

/** Exactly `replicas` pods of the newest template, all available, and the controller has seen that it should be so. */
export function isAvailable(workload: WorkloadFacts, replicas: number): boolean {
  return (
    workload.settled &&
    workload.desiredReplicas === replicas &&
    workload.replicas === replicas &&
    workload.updatedReplicas === replicas &&
    workload.availableReplicas === replicas
  );
}

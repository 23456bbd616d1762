import type { Command } from './command.ts';
import { configurationOf } from './field-change.ts';
import type { Plan } from './plan.ts';

/** A command in a few words, for the timeline. */
export function describeCommand(plan: Plan, command: Command): string {
  const { deployment } = plan.target;
  switch (command.kind) {
    case 'ensure-fence':
      return `fence Deployment ${deployment}`;
    case 'ensure-canary':
      return `scale ${plan.names.canary} to ${command.replicas}`;
    case 'ensure-promoted':
      return `give Deployment ${deployment} the new ${whatOf(plan)}`;
    case 'ensure-reverted':
      return `give Deployment ${deployment} its old ${whatOf(plan)} back`;
    case 'ensure-job-deleted':
      return `delete Job ${plan.names.job}, and the canary with it`;
    case 'ensure-canary-deleted':
      return `delete Deployment ${plan.names.canary}`;
    case 'ensure-fence-released':
      return `take the fence from Deployment ${deployment}`;
    case 'ensure-ownership-released':
      return `take our entry out of the managedFields of Deployment ${deployment}`;
    case 'ensure-config-maps':
      return `create ${versionsOf(plan)}`;
    case 'ensure-config-maps-kept':
      return `give ${versionsOf(plan)} to Deployment ${deployment}`;
    case 'ensure-config-maps-pruned':
      return `give ConfigMaps that nothing refers to any more to Job ${plan.names.job}, to go with it`;
  }
}

function whatOf(plan: Plan): string {
  return plan.images.length === 0 && configurationOf(plan).length > 0 ? 'configuration' : 'image';
}

function versionsOf(plan: Plan): string {
  return (plan.configMaps ?? []).map(({ name }) => `ConfigMap ${name}`).join(', ');
}

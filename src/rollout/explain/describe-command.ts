import type { Command } from '../command.ts';
import { configurationOf } from '../configuration/field-change.ts';
import type { Plan } from '../plan/plan.ts';

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
    case 'ensure-pair-fence':
      return `fence Deployment ${command.side === 'old' ? deployment : (plan.pair?.name ?? '')}`;
    case 'ensure-pair-image':
      return `give Deployment ${plan.pair?.name ?? ''} the new image`;
    case 'ensure-pair-image-back':
      return `give Deployment ${plan.pair?.name ?? ''} its old image back`;
    case 'ensure-pair-replicas':
      return `scale ${command.side === 'old' ? deployment : (plan.pair?.name ?? '')} to ${command.replicas}`;
    case 'ensure-pair-fence-released':
      return `take the fence from Deployment ${plan.pair?.name ?? ''}`;
    case 'ensure-pair-ownership-released':
      return `take our entry out of the managedFields of Deployment ${plan.pair?.name ?? ''}`;
    case 'ensure-job-deleted':
      return `delete Job ${plan.names.job}${plan.steps.length === 0 || plan.pair !== undefined ? '' : ', and the canary with it'}`;
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
    case 'ensure-green':
      return `scale ${plan.names.green} to ${command.replicas}`;
    case 'ensure-preview':
      return `create Service ${plan.names.preview}`;
    case 'ensure-preview-deleted':
      return `delete Service ${plan.names.preview}`;
    case 'ensure-green-kept':
      return `let Deployment ${plan.names.green} outlive the Job`;
    case 'ensure-green-deleted':
      return `delete Deployment ${plan.names.green}`;
    case 'ensure-service-fenced':
      return `fence Service ${command.service}`;
    case 'ensure-flipped':
      return `lead Service ${command.service} to ${plan.names.green}`;
    case 'ensure-flipped-back':
      return `lead Service ${command.service} to Deployment ${deployment} again`;
    case 'ensure-service-fence-released':
      return `take the fence from Service ${command.service}`;
    case 'ensure-service-ownership-released':
      return `take our entry out of the managedFields of Service ${command.service}`;
    case 'run-smoke-test':
      return 'run the smoke test';
  }
}

function whatOf(plan: Plan): string {
  return plan.images.length === 0 && configurationOf(plan).length > 0 ? 'configuration' : 'image';
}

function versionsOf(plan: Plan): string {
  return (plan.configMaps ?? []).map(({ name }) => `ConfigMap ${name}`).join(', ');
}

import type { Command } from './command.ts';
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
      return `give Deployment ${deployment} the new image`;
    case 'ensure-reverted':
      return `give Deployment ${deployment} its old image back`;
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
      return `delete Job ${plan.names.job}${plan.pair === undefined ? ', and the canary with it' : ''}`;
    case 'ensure-canary-deleted':
      return `delete Deployment ${plan.names.canary}`;
    case 'ensure-fence-released':
      return `take the fence from Deployment ${deployment}`;
    case 'ensure-ownership-released':
      return `take our entry out of the managedFields of Deployment ${deployment}`;
  }
}

import { UserError } from '../../errors.ts';
import { describeCause } from '../../rollout/configuration/change-cause.ts';
import { planConfigMaps } from '../../rollout/configuration/plan-config-maps.ts';
import { planVariables } from '../../rollout/configuration/plan-variables.ts';
import type { PlannedConfiguration } from '../../rollout/plan/plan.ts';
import type { ImageChange, ImageRequest } from '../../rollout/spec.ts';
import type { Inspected } from '../ports.ts';
import type { ReleaseRequest } from '../release-request.ts';

/** What changes beside the images: variables, references to ConfigMaps, the note of the change. Throws UserError with what cannot be changed. */
export function planConfiguration(request: ReleaseRequest, inspected: Inspected, images: readonly ImageChange[]): PlannedConfiguration {
  const variables = planVariables(inspected.template.containers, request.variables ?? [], containersOf(request.images));
  if (variables.kind === 'problem') throw new UserError('configuration-refused', variables.message, variables.hint);
  const { wanted, earlier } = inspected.configMaps;
  const references = planConfigMaps(inspected.template.references, wanted, earlier);
  if (references.kind === 'problem') throw new UserError('configuration-refused', references.message, references.hint);
  const { cause, restored } = request;
  const configuration = [...variables.fields, ...references.fields, ...(restored?.configuration ?? [])];
  const configMaps = [...references.configMaps, ...(restored?.configMaps ?? [])];
  return {
    ...(configuration.length === 0 ? {} : { configuration }),
    ...(configMaps.length === 0 ? {} : { configMaps }),
    ...(cause === undefined ? {} : { changeCause: { from: inspected.changeCause, to: describeCause(cause, images, configuration) } }),
  };
}

/** Those that a variable without a container is meant for; none: the only one. */
function containersOf(images: ImageRequest): readonly string[] {
  return images.kind === 'by-container' ? Object.keys(images.images) : images.containers;
}

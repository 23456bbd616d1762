import type { ImageChange, ImageRequest } from '../spec.ts';
import { parseImageReference, withTag } from './image-reference.ts';

type Container = { readonly name: string; readonly image: string; readonly init?: true };

export type PlannedImages =
  | { readonly kind: 'images'; readonly images: readonly ImageChange[] }
  | { readonly kind: 'problem'; readonly message: string; readonly hint: string };

/** Which containers, init containers and sidecars get which image. Containers whose image stays the same are left out: an empty list means nothing changes. */
export function planImages(containers: readonly Container[], request: ImageRequest): PlannedImages {
  if (request.kind === 'none') return { kind: 'images', images: [] };
  const names = containers.map((container) => container.name).join(', ');
  const wanted = wantedNames(containers, request);
  if (wanted.length === 0) {
    return {
      kind: 'problem',
      message: `The Deployment has ${containers.length} containers: ${names}`,
      hint: `Say which of them get the image: containers: ${containers[0]?.name ?? 'NAME'}`,
    };
  }
  const images: ImageChange[] = [];
  for (const name of wanted) {
    const found = containers.find((container) => container.name === name);
    if (found === undefined) {
      return { kind: 'problem', message: `The Deployment has no container ${name}`, hint: `Its containers are: ${names}` };
    }
    const to = imageFor(found, request);
    if (to.problem !== undefined) return { kind: 'problem', message: to.problem, hint: 'Give the full reference with the input image' };
    if (to.image === found.image) continue;
    const index = containers.filter((container) => container.init === found.init).indexOf(found);
    images.push({ container: name, index, from: found.image, to: to.image, ...(found.init === true ? { init: true } : {}) });
  }
  return { kind: 'images', images };
}

function wantedNames(containers: readonly Container[], request: ImageRequest): readonly string[] {
  if (request.kind === 'by-container') return Object.keys(request.images);
  if (request.containers.length > 0) return request.containers;
  const [only, ...others] = containers.filter((container) => container.init !== true);
  return only !== undefined && others.length === 0 ? [only.name] : [];
}

function imageFor(
  container: Container,
  request: ImageRequest,
): { readonly image: string; readonly problem?: undefined } | { readonly problem: string } {
  switch (request.kind) {
    case 'none':
      return { image: container.image };
    case 'image':
      return { image: request.image };
    case 'by-container':
      return { image: request.images[container.name] ?? container.image };
    case 'tag': {
      const reference = parseImageReference(container.image);
      if ('problem' in reference) return { problem: `The image of container ${container.name} cannot be read (${reference.problem})` };
      return { image: withTag(reference, request.tag) };
    }
  }
}

import type { WorkloadFacts } from '../observation.ts';
import type { ImageChange } from '../spec.ts';

/** A tag that was moved while the canary was scaled: its pods run different images, and a verdict on them would be about neither. */
export function mixedImage(images: readonly ImageChange[], canary: WorkloadFacts): string | undefined {
  for (const { container, to } of images) {
    const running = imageIdsOf(canary, container);
    if (running.size > 1) return `the tag was moved: ${to} is different images in the canary's pods: ${[...running].join(', ')}`;
  }
  return undefined;
}

/** A tag that was moved between canary and promotion: what runs now is not what was judged. */
export function movedImage(images: readonly ImageChange[], stable: WorkloadFacts, canary: WorkloadFacts | undefined): string | undefined {
  if (canary === undefined) return undefined;
  for (const { container, to } of images) {
    const judged = imageIdsOf(canary, container);
    const stranger = [...imageIdsOf(stable, container)].find((imageId) => judged.size > 0 && !judged.has(imageId));
    if (stranger !== undefined) return `the tag was moved: ${to} is ${stranger} now, but ${[...judged].join(', ')} was judged`;
  }
  return undefined;
}

function imageIdsOf(workload: WorkloadFacts, container: string): ReadonlySet<string> {
  const ids = workload.pods.flatMap((pod) => pod.containers.filter((found) => found.name === container).map((found) => found.imageId));
  return new Set(ids.filter((imageId) => imageId !== ''));
}

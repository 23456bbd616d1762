import type { WorkloadFacts } from '../observation.ts';
import type { ImageChange } from '../spec.ts';

/** What the released containers of these pods really run; containers that have not started yet are left out. */
export function imageIdsOf(images: readonly ImageChange[], workload: WorkloadFacts): readonly string[] {
  return [...new Set(images.flatMap(({ container }) => imageIdsOfContainer(container, workload)))];
}

/** A tag that was moved while the canary was scaled: its pods run different images, and a verdict on them would be about neither. */
export function mixedImage(images: readonly ImageChange[], canary: WorkloadFacts, whose = "the canary's"): string | undefined {
  for (const { container, to } of images) {
    const running = [...new Set(imageIdsOfContainer(container, canary))];
    if (running.length > 1) return `the tag was moved: ${to} is different images in ${whose} pods: ${running.join(', ')}`;
  }
  return undefined;
}

/** A tag that was moved between canary and promotion: what runs now is not what was judged. */
export function movedImage(images: readonly ImageChange[], stable: WorkloadFacts, judged: readonly string[]): string | undefined {
  for (const { container, to } of images) {
    const stranger = imageIdsOfContainer(container, stable).find((imageId) => !judged.includes(imageId));
    if (stranger !== undefined) return `the tag was moved: ${to} is ${stranger} now, but ${judged.join(', ')} was judged`;
  }
  return undefined;
}

function imageIdsOfContainer(container: string, workload: WorkloadFacts): readonly string[] {
  return workload.pods
    .flatMap((pod) =>
      [...pod.containers, ...(pod.initContainers ?? [])].filter((found) => found.name === container).map((found) => found.imageId),
    )
    .filter((imageId) => imageId !== '');
}

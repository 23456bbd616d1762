/** Label on the released Deployment and on everything of ours: the uid of the rollout's Job. */
export const rolloutLabel = 'gated-rollout.github.io/rollout';
/** Label on everything of ours: the uid of the Deployment that is released. */
export const targetLabel = 'gated-rollout.github.io/target';
/** Label on canary pods, in template and selector. */
export const trackLabel = 'gated-rollout.github.io/track';
/** Annotation of green: what its rollout changes, for the case that the Job, and the journal with it, is gone. */
export const recordAnnotation = 'gated-rollout.github.io/record';
/** Annotation of the Job that holds the journal. */
export const journalAnnotation = 'gated-rollout.github.io/journal';
/** Annotation of a version of a ConfigMap: the name that it has in the repository. */
export const sourceAnnotation = 'gated-rollout.github.io/source';
export const fieldManager = 'gated-rollout';

export type Names = {
  readonly job: string;
  readonly canary: string;
  /** The second Deployment of blue-green, and the Service that leads to it alone. */
  readonly green: string;
  readonly preview: string;
};

const baseLengthMax = 50;

/** Names of our objects. Jobs and Services end at 63 characters and Services have no dots, so a long or dotted base is cut, cleaned and hashed. */
export function namesFor(deployment: string): Names {
  const base = baseFor(deployment);
  return { job: `${base}-rollout`, canary: `${base}-canary`, green: `${base}-green`, preview: `${serviceBase(base)}-preview` };
}

/** The name of a Service begins with a letter, that of a Deployment need not. */
function serviceBase(base: string): string {
  return /^[a-z]/.test(base) ? base : `s-${base}`;
}

function baseFor(deployment: string): string {
  if (deployment.length <= baseLengthMax && !deployment.includes('.')) return deployment;
  const cleaned = deployment
    .replaceAll('.', '-')
    .slice(0, baseLengthMax - 9)
    .replace(/-+$/, '');
  return `${cleaned}-${fnv1a(deployment)}`;
}

/** FNV-1a, 32 bit, as 8 hexadecimal digits (Fowler, Noll, Vo; draft-eastlake-fnv). */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
}

import type { Traffic } from './traffic.ts';

/** A rule of another tool: asked every 5 s; true: the canary is taken back now. */
export type PeerRule = (traffic: Traffic) => boolean;

const limit = 0.01;

/** Argo Rollouts: a measurement every interval, and the analysis fails when more than `failureLimit` of them did. */
export function argo(intervalSeconds: number, windowSeconds: number, failureLimit: number): PeerRule {
  let failures = 0;
  return (traffic) => {
    const isDue = traffic.seconds % intervalSeconds === 0 && traffic.seconds >= windowSeconds;
    if (isDue && (traffic.ratio(windowSeconds) ?? 0) > limit) failures += 1;
    return failures > failureLimit;
  };
}

/** Flagger: a check every interval, failed ones are counted up, and the tick after the threshold takes the canary back. */
export function flagger(intervalSeconds: number, windowSeconds: number, threshold: number): PeerRule {
  let failed = 0;
  return (traffic) => {
    if (traffic.seconds % intervalSeconds !== 0 || traffic.seconds < windowSeconds) return false;
    if (failed >= threshold) return true;
    if ((traffic.ratio(windowSeconds) ?? 0) > limit) failed += 1;
    return false;
  };
}

/** Configurations by name. All demand 99 % success. */
export const peers: Readonly<Record<string, () => PeerRule>> = {
  'Argo 60 s, limit 0': () => argo(60, 60, 0),
  'Argo 60 s, limit 3': () => argo(60, 60, 3),
  'Argo 10 s, window 30 s': () => argo(10, 30, 0),
  'Flagger 60 s, threshold 5': () => flagger(60, 60, 5),
  'Flagger 10 s, threshold 1': () => flagger(10, 30, 1),
};

import type { BlueGreenPlan } from '../plan/blue-green-plan.ts';
import type { PairPlan } from '../plan/pair-plan.ts';
import type { FoundBlueGreen, Situation } from './situation.ts';

/** What blue-green, and a pair, have left whose Job is gone, in words. */
export function leftOfStrategies({ blueGreen, pair, names }: Situation): readonly string[] {
  const left: string[] = [];
  const { green, preview, services } = blueGreen ?? { green: undefined, preview: undefined, services: [] };
  if (green?.ours === true) {
    const going = green.terminating ? ', which is going' : '';
    left.push(`Deployment ${names.green} (replicas: ${green.desiredReplicas}), without a Job that would take it away${going}`);
  }
  for (const { name, colour, rollout, owned } of services) {
    if (colour === 'green') left.push(`Service ${name} leads to ${names.green}`);
    if (rollout !== undefined) left.push(`the annotation of an ended rollout on Service ${name}`);
    else if (owned) left.push(`our entry in the managedFields of Service ${name}`);
  }
  if (preview?.ours === true) left.push(`Service ${names.preview}, without a Job that would take it away`);
  if (pair?.rollout !== undefined) left.push(`the label of an ended rollout on Deployment ${pair.name}`);
  else if (pair?.owned === true) left.push(`our entry in the managedFields of Deployment ${pair.name}`);
  return left;
}

/** The uids of the Jobs of these rollouts; `owned`: where nothing but our name in managedFields is left. */
export function leftRolloutsOfStrategies({ blueGreen, pair }: Situation): { readonly uids: readonly string[]; readonly owned: boolean } {
  const { green, preview, services } = blueGreen ?? { green: undefined, preview: undefined, services: [] };
  const found = [
    green?.ours === true ? green.rollout : undefined,
    preview?.ours === true ? preview.rollout : undefined,
    ...services.map(({ rollout }) => rollout),
    pair?.rollout,
  ];
  return { uids: found.filter((uid) => uid !== undefined), owned: pair?.owned === true || services.some(({ owned }) => owned) };
}

/** Whether a Service leads to a green that no Job answers for: then nothing may be deleted before it is led back. */
export function isFlippedWithoutJob({ job, blueGreen }: Situation): boolean {
  return job?.ours !== true && blueGreen?.services.some(({ colour }) => colour === 'green') === true;
}

/** Of a plan that only cleans up: what blue-green has left. */
export function cleaningColours(found: FoundBlueGreen | undefined): BlueGreenPlan | undefined {
  if (found === undefined || !isOfOurs(found)) return undefined;
  return { ...found.colours, isInSelector: false, services: found.services.map(({ name }) => name), preview: { selector: {}, ports: [] } };
}

export function isOfOurs({ green, preview, services }: FoundBlueGreen): boolean {
  return green?.ours === true || preview?.ours === true || services.length > 0;
}

/** The same of a pair: its label and our name, never its replicas. */
export function cleaningPair({ pair, stable }: Situation): PairPlan | undefined {
  if (pair === undefined || (pair.rollout === undefined && !pair.owned)) return undefined;
  const nothing = { images: [], templateHash: '', total: 0, minAvailable: 0, maxTotal: 0, fences: { old: undefined, new: undefined } };
  return { ...nothing, name: pair.name, uid: pair.uid, found: { old: stable.desiredReplicas, new: pair.desiredReplicas } };
}

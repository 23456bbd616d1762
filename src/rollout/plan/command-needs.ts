import { isOfOurs } from '../situation/left-colours.ts';
import type { Situation } from '../situation/situation.ts';
import type { CommandNeeds } from './permissions.ts';

/** What else a command needs that ends or cleans up just this rollout: known once it is seen. */
export function needsOf(situation: Situation): Pick<CommandNeeds, 'configMaps' | 'strategy' | 'flipped' | 'pair' | 'createsJob'> {
  const { job, blueGreen, pair } = situation;
  const plan = job?.ours === true ? job.journal?.plan : undefined;
  const second = plan?.pair?.name ?? (pair?.rollout !== undefined || pair?.owned === true ? pair.name : undefined);
  const services = [...(plan?.blueGreen?.services ?? []), ...(blueGreen?.services ?? []).map(({ name }) => name)];
  const flips = plan?.blueGreen !== undefined || (blueGreen !== undefined && isOfOurs(blueGreen));
  const isFlipped = blueGreen?.services.some(({ colour }) => colour === 'green') === true;
  return {
    ...((plan?.configMaps ?? []).length > 0 ? { configMaps: true } : {}),
    ...(flips ? { strategy: 'blue-green', flipped: [...new Set(services)] } : {}),
    ...(second === undefined ? {} : { pair: second }),
    // What is led back has a Job again while that lasts: the record of the way back.
    ...(isFlipped && (job?.ours !== true || job.facts.over !== undefined) ? { createsJob: true } : {}),
  };
}

import type { Colours, ServiceShape } from './blue-green-plan.ts';
import type { PairPlan } from './pair-plan.ts';
import type { Plan } from './plan.ts';

type Labels = Readonly<Record<string, string>>;

/** What preflight has read of the Services around two Deployments that the user keeps: one serves, the other one is idle. */
export type KeptColourFacts = {
  readonly deployment: string;
  readonly second: string;
  /** Labels of the two pod templates. */
  readonly blue: Labels;
  readonly green: Labels;
  /** Services that select the pods of the first one, of the second one, of both. */
  readonly leading: readonly ServiceShape[];
  readonly leadingToSecond: readonly ServiceShape[];
  readonly common: readonly ServiceShape[];
  /** Pods of others that these Services select, or would select once they are flipped. */
  readonly strangers: readonly { readonly service: string; readonly pod: string }[];
};

/** Whether green is a Deployment of the user, which is never created and never deleted. */
export function keepsGreen({ pair, spec }: Pick<Plan, 'pair' | 'spec'>): boolean {
  return pair !== undefined && spec.strategy === 'blue-green';
}

/** How many replicas green gets: those of blue, and never fewer than it has. */
export function greenSize({ found }: Pick<PairPlan, 'found'>): number {
  return Math.max(found.old, found.new);
}

/** Whether green was found smaller: then it is scaled up for the flip, and blue down to that number in the end. */
export function isScaled({ found }: Pick<PairPlan, 'found'>): boolean {
  return found.new < found.old;
}

/** Reads the one label by which the Services tell the two apart: nothing about it is invented. */
export function chooseKeptColours(facts: KeptColourFacts): Colours {
  const { deployment, second, leading, leadingToSecond, common, strangers } = facts;
  const [shared] = common;
  if (shared !== undefined) {
    return refused(
      `${named(common)} selects the pods of both ${deployment} and ${second}: there is nothing to flip`,
      `That is a pair for canary-deployment: ${second}, which shares the traffic out by replicas. For a flip each Service needs a label that tells them apart, as the two templates have it:\n  selector:\n${selectorLines(shared.selector, differing(facts)[0], facts.blue)}`,
    );
  }
  if (leading.length === 0 && leadingToSecond.length > 0) {
    return refused(
      `${named(leadingToSecond)} leads to ${second} already: the release before went there`,
      `Exchange the two: deployment: ${second}, green-deployment: ${deployment}`,
    );
  }
  const [first] = leading;
  if (first === undefined) {
    const [key = 'app', value = deployment] = Object.entries(facts.blue)[0] ?? [];
    return refused(
      'no Service leads to its pods: there is nothing to flip',
      `Give its Service a selector that matches the pods, with the label by which ${second} differs:\n  selector:\n${selectorLines({ [key]: value }, differing(facts)[0], facts.blue)}`,
    );
  }
  const key = differing(facts).find((one) => leading.every((service) => leadsToSecond(service, one, facts.green)));
  if (key === undefined) return refusedWithoutKey(facts, first);
  const [stranger] = strangers;
  if (stranger !== undefined) {
    const pods = strangers.slice(0, 3).map(({ pod }) => pod);
    return refused(
      `Service ${stranger.service} leads, or would lead, to pods of others too (${pods.join(', ')})`,
      `Give Service ${stranger.service} a label that only the pods of ${deployment} and ${second} have, each with a value of its own`,
    );
  }
  const green = facts.green[key] ?? '';
  return {
    kind: 'colours',
    plan: {
      key,
      blue: facts.blue[key] ?? '',
      green,
      isInSelector: true,
      services: leading.map(({ name }) => name),
      preview: { selector: { ...first.selector, [key]: green }, ports: first.ports },
    },
    warnings: [],
  };
}

/** Labels that both templates have, with another value each. */
function differing({ blue, green }: Pick<KeptColourFacts, 'blue' | 'green'>): readonly string[] {
  return Object.keys(blue)
    .filter((key) => green[key] !== undefined && green[key] !== blue[key])
    .sort();
}

/** Whether the Service selects green's pods once this one value is exchanged. */
function leadsToSecond({ selector }: ServiceShape, key: string, green: Labels): boolean {
  if (selector[key] === undefined) return false;
  return Object.entries({ ...selector, [key]: green[key] }).every(([name, value]) => green[name] === value);
}

function refusedWithoutKey(facts: KeptColourFacts, first: ServiceShape): Colours {
  const { deployment, second, leading, blue } = facts;
  const [key] = differing(facts);
  if (key === undefined) {
    return refused(
      `no label tells ${deployment} and ${second} apart for ${named(leading)}: their pod templates differ in no value`,
      `Give both templates (and the selectors of Services and Deployments) one label with two values:\n  ${deployment}: colour: blue\n  ${second}: colour: green`,
    );
  }
  return refused(
    `no one label of ${named(leading)} leads from ${deployment} to ${second}`,
    `Each Service may select by labels that both have, and by one that differs:\n  selector:\n${selectorLines(shared(first.selector, facts), key, blue)}`,
  );
}

function shared(selector: Labels, { blue, green }: KeptColourFacts): Labels {
  return Object.fromEntries(Object.entries(selector).filter(([key]) => blue[key] === green[key]));
}

function selectorLines(selector: Labels, key: string | undefined, blue: Labels): string {
  const wanted = key === undefined ? { ...selector, colour: 'blue' } : { ...selector, [key]: blue[key] ?? '' };
  return Object.entries(wanted)
    .map(([name, value]) => `    ${name}: ${value}`)
    .join('\n');
}

function named(services: readonly ServiceShape[]): string {
  return `Service ${services.map(({ name }) => name).join(', ')}`;
}

function refused(message: string, hint: string): Colours {
  return { kind: 'refused', message, hint };
}

/** One port of a Service, as its manifest has it. */
export type ServicePort = {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
  readonly appProtocol?: string;
};

/** How two colours are told apart, and which Services are flipped. Plain JSON: the journal and green's own record hold it. */
export type BlueGreenPlan = {
  /** The label whose value is another one on green's pods: a key in the selector of every Service. */
  readonly key: string;
  /** Its value on stable's pods, which is also the old value in every selector. */
  readonly blue: string;
  readonly green: string;
  /** Whether the Deployment's own selector has the key: if not, our track label keeps the two selectors apart. */
  readonly isInSelector: boolean;
  /** In the order in which they are flipped. */
  readonly services: readonly string[];
  readonly preview: { readonly selector: Readonly<Record<string, string>>; readonly ports: readonly ServicePort[] };
  /** The uid of the rollout whose Job is gone, and that has left green and its record behind: this rollout takes it back. */
  readonly recovers?: string;
};

/** What preflight has found out about the Services. */
export type Colours =
  | { readonly kind: 'colours'; readonly plan: BlueGreenPlan; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string; readonly hint: string };

export type ServiceShape = {
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
};

export type ColourFacts = {
  readonly deployment: string;
  /** Labels of the pod template. */
  readonly labels: Readonly<Record<string, string>>;
  readonly matchLabels: Readonly<Record<string, string>>;
  /** Keys in the expressions of the Deployment's selector: their values cannot be changed. */
  readonly expressionKeys: readonly string[];
  /** Services that lead to the pods. */
  readonly services: readonly ServiceShape[];
  /** Why a Service of the Deployment's own name does not; undefined where there is none, or it does. */
  readonly bystander: string | undefined;
  /** Pods of others behind the same Services, as `Service shop: pod cart-1`. */
  readonly strangers: readonly { readonly service: string; readonly pod: string }[];
  /** Objects that select by a label, with the keys that they need. */
  readonly selectors: readonly { readonly what: string; readonly keys: readonly string[] }[];
};

const valueLengthMax = 63;

/**
 * Chooses the label by which the Services tell two colours apart: a key in the selector of all of them, if possible one that nothing else selects
 * by, and one that the Deployment's own selector has, so that neither Deployment sees the other's pods.
 */
export function chooseColours(facts: ColourFacts): Colours {
  const { deployment, services } = facts;
  if (services.length === 0) return refusedWithoutService(facts);
  const [stranger] = facts.strangers;
  if (stranger !== undefined) {
    return {
      kind: 'refused',
      message: `Service ${stranger.service} leads to pods of others too (${facts.strangers
        .map(({ pod }) => pod)
        .slice(0, 3)
        .join(', ')}): a flip would take them out of it`,
      hint: `Give Service ${stranger.service} a label that only the pods of ${deployment} have, in its spec and in the Deployment's pod template:\n  selector:\n    app.kubernetes.io/instance: ${deployment}`,
    };
  }
  const [first, ...others] = services;
  const common = Object.keys(first?.selector ?? {}).filter((key) => others.every((service) => service.selector[key] !== undefined));
  const keys = common.filter((key) => !facts.expressionKeys.includes(key));
  if (keys.length === 0) return refusedWithoutKey(facts, common);
  const usersOf = (key: string): readonly string[] => facts.selectors.filter((one) => one.keys.includes(key)).map((one) => one.what);
  const rank = (key: string): number => usersOf(key).length * 2 + (facts.matchLabels[key] === undefined ? 1 : 0);
  const key = [...keys].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))[0] ?? '';
  const blue = facts.labels[key] ?? '';
  const green = greenValue(blue);
  return {
    kind: 'colours',
    plan: {
      key,
      blue,
      green,
      isInSelector: facts.matchLabels[key] !== undefined,
      services: services.map(({ name }) => name),
      preview: { selector: { ...first?.selector, [key]: green }, ports: first?.ports ?? [] },
    },
    warnings: usersOf(key).map(
      (what) => `${what} selects by the label ${key}: it does not cover green's pods, which have ${key}: ${green} while they serve`,
    ),
  };
}

function refusedWithoutService({ deployment, labels, bystander }: ColourFacts): Colours {
  const [key = 'app', value = deployment] = Object.entries(labels)[0] ?? [];
  return {
    kind: 'refused',
    message: `no Service leads to its pods${bystander === undefined ? '' : ` (${bystander})`}: there is nothing to flip`,
    hint: `Give its Service a selector that matches the pods, or use strategy: canary:\n  selector:\n    ${key}: ${value}`,
  };
}

function refusedWithoutKey({ deployment, services, labels }: ColourFacts, common: readonly string[]): Colours {
  const names = services.map(({ name }) => name).join(', ');
  const why =
    common.length === 0
      ? `the Services ${names} have no key of their selectors in common, and all of them must flip together`
      : `the Services ${names} select by ${common.join(', ')} alone, which the Deployment's own selector needs as an expression`;
  const key =
    Object.keys(labels).find((label) => services.some((service) => service.selector[label] === undefined)) ?? 'app.kubernetes.io/instance';
  return {
    kind: 'refused',
    message: `its Services cannot tell two colours apart: ${why}`,
    hint: `Give each of these Services (and the pod template) the same label:\n  selector:\n    ${key}: ${labels[key] ?? deployment}`,
  };
}

/** `<value>-green`; a label's value ends at 63 characters, and begins and ends with a letter or digit. */
export function greenValue(blue: string): string {
  const suffix = blue === '' ? 'green' : '-green';
  return `${blue.slice(0, valueLengthMax - suffix.length).replace(/[^A-Za-z0-9]+$/, '')}${suffix}`;
}

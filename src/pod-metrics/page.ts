import { Fault, messageOf } from '../errors.ts';
import type { Family } from '../rollout/metric-families/families.ts';
import { countSlow } from '../rollout/metric-families/latency.ts';
import { countSeries } from '../rollout/metric-families/outcome.ts';
import type { PodCounters } from '../rollout/observation.ts';
import type { MetricsEndpoint, MetricsEndpoints } from '../runner/ports.ts';
import { type ExposedSample, parseExposition } from './exposition.ts';

/** Gives the text of a pod's page of metrics; throws a Fault. */
export type FetchPage = (
  pod: string,
  endpoint: MetricsEndpoint,
  timing: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<string>;

/** A gap says nothing about the pod: it is not zero. `why` may hold untrusted text. */
export type Gap = { readonly kind: 'gap'; readonly why: string };
export type Page = { readonly kind: 'samples'; readonly samples: readonly ExposedSample[] } | Gap;
/** `nothing`: it has not answered a request yet. */
export type PodCount = { readonly kind: 'counter'; readonly counter: PodCounters[string] } | { readonly kind: 'nothing' } | Gap;

/** Untrusted text is passed on up to this length; it is escaped where it is shown. */
const whyMax = 300;
/** A pod that takes longer is this turn's gap: the others must not wait for it. */
const pageMs = 1_000;

/** Reads the pages of these pods at the same time, in about a second at most; a pod without an endpoint is left out. */
export async function readPages(
  fetchPage: FetchPage,
  pods: readonly string[],
  endpoints: MetricsEndpoints,
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly (readonly [string, Page])[]> {
  return Promise.all(
    pods.flatMap((pod) => {
      const endpoint = Object.hasOwn(endpoints, pod) ? endpoints[pod] : undefined;
      return endpoint === undefined ? [] : [readPage(fetchPage, pod, endpoint, names, signal).then((page) => [pod, page] as const)];
    }),
  );
}

async function readPage(
  fetchPage: FetchPage,
  pod: string,
  endpoint: MetricsEndpoint,
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Page> {
  try {
    const exposed = parseExposition(await fetchPage(pod, endpoint, { timeoutMs: pageMs, signal }), (name) => names.has(name));
    return exposed.kind === 'samples' ? exposed : gap(pod, exposed.why);
  } catch (error) {
    if (error instanceof Fault) return gap(pod, messageOf(error));
    // The reason of the caller's own signal is no fault.
    if (signal.aborted) return gap(pod, 'cancelled');
    throw error;
  }
}

/** How requests are counted; `slowBoundMs`: those that take longer are counted as well. */
export type Counting = { readonly family: Family; readonly slowBoundMs: number | undefined };

/** What one page counts. */
export function countPage({ family, slowBoundMs }: Counting, pod: string, page: Page): PodCount {
  if (page.kind === 'gap') return page;
  const counter = countSeries(
    family,
    page.samples.filter(({ name }) => name === family.counter),
  );
  if (counter === undefined) return { kind: 'nothing' };
  if (counter === 'no-outcome') return gap(pod, `${family.counter} does not tell what failed`);
  const buckets = page.samples.filter(({ name }) => name === family.buckets?.name);
  const slow = slowBoundMs === undefined ? undefined : countSlow(family, buckets, slowBoundMs);
  return { kind: 'counter', counter: slow === undefined ? counter : { ...counter, slow } };
}

/** The counters of those pods that have one. */
export function countersOf(counting: Counting, pages: readonly (readonly [string, Page])[]): PodCounters {
  return Object.fromEntries(
    pages.flatMap(([pod, page]) => {
      const count = countPage(counting, pod, page);
      return count.kind === 'counter' ? [[pod, count.counter]] : [];
    }),
  );
}

/** Those of these pods that have not said what they count: an answer without the counter says that there was no request. */
export function silentPods(counting: Counting, pods: readonly string[], pages: readonly (readonly [string, Page])[]): readonly string[] {
  const heard = new Set(pages.flatMap(([pod, page]) => (countPage(counting, pod, page).kind === 'gap' ? [] : [pod])));
  return pods.filter((pod) => !heard.has(pod));
}

/** Why nothing is known of an arm: the first gap, where every page is one. */
export function whyUnknown(counting: Counting, pages: readonly (readonly [string, Page])[]): string | undefined {
  const counts = pages.map(([pod, page]) => countPage(counting, pod, page));
  const [first] = counts;
  return first?.kind === 'gap' && counts.every((count) => count.kind === 'gap') ? first.why : undefined;
}

function gap(pod: string, why: string): Gap {
  return { kind: 'gap', why: `pod ${pod}: ${why}`.slice(0, whyMax) };
}

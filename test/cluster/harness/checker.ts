import type { Baseline, Expectation } from './expectation.ts';
import { judgeClients } from './judge-clients.ts';
import { judgeLeftovers } from './judge-leftovers.ts';
import { judgeObjects } from './judge-objects.ts';
import { judgeOurs } from './judge-ours.ts';
import type { Api } from './kubernetes.ts';
import { describeLoad, type LoadStats } from './load.ts';
import type { Metrics } from './metrics.ts';
import { servingSpan } from './timeline.ts';
import type { History } from './watcher.ts';

export interface Judgement {
  readonly problems: readonly string[];
  readonly failedRequests: number;
  readonly clients: string;
}

export interface Evidence {
  readonly api: Api;
  readonly namespace: string;
  readonly history: History;
  readonly baseline: Baseline;
  readonly stats: LoadStats | undefined;
}

/** Judges a release from the client's side and from what the API showed at every instant; knows nothing of how it was done. */
export async function judge(evidence: Evidence, expectation: Expectation): Promise<Judgement> {
  const { api, namespace, history, baseline, stats } = evidence;
  const problems = [
    ...(stats === undefined ? [] : judgeClients(stats, expectation)),
    ...judgeObjects(history, baseline, expectation),
    ...judgeOurs(history, baseline.atMs),
    ...(await judgeLeftovers(api, namespace, baseline, expectation)),
  ];
  return { problems, failedRequests: stats?.failed ?? 0, clients: stats === undefined ? 'no load' : describeLoad(stats) };
}

export interface Exposure {
  readonly readyAtMs: number;
  readonly outAtMs: number | undefined;
  /** From the first pod of the image among the ready endpoints to the last one out of them. */
  readonly exposedSeconds: number | undefined;
  /** From the second scrape that holds its errors to the last one out of the endpoints. */
  readonly afterSecondScrapeSeconds: number | undefined;
}

export async function measureExposure(
  history: History,
  service: string,
  pods: ReadonlySet<string>,
  metrics: Metrics,
): Promise<Exposure | undefined> {
  const span = servingSpan(history, service, (pod) => pods.has(pod));
  if (span === undefined) return undefined;
  const scrapes = await metrics.scrapesWithErrors(pods);
  const second = scrapes[1]?.atMs;
  return {
    readyAtMs: span.fromMs,
    outAtMs: span.toMs,
    exposedSeconds: span.toMs === undefined ? undefined : seconds(span.toMs - span.fromMs),
    afterSecondScrapeSeconds: span.toMs === undefined || second === undefined ? undefined : seconds(span.toMs - second),
  };
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}

import { rulesFor } from '../../src/rollout/gates/metrics-rules.ts';
import { absorbTraffic, startTraffic } from '../../src/rollout/gates/traffic-share.ts';
import { binomial, seeded } from '../rollout/gates/random.ts';

const pods = 5;
const share = 1 / pods;
const requestsPerTurn = 1_500;
const turnSeconds = 15;

/** How clients connect: each of `count` connections stays with one pod, the first one is the canary, and is renewed after a mean life; 0: one for each request. */
export type Connections = { readonly count: number; readonly meanLifeSeconds: number };

/** Seconds until `min-traffic: 50%` convicts a canary beside 4 pods at 100 requests/s; undefined: it does not. It hangs from `hangsAt` on. */
export function convictedAfter(
  seed: number,
  { count, meanLifeSeconds }: Connections,
  seconds: number,
  hangsAt = Number.POSITIVE_INFINITY,
): number | undefined {
  const spec = { maxErrorIncrease: { ratio: 1.25, absolute: 0.005 }, maxErrorRate: undefined, minTraffic: 0.5, timeoutMs: 1_800_000 };
  const rules = rulesFor({ compare: true, spec });
  if (rules === undefined) throw new Error('no rules');
  const random = seeded(seed);
  const renewed = meanLifeSeconds === 0 ? 1 : 1 - Math.exp(-turnSeconds / meanLifeSeconds);
  const podOf = (): number => Math.floor(random() * pods);
  let connections = Array.from({ length: count }, podOf);
  let evidence = startTraffic(rules);
  for (let at = 0; at < seconds; at += turnSeconds) {
    connections = connections.map((pod) => (random() < renewed ? podOf() : pod));
    const kept = (requestsPerTurn * connections.filter((pod) => pod === 0).length) / Math.max(1, count);
    const answered = meanLifeSeconds === 0 ? binomial(random, requestsPerTurn, share) : kept;
    const canaryRequests = at >= hangsAt ? 0 : answered;
    const delta = { canaryErrors: 0, canaryRequests, stableErrors: 0, stableRequests: requestsPerTurn - answered };
    evidence = absorbTraffic(rules, evidence, delta, share, at * 1000);
    if (evidence.test.logE >= rules.failNats) return at;
  }
  return undefined;
}

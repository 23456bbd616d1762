import type { Expectation } from './expectation.ts';
import { describeLoad, type Failure, type LoadStats } from './load.ts';

/** What the clients got: the part of the judgement that needs no look at the cluster. */
export function judgeClients(stats: LoadStats, expectation: Expectation): readonly string[] {
  return [...judgeFlow(stats), ...judgeFailures(stats, expectation)];
}

// No failed request says nothing where no request was sent.
function judgeFlow(stats: LoadStats): readonly string[] {
  const seconds = (stats.nowMs - stats.startedAtMs) / 1000;
  if (seconds < 2) return [`clients: the load was watched for ${seconds.toFixed(1)} s only`];
  const share = stats.sent / (seconds * stats.rate);
  return share < 0.7 ? [`clients: only ${Math.round(share * 100)} % of the load was sent: ${describeLoad(stats)}`] : [];
}

function judgeFailures(stats: LoadStats, expectation: Expectation): readonly string[] {
  const allowed = expectation.failures;
  const wrong = new Map<string, { count: number; first: Failure; firstMs: number; lastMs: number; addresses: Set<string> }>();
  for (const failure of stats.failures) {
    if (allowed !== 'none' && allowed.answersOf.includes(failure.version) && failure.kind.startsWith('http-')) continue;
    const key = `${failure.kind}${failure.version === '' ? '' : ` from ${failure.version}`}`;
    const entry = wrong.get(key) ?? { count: 0, first: failure, firstMs: failure.atMs, lastMs: failure.atMs, addresses: new Set<string>() };
    entry.count += 1;
    entry.lastMs = Math.max(entry.lastMs, failure.atMs);
    entry.addresses.add(failure.address);
    wrong.set(key, entry);
  }
  // Where all pods of a bad version fail at once, nobody answers until the Service leads to others.
  const silent = ({ firstMs, lastMs, addresses }: { firstMs: number; lastMs: number; addresses: Set<string> }): boolean =>
    lastMs - firstMs < (expectation.silenceMs ?? 0) && [...addresses].every((address) => address === '');
  const problems = [...wrong].filter(([, entry]) => !silent(entry));
  return problems.map(([key, entry]) => {
    const from = ((entry.firstMs - stats.startedAtMs) / 1000).toFixed(1);
    const to = ((entry.lastMs - stats.startedAtMs) / 1000).toFixed(1);
    const seconds = new Set(stats.failures.map((failure) => Math.floor(failure.atMs / 1000))).size;
    const { detail, tookMs } = entry.first;
    const how = detail === '' ? '' : `; the first after ${tookMs} ms: ${detail}`;
    return `clients: ${entry.count} of ${stats.sent} requests failed (${key}), from second ${from} to ${to}, in ${seconds} of them; answered by ${[...entry.addresses].slice(0, 4).join(', ')}${how}`;
  });
}

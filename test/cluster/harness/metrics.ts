import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, ApiError } from './kubernetes.ts';

export const prometheusAddress = 'service://monitoring/prometheus:9090';
export const prometheusProxy = '/api/v1/namespaces/monitoring/services/prometheus:9090/proxy';

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

export class Metrics {
  private readonly api: Api;
  private readonly namespace: string;

  constructor(api: Api, namespace: string) {
    this.api = api;
    this.namespace = namespace;
  }

  /** Waits until Prometheus has counted `pods` pods at least twice: what a preflight finds then is steady. */
  async counts(pods: number, limitMs: number): Promise<void> {
    const end = Date.now() + limitMs;
    const query = `count(max by (pod) (count_over_time({__name__=~"http_requests_total|http_server_request_duration_seconds_count",namespace="${this.namespace}"}[1m])) >= 2)`;
    for (let counted = 0; ; await sleep(500)) {
      try {
        counted = Number((await this.query(query))[0]?.value?.[1] ?? '0');
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
      if (counted >= pods) return;
      if (Date.now() > end) throw new Error(`Prometheus counts ${counted} of ${pods} pods in ${this.namespace}`);
    }
  }

  /** Scrapes, by their own timestamps, in which the pods' errors had grown, oldest first. */
  async scrapesWithErrors(pods: ReadonlySet<string>): Promise<readonly Sample[]> {
    if (pods.size === 0) return [];
    const selector = `namespace="${this.namespace}",pod=~"${[...pods].join('|')}",code=~"5.."`;
    const scrapes: Sample[] = [];
    for (const series of await this.query(`http_requests_total{${selector}}[10m]`)) {
      let before = 0;
      for (const [seconds, text] of series.values ?? []) {
        const value = Number(text);
        if (value > before) scrapes.push({ atMs: seconds * 1000, value });
        before = value;
      }
    }
    return scrapes.sort((a, b) => a.atMs - b.atMs);
  }

  private async query(query: string): Promise<readonly Series[]> {
    const path = `${prometheusProxy}/api/v1/query?query=${encodeURIComponent(query)}`;
    return (await this.api.get<{ data: { result: readonly Series[] } }>(path)).data.result;
  }
}

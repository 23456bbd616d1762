import { describe, expect, it } from 'vitest';
import type { Sandbox, SandboxOptions } from '../../sandbox/sandbox.ts';
import { deployment, sandboxWith, service } from './scene.ts';

function serving(options: Partial<SandboxOptions> = {}, image = 'web:v1', container: object = {}): Sandbox {
  const sandbox = sandboxWith(options);
  sandbox.apply(deployment('web', { replicas: 4 }, image, container));
  sandbox.apply(service('web'));
  sandbox.advance(5_000);
  return sandbox;
}

function addCanary(sandbox: Sandbox, replicas: number, image: string): void {
  const labels = { app: 'web', track: 'canary' };
  const canary = deployment('web-canary', { replicas, selector: { matchLabels: labels } }, image) as {
    spec: { template: { metadata: object } };
  };
  canary.spec.template.metadata = { labels };
  sandbox.apply(canary);
}

function query(sandbox: Sandbox, text: string, time?: number) {
  const response = sandbox.prometheus({
    method: 'GET',
    path: '/api/v1/query',
    query: { query: text, ...(time === undefined ? {} : { time: String(time) }) },
  });
  return JSON.parse(response.body) as { status: string; data: { result: { metric: Record<string, string>; value: [number, string] }[] } };
}

const values = (sandbox: Sandbox, text: string, time?: number) =>
  query(sandbox, text, time).data.result.map(({ value }) => Number(value[1]));

describe('traffic', () => {
  it('is shared out by the ready endpoints', () => {
    const sandbox = serving();
    sandbox.traffic.start({ namespace: 'shop', service: 'web', ratePerSecond: 100 });
    addCanary(sandbox, 1, 'web:bad');
    sandbox.advance(2_000);
    const before = sandbox.traffic.clientStats();
    sandbox.advance(100_000);
    const { byVersion } = sandbox.traffic.clientStats();
    const count = (version: string) => {
      const [after, earlier] = [byVersion[version], before.byVersion[version]];
      return (after?.ok ?? 0) + (after?.failed ?? 0) - (earlier?.ok ?? 0) - (earlier?.failed ?? 0);
    };
    expect(count('bad') / 10_000).toBeCloseTo(0.2, 1);
    expect((byVersion['bad']?.failed ?? 0) / count('bad')).toBeCloseTo(0.5, 1);
    expect(byVersion['v1']?.failed).toBe(0);
  });

  it.each([
    ['an application that exits at once loses requests', { exitAtOnce: true }, {}, true],
    ['one that drains loses none', {}, {}, false],
    ['preStop sleep saves the one that exits at once', { exitAtOnce: true }, { lifecycle: { preStop: { sleep: { seconds: 3 } } } }, false],
  ])('%s', (_name, behaviour, container, loses) => {
    const sandbox = serving({ images: { 'web:v1': behaviour } }, 'web:v1', container);
    sandbox.traffic.start({ namespace: 'shop', service: 'web', ratePerSecond: 200 });
    sandbox.advance(5_000);
    sandbox.apply(deployment('web', { replicas: 2 }, 'web:v1', container));
    sandbox.advance(10_000);
    expect(sandbox.traffic.clientStats().failed > 0).toBe(loses);
  });

  it('fails requests after so many, in the probes too', () => {
    const probe = { livenessProbe: { httpGet: { port: 8080 }, periodSeconds: 1, failureThreshold: 2 } };
    const sandbox = serving({ images: { 'web:v1': { failAfterRequests: 100 } } }, 'web:v1', probe);
    sandbox.traffic.start({ namespace: 'shop', service: 'web', ratePerSecond: 100 });
    sandbox.advance(20_000);
    expect(sandbox.traffic.clientStats().failed).toBeGreaterThan(0);
    expect(sandbox.list('pods').every((pod) => (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0)).toBe(true);
  });

  it('is the same run for the same seed, and another for another', () => {
    const run = (seed: number) => {
      const sandbox = serving({ seed });
      sandbox.traffic.start({ namespace: 'shop', service: 'web', ratePerSecond: 50 });
      addCanary(sandbox, 2, 'web:bad');
      sandbox.advance(30_000);
      return JSON.stringify([sandbox.traffic.clientStats(), sandbox.list('pods'), sandbox.list('events')]);
    };
    expect(run(7)).toBe(run(7));
    expect(run(7)).not.toBe(run(8));
  });
});

describe('Prometheus', () => {
  const warm = () => {
    const sandbox = serving({ prometheus: { scrapeIntervalMs: 5_000 } });
    sandbox.traffic.start({ namespace: 'shop', service: 'web', ratePerSecond: 100 });
    addCanary(sandbox, 1, 'web:bad');
    sandbox.advance(60_000);
    return sandbox;
  };

  it('answers what was scraped, not what is', () => {
    const sandbox = warm();
    const [total = 0] = values(sandbox, 'sum(http_requests_total{namespace="shop"})');
    const { ok, failed } = sandbox.traffic.clientStats();
    expect(total).toBeLessThan(ok + failed);
    expect(total).toBeGreaterThan((ok + failed) * 0.9);
  });

  it.each([
    ['sum by (pod) (http_requests_total{pod=~"web-.*"})', 5],
    ['sum by (pod, code) (http_requests_total)', 6],
    ['sum(http_requests_total{code=~"5.."}) by (pod)', 1],
    ['http_requests_total{code!~"2..", version!="v1"}', 1],
    ['http_requests_total{code="404"} or vector(0)', 1],
    ['sum by (pod) (http_requests_total{code="500"}) or sum by (pod) (http_requests_total * 0)', -1],
    [
      'label_replace(sum(http_requests_total), "of", "total", "", "") or label_replace(sum(http_requests_total{code="500"}), "of", "errors", "", "")',
      2,
    ],
    ['count(up)', 1],
    ['{__name__=~"up|http_requests_total"}', 11],
    ['rate(http_requests_total[1m])', -1],
    ['sum by (pod', -1],
    ['{pod=""}', -1],
    ['nothing_at_all', 0],
  ])('%s', (text, results) => {
    const answer = query(warm(), text);
    expect(answer.status).toBe(results < 0 ? 'error' : 'success');
    if (results < 0) expect(answer).toMatchObject({ errorType: 'bad_data' });
    else expect(answer.data.result).toHaveLength(results);
  });

  it('replaces labels by the groups of the expression', () => {
    const [first] = query(warm(), 'label_replace(sum by (code) (http_requests_total{code="500"}), "class", "$1xx", "code", "(.)..")').data
      .result;
    expect(first?.metric).toEqual({ code: '500', class: '5xx' });
  });

  it('forgets a pod that is gone, and remembers the past', () => {
    const sandbox = warm();
    const thenSeconds = sandbox.now() / 1000;
    sandbox.remove('deployments', 'shop', 'web-canary');
    sandbox.advance(20_000);
    const errors = 'sum(http_requests_total{code="500"})';
    expect(values(sandbox, errors)).toEqual([]);
    expect(values(sandbox, errors, thenSeconds)).toHaveLength(1);
    expect(values(sandbox, errors, thenSeconds + 3_600)).toEqual([]);
  });

  it('is reached through the API server, by POST as by GET, and fails when told to', () => {
    const sandbox = warm();
    const path = '/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/query';
    const ask = () =>
      sandbox.handle({ method: 'POST', path, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'query=sum(up)' });
    expect(JSON.parse(ask().body)).toMatchObject({ data: { result: [{ value: [expect.anything(), '5'] }] } });
    sandbox.prometheusFaults.answer = 'error';
    expect(ask().status).toBe(503);
    sandbox.prometheusFaults.answer = 'empty';
    expect(JSON.parse(ask().body)).toMatchObject({ data: { result: [] } });
    sandbox.prometheusFaults.delayMs = 700;
    expect(ask().delayMs).toBe(700);
    expect(sandbox.handle({ method: 'GET', path: path.replace('9090', '9091') }).status).toBe(404);
  });
});

describe('the metrics of a pod through the API server', () => {
  const page = (sandbox: Sandbox, target: string, path = 'metrics') =>
    sandbox.handle({ method: 'GET', path: `/api/v1/namespaces/shop/pods/${target}/proxy/${path}` });

  it('count what it has answered until this moment', () => {
    const sandbox = serving();
    const [pod] = sandbox.list('pods', 'shop');
    const name = pod?.metadata.name ?? '';
    expect(page(sandbox, `${name}:8080`)).toMatchObject({ status: 200, body: '' });
    sandbox.traffic.start({ namespace: 'shop', service: 'web', ratePerSecond: 100 });
    sandbox.advance(10_000);
    const requests = Number(/^http_requests_total\{code="200",version="v1"\} (\d+)$/m.exec(page(sandbox, `${name}:8080`).body)?.[1]);
    expect(requests).toBeGreaterThan(200);
    expect(requests).toBeLessThan(300);
  });

  it('are nowhere else', () => {
    const sandbox = serving();
    const name = sandbox.list('pods', 'shop')[0]?.metadata.name ?? '';
    expect(page(sandbox, `${name}:8080`, 'nowhere').status).toBe(404);
    expect(page(sandbox, `${name}:8081`)).toMatchObject({ status: 503, body: expect.stringContaining('connection refused') });
    expect(page(sandbox, 'nobody:8080')).toMatchObject({ status: 404, body: expect.stringContaining('pods \\"nobody\\" not found') });
  });
});

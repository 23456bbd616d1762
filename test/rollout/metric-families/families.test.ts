import { describe, expect, it } from 'vitest';
import { chooseFamily, describeChoice, explainNoFamily, type Sighting, sightingOf } from '../../../src/rollout/metric-families/choose.ts';
import { families, type Preset, presets } from '../../../src/rollout/metric-families/families.ts';
import { boundsOf, countSlow } from '../../../src/rollout/metric-families/latency.ts';
import { countSeries, type Labels } from '../../../src/rollout/metric-families/outcome.ts';

const family = (counter: string) => {
  const found = families.find((one) => one.counter === counter);
  if (found === undefined) throw new Error(counter);
  return found;
};
const series = (...rows: readonly [number, Labels][]) => rows.map(([value, labels]) => ({ value, labels }));

describe('what counts as an error', () => {
  it.each<[string, readonly [number, Labels][], { errors: number; requests: number } | string | undefined]>([
    [
      'http_requests_total',
      [
        [7, { code: '200' }],
        [2, { code: '503' }],
        [1, { code: '404' }],
      ],
      { errors: 2, requests: 10 },
    ],
    [
      'http_requests_total',
      [
        [7, { status: '2xx' }],
        [2, { status: '5XX' }],
      ],
      { errors: 2, requests: 9 },
    ],
    [
      'http_requests_total',
      [
        [7, { status_code: '200' }],
        [2, { status_code: '500' }],
      ],
      { errors: 2, requests: 9 },
    ],
    [
      'http_requests_total',
      [
        [7, { code: 'ok' }],
        [2, {}],
      ],
      'no-outcome',
    ],
    [
      'http_requests_total',
      [
        [7, { code: '200' }],
        [2, { code: 'unknown' }],
      ],
      { errors: 0, requests: 9 },
    ],
    [
      'http_requests_total',
      [
        [7, { code: '200', path: '/' }],
        [99, { code: '503', path: '/readyz' }],
      ],
      { errors: 0, requests: 7 },
    ],
    ['http_requests_total', [[7, { code: '200', handler: '/health/ready' }]], { errors: 0, requests: 7 }],
    ['http_requests_total', [[9, { code: '200', handler: '/metrics' }]], undefined],
    ['http_requests_total', [], undefined],
    [
      'http_request_duration_seconds_count',
      [
        [5, { status: '200', path: 'root' }],
        [9, { status: '503', path: 'readyz' }],
        [9, { status: '200', path: 'metrics' }],
      ],
      { errors: 0, requests: 5 },
    ],
    [
      'http_server_request_duration_seconds_count',
      [
        [5, { http_response_status_code: '200', http_route: '/a' }],
        [1, { http_response_status_code: '500', http_route: 'GET /healthz' }],
      ],
      { errors: 0, requests: 5 },
    ],
    [
      'http_server_duration_milliseconds_count',
      [
        [5, { http_status_code: '200' }],
        [3, { http_status_code: '502' }],
      ],
      { errors: 3, requests: 8 },
    ],
    [
      'http_server_requests_seconds_count',
      [
        [5, { status: '200', uri: '/a' }],
        [3, { status: '500', uri: '/a' }],
        [9, { status: '503', uri: '/actuator/health' }],
      ],
      { errors: 3, requests: 8 },
    ],
    [
      'grpc_server_handled_total',
      [
        [5, { grpc_code: 'OK' }],
        [4, { grpc_code: 'NotFound' }],
        [3, { grpc_code: 'Internal' }],
        [2, { grpc_code: 'DEADLINE_EXCEEDED' }],
        [9, { grpc_code: 'Unavailable', grpc_service: 'grpc.health.v1.Health' }],
      ],
      { errors: 5, requests: 14 },
    ],
    [
      'rpc_server_duration_milliseconds_count',
      [
        [5, { rpc_grpc_status_code: '0' }],
        [3, { rpc_grpc_status_code: '14' }],
      ],
      { errors: 3, requests: 8 },
    ],
    [
      'istio_requests_total',
      [
        [5, { reporter: 'destination', response_code: '200' }],
        [3, { reporter: 'destination', response_code: '503' }],
        [9, { reporter: 'source', response_code: '503' }],
      ],
      { errors: 3, requests: 8 },
    ],
    [
      'response_total',
      [
        [5, { direction: 'inbound', classification: 'success' }],
        [3, { direction: 'inbound', classification: 'failure' }],
        [9, { direction: 'outbound', classification: 'failure' }],
      ],
      { errors: 3, requests: 8 },
    ],
  ])('%s %j', (counter, rows, expected) => {
    expect(countSeries(family(counter), series(...rows))).toEqual(expected);
  });

  it('labels with the names of prototypes are labels', () => {
    const labels = Object.assign(Object.create(null), { ['__proto__']: '500', code: '200' }) as Labels;
    expect(countSeries(family('http_requests_total'), [{ labels, value: 3 }])).toEqual({ errors: 0, requests: 3 });
  });
});

describe('slow requests', () => {
  const buckets = (unit: 1 | 1000, ...rows: readonly [number, number][]) =>
    rows.map(([le, value]) => ({ labels: { le: le === Infinity ? '+Inf' : String(le * unit) }, value }));
  const http = family('http_request_duration_seconds_count');
  const istio = family('istio_requests_total');

  it('are all but those within the bound', () => {
    expect(countSlow(http, buckets(1, [0.1, 5], [0.3, 90], [Infinity, 100]), 300)).toBe(10);
    expect(
      countSlow(
        http,
        [
          { labels: { le: '0.30' }, value: 90 },
          { labels: { le: '+Inf' }, value: 100 },
        ],
        300,
      ),
    ).toBe(10);
  });

  it('are counted in milliseconds where the family counts so', () => {
    const inbound = buckets(1000, [0.25, 90], [Infinity, 100]).map(({ labels, value }) => ({
      labels: { ...labels, reporter: 'destination' },
      value,
    }));
    expect(countSlow(istio, inbound, 250)).toBe(10);
    expect(boundsOf(istio, inbound)).toEqual([250]);
  });

  it('are unknown between two bounds, and without a histogram', () => {
    expect(countSlow(http, buckets(1, [0.1, 5], [0.5, 90], [Infinity, 100]), 300)).toBeUndefined();
    expect(countSlow(http, buckets(1, [0.3, 5]), 300)).toBeUndefined();
    expect(countSlow(http, [], 300)).toBeUndefined();
  });

  it('leave out probes', () => {
    const probe = { labels: { le: '+Inf', path: 'readyz' }, value: 1000 };
    expect(countSlow(http, [...buckets(1, [0.3, 90], [Infinity, 100]), probe], 300)).toBe(10);
  });

  it('have the bounds that are there, whatever they look like', () => {
    expect(
      boundsOf(http, [
        { labels: { le: '0.3' } },
        { labels: { le: '1e-1' } },
        { labels: { le: '+Inf' } },
        { labels: { le: 'x' } },
        { labels: {} },
      ]),
    ).toEqual([100, 300]);
  });
});

describe('which one is chosen', () => {
  const seen = (counter: string, labels: readonly string[] = ['code'], tells = true): Sighting => ({ counter, labels, tells });
  const chosen = (sightings: readonly Sighting[], preset?: Preset) => chooseFamily(sightings, preset)?.family.counter;

  it.each<[string, readonly Sighting[], Preset | undefined, string | undefined]>([
    ['the only one', [seen('http_requests_total')], undefined, 'http_requests_total'],
    [
      "podinfo: the one that names the path, as its http_requests_total counts the kubelet's probes",
      [seen('http_requests_total', ['status']), seen('http_request_duration_seconds_count', ['method', 'path', 'status'])],
      undefined,
      'http_request_duration_seconds_count',
    ],
    [
      'the path decides within a preset only',
      [seen('http_requests_total'), seen('http_server_request_duration_seconds_count', ['http_route', 'http_response_status_code'])],
      undefined,
      'http_requests_total',
    ],
    [
      'a preset fixes it',
      [seen('http_requests_total'), seen('http_server_request_duration_seconds_count', ['http_response_status_code'])],
      'opentelemetry',
      'http_server_request_duration_seconds_count',
    ],
    ['a preset that is not there', [seen('http_requests_total')], 'istio', undefined],
    [
      'one that does not tell what failed is passed over',
      [seen('http_requests_total', [], false), seen('response_total')],
      undefined,
      'response_total',
    ],
    ['nothing', [], undefined, undefined],
    [
      'the application before its mesh',
      [seen('istio_requests_total'), seen('grpc_server_handled_total')],
      undefined,
      'grpc_server_handled_total',
    ],
  ])('%s', (_, sightings, preset, expected) => expect(chosen(sightings, preset)).toBe(expected));

  it('an outbound series of a mesh is no sighting', () => {
    expect(sightingOf('istio_requests_total', { reporter: 'source', response_code: '200' })).toBeUndefined();
    expect(sightingOf('go_goroutines', {})).toBeUndefined();
    expect(sightingOf('istio_requests_total', { reporter: 'destination', response_code: '200' })?.tells).toBe(true);
  });

  it('says what it chose', () => {
    const choice = chooseFamily([seen('http_request_duration_seconds_count', ['status', 'path'])], undefined);
    expect(choice === undefined ? '' : describeChoice(choice)).toBe(
      'http_request_duration_seconds_count by status, without probes and scrapes (by path) (prometheus-client)',
    );
  });

  it('says what it looked for', () => {
    const text = explainNoFamily([seen('http_requests_total', [], false)], undefined);
    for (const { counter } of families) expect(text).toContain(counter);
    for (const preset of presets) expect(text).toContain(preset);
    expect(text).toContain('Found without a label that tells what failed: http_requests_total');
  });

  it('every preset has a family, and every counter is there once', () => {
    expect([...new Set(families.map(({ preset }) => preset))].sort()).toEqual([...presets].sort());
    expect(new Set(families.map(({ counter }) => counter)).size).toBe(families.length);
  });
});

import { describe, expect, it } from 'vitest';
import { buildQuery, type Counting, labelQuery, outcomesQuery } from '../../src/prometheus/query.ts';
import { type Family, families } from '../../src/rollout/metric-families/families.ts';

const family = (counter: string): Family => {
  const found = families.find((one) => one.counter === counter);
  if (found === undefined) throw new Error(counter);
  return found;
};
const counted = (counter: string, pathLabels: readonly string[] = []): Counting => {
  return { kind: 'family', choice: { family: family(counter), outcomeLabels: [], pathLabels } };
};
const byCode = counted('http_requests_total');

const pods = { canary: ['web-canary-1'], stable: ['web-1', 'web-2'] };

describe('the query of a family', () => {
  it('asks for both arms at once, by status', () => {
    expect(buildQuery('shop', pods, byCode)).toBe(
      'sum by (pod, job, code, status, status_code) (http_requests_total{namespace="shop",pod=~"web-canary-1|web-1|web-2"})',
    );
  });

  it('leaves out probes and scrapes where the path is told, and the other direction of a mesh', () => {
    expect(buildQuery('shop', { canary: ['c'], stable: [] }, counted('http_server_requests_seconds_count', ['uri']))).toBe(
      'sum by (pod, job, status) (http_server_requests_seconds_count{namespace="shop",pod=~"c",uri!~"(?:GET )?/?(?:metrics|healthz|readyz|livez|health|ready|live|actuator(?:/.*)?)"})',
    );
    expect(buildQuery('shop', { canary: ['c'], stable: [] }, counted('istio_requests_total'))).toBe(
      'sum by (pod, job, response_code) (istio_requests_total{namespace="shop",pod=~"c",reporter="destination"})',
    );
  });

  it('discovery asks by name', () => {
    const grpc = family('grpc_server_handled_total');
    expect(outcomesQuery('a"b', 'c', grpc)).toBe('count by (grpc_code) (grpc_server_handled_total{namespace="a\\"b",pod=~"c"})');
    expect(labelQuery('shop', 'c', grpc, 'grpc_service')).toBe(
      'count (grpc_server_handled_total{namespace="shop",pod=~"c",grpc_service!=""})',
    );
  });

  it('takes names literally', () => {
    const odd = { canary: ['web.v2-1'], stable: ['a*[.]"\\b'] };
    expect(buildQuery('a"b', odd, byCode)).toBe(
      'sum by (pod, job, code, status, status_code) (http_requests_total{namespace="a\\"b",pod=~"web[.]v2-1|a\\\\*\\\\[[.]\\\\]\\"\\\\\\\\b"})',
    );
  });

  it('is none without pods: an empty name would match every series without the label', () => {
    expect(buildQuery('shop', { canary: [], stable: [] }, byCode)).toBeUndefined();
  });
});

describe('custom queries', () => {
  it('are asked together, told apart by a label of ours', () => {
    const queries = { error: 'errors{ns="$namespace",pod=~"$pods"} # why', total: `all{ns="$\{namespace}",pod=~"$\{pods}",x="$podsx$1"}` };
    expect(buildQuery('shop', { canary: ['a.b'], stable: ['c'] }, { kind: 'queries', queries })).toBe(
      'label_replace(sum by (pod) (\nerrors{ns="shop",pod=~"a[.]b|c"} # why\n), "gated_rollout_side", "error", "", "") or ' +
        'label_replace(sum by (pod) (\nall{ns="shop",pod=~"a[.]b|c",x="$podsx$1"}\n), "gated_rollout_side", "total", "", "")',
    );
  });
});

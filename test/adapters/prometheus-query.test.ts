import { describe, expect, it } from 'vitest';
import { buildQuery } from '../../src/prometheus/query.ts';

const pods = { canary: ['web-canary-1'], stable: ['web-1', 'web-2'] };

describe('the default query', () => {
  it('asks for both arms at once, by status', () => {
    expect(buildQuery('shop', pods, undefined)).toBe(
      'sum by (pod, code, status) (http_requests_total{namespace="shop",pod=~"web-canary-1|web-1|web-2"})',
    );
  });

  it('takes names literally', () => {
    const odd = { canary: ['web.v2-1'], stable: ['a*[.]"\\b'] };
    expect(buildQuery('a"b', odd, undefined)).toBe(
      'sum by (pod, code, status) (http_requests_total{namespace="a\\"b",pod=~"web[.]v2-1|a\\\\*\\\\[[.]\\\\]\\"\\\\\\\\b"})',
    );
  });

  it('is none without pods: an empty name would match every series without the label', () => {
    expect(buildQuery('shop', { canary: [], stable: [] }, undefined)).toBeUndefined();
  });
});

describe('custom queries', () => {
  it('are asked together, told apart by a label of ours', () => {
    const queries = { error: 'errors{ns="$namespace",pod=~"$pods"} # why', total: `all{ns="$\{namespace}",pod=~"$\{pods}",x="$podsx$1"}` };
    expect(buildQuery('shop', { canary: ['a.b'], stable: ['c'] }, queries)).toBe(
      'label_replace(sum by (pod) (\nerrors{ns="shop",pod=~"a[.]b|c"} # why\n), "gated_rollout_side", "error", "", "") or ' +
        'label_replace(sum by (pod) (\nall{ns="shop",pod=~"a[.]b|c",x="$podsx$1"}\n), "gated_rollout_side", "total", "", "")',
    );
  });
});

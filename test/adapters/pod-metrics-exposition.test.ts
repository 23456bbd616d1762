import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExposition } from '../../src/pod-metrics/exposition.ts';

const all = () => true;
const rowsOf = (text: string, isWanted: (name: string) => boolean = all) => {
  const parsed = parseExposition(text, isWanted);
  return parsed.kind === 'samples' ? parsed.samples.map(({ name, labels, value }) => [name, { ...labels }, value]) : parsed.why;
};

describe('text format and OpenMetrics', () => {
  it('reads what the format allows', () => {
    const text = `# HELP http_requests_total The total.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400",}    3
no_labels 12.47

spaced { a = "b" , c = "d" } 1e3
tab\t5\t-3982045
msdos{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.5e+09
empty{} 0
braces{a="}",b="{,=\\"#"} +7
{"utf8.name",a="b"} 5
`;
    expect(rowsOf(text)).toEqual([
      ['http_requests_total', { method: 'post', code: '200' }, 1027],
      ['http_requests_total', { method: 'post', code: '400' }, 3],
      ['no_labels', {}, 12.47],
      ['spaced', { a: 'b', c: 'd' }, 1000],
      ['tab', {}, 5],
      ['msdos', { path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' }, 1_500_000_000],
      ['empty', {}, 0],
      ['braces', { a: '}', b: '{,="#' }, 7],
    ]);
  });

  it('OpenMetrics: exemplars, timestamps in seconds, units, the end', () => {
    const text = `# TYPE http_request_duration_seconds histogram
# UNIT http_request_duration_seconds seconds
http_request_duration_seconds_bucket{le="0.1"} 8 # {trace_id="a} b"} 0.05 1520879607.789
http_request_duration_seconds_count{le="+Inf"} 10.0 1520879607.789 # {} 1
http_requests_created 1520430000.123
# EOF
`;
    expect(rowsOf(text)).toEqual([
      ['http_request_duration_seconds_bucket', { le: '0.1' }, 8],
      ['http_request_duration_seconds_count', { le: '+Inf' }, 10],
      ['http_requests_created', {}, 1_520_430_000.123],
    ]);
  });

  it('lines of other names are not read: what they hold does no harm', () => {
    expect(rowsOf('go_info{version=oops} NaN\na 1\ngo_gc NaN\n', (name) => name === 'a')).toEqual([['a', {}, 1]]);
  });

  it('line ends of Windows', () =>
    expect(rowsOf('a 1\r\nb 2\r\n')).toEqual([
      ['a', {}, 1],
      ['b', {}, 2],
    ]));

  it('a label may be called like a property of objects', () => {
    const parsed = parseExposition('a{__proto__="x",constructor="y"} 1\n', all);
    expect(parsed.kind === 'samples' && Object.entries(parsed.samples[0]?.labels ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it.each([
    ['a page for people', '<!doctype html>\n', 'this is no page of metrics: <!doctype html>'],
    ['JSON', '{"status":"ok"}\n', 'this is no page of metrics: {"status":"ok"}'],
    ['NaN', 'a NaN\n', 'a counter whose value is NaN: a NaN'],
    ['infinity', 'a +Inf\n', 'a counter whose value is +Inf: a +Inf'],
    ['hex', 'a 0x10\n', 'a counter whose value is 0x10: a 0x10'],
    ['below 0', 'a -1\n', 'a counter below 0: a -1'],
    ['no value', 'a{b="c"}\n', 'a counter whose value is missing: a{b="c"}'],
    ['no value, no labels', 'a\n', 'a line that cannot be read: a'],
    ['too many words', 'a 1 2 3\n', 'a line that cannot be read: a 1 2 3'],
    ['a timestamp that is none', 'a 1 now\n', 'a line that cannot be read: a 1 now'],
    ['an open label', 'a{b="c} 1\n', 'labels that cannot be read: a{b="c} 1'],
    ['a label without quotes', 'a{b=c} 1\n', 'labels that cannot be read: a{b=c} 1'],
    ['a label twice', 'a{b="c",b="d"} 1\n', 'the label b stands there twice: a{b="c",b="d"} 1'],
    ['labels never closed', 'a{b="c"\n', 'labels that cannot be read: a{b="c"'],
    ['more after the end', 'a 1\n# EOF\na 2\n', 'there is more after # EOF'],
    ['a cut', 'a 1\na 12', 'the page of metrics is cut off: its last line has no end'],
  ])('%s makes the page unusable', (_, text, why) => expect(rowsOf(text)).toBe(why));

  it('bounds what it shows, the labels and the series', () => {
    expect(String(rowsOf(`<${'x'.repeat(1000)}\n`)).length).toBeLessThan(130);
    const labels = Array.from({ length: 100 }, (_, index) => `l${index}="x"`).join(',');
    expect(rowsOf(`a{${labels}} 1\n`)).toMatch(/^labels that cannot be read/);
    expect(rowsOf('a 1\n'.repeat(20_001))).toBe('more than 20000 series of a');
  });

  it('takes time in proportion, whatever is sent', () => {
    const hostile = [
      `a{b="${'\\'.repeat(1_000_000)}\n`,
      `a{${' '.repeat(1_000_000)}\n`,
      `a ${'1 '.repeat(500_000)}\n`,
      `{"${'\\"'.repeat(500_000)}\n`,
      '\n'.repeat(4_000_000),
    ];
    for (const text of hostile) {
      const startedMs = performance.now();
      parseExposition(text, all);
      expect(performance.now() - startedMs).toBeLessThan(10_000);
    }
  });

  const label = fc.tuple(
    fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/),
    fc.string({ unit: 'binary' }).filter((text) => !/[\r\n]/.test(text)),
  );
  it('gives back what was written', () => {
    const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    const sample = fc.record({
      name: fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,12}$/),
      labels: fc.uniqueArray(label, { selector: ([name]) => name, maxLength: 5 }),
      value: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
    });
    fc.assert(
      fc.property(fc.array(sample), (samples) => {
        const text = samples
          .map(({ name, labels, value }) => `${name}{${labels.map(([key, is]) => `${key}="${escaped(is)}"`).join(',')}} ${value}\n`)
          .join('');
        expect(parseExposition(text, all)).toEqual({
          kind: 'samples',
          samples: samples.map(({ name, labels, value }) => ({ name, labels: expect.objectContaining(Object.fromEntries(labels)), value })),
        });
      }),
    );
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseExposition(text, all)));
    fc.assert(fc.property(fc.stringMatching(/^[a-b{}"=,#\\ 0-9\n]*$/), (text) => void parseExposition(text, all)));
  });
});

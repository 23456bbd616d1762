import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePrometheusAddress } from '../../src/config/prometheus-address.ts';
import { anyText } from './any-text.ts';

test.each([
  ['https://prometheus.example.com', { kind: 'url', url: 'https://prometheus.example.com' }],
  ['http://prometheus:9090/prefix/', { kind: 'url', url: 'http://prometheus:9090/prefix' }],
  ['service://monitoring/prometheus:9090', { kind: 'service', namespace: 'monitoring', name: 'prometheus', port: '9090', scheme: 'http' }],
  [
    'service://monitoring/https:prometheus:web-ui/',
    { kind: 'service', namespace: 'monitoring', name: 'prometheus', port: 'web-ui', scheme: 'https' },
  ],
])('%s', (text, address) => {
  expect(parsePrometheusAddress(text)).toEqual({ value: address });
});

test.each([
  ['prometheus:9090', 'not an address'],
  ['ftp://prometheus', 'not an address'],
  ['https://', 'not an address'],
  ['https://a b', 'not an address'],
  ['https://user:hunter2@prometheus', 'a user or a password'],
  ['https://token@prometheus', 'a user or a password'],
  ['https://prometheus?token=hunter2', 'no query'],
  ['https://prometheus#x', 'no fragment'],
  ['http://169.254.169.254/latest', 'link-local'],
  ['http://2852039166/', 'link-local'],
  ['http://[fe80::1]/', 'link-local'],
  ['http://[::ffff:169.254.169.254]/', 'link-local'],
  ['service://prometheus:9090', 'not a Service'],
  ['service://monitoring/prometheus', 'not a Service'],
  ['service://monitoring/prometheus:0', 'not a Service'],
  ['service://monitoring/prometheus:70000', 'not a Service'],
  ['service://monitoring/prometheus:9090/path', 'not a Service'],
  ['service://Monitoring/prometheus:9090', 'not a Service'],
  ['service://../prometheus:9090', 'not a Service'],
])('refuses %s, and does not repeat it', (text, problem) => {
  const parsed = parsePrometheusAddress(text);
  expect(parsed).toEqual({ problem: expect.stringContaining(problem) });
  expect(parsed).not.toEqual({ problem: expect.stringContaining('hunter2') });
});

test('never throws', () => {
  const tail = anyText;
  fc.assert(
    fc.property(fc.constantFrom('', 'http://', 'https://', 'service://', 'service://a/'), tail, (prefix, text) => {
      parsePrometheusAddress(prefix + text);
    }),
  );
});

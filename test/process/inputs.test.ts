import { test } from 'vitest';
import { expectSafe } from './golden.ts';
import { openStage, type Stage } from './stage.ts';
import { normalise } from './transcript.ts';

type Inputs = Readonly<Record<string, string>>;

/** Each input that is refused, one by one. */
const refused: readonly Inputs[] = [
  { deployment: '' },
  { deployment: 'deployment/web' },
  { deployment: 'Web_1' },
  { deployment: 'web\n::error::injected' },
  { namespace: 'Shop!' },
  { tag: '' },
  { tag: 'v2', image: 'shop/web:v2' },
  { tag: 'v 2' },
  { tag: 'ghcr.io/acme/web:v2' },
  { tag: '::add-mask::web' },
  { tag: '', image: ' nginx:UPPER CASE' },
  { tag: '', image: 'Shop/Web:v2' },
  { tag: '', image: 'app=shop/web:v2, app=shop/web:v3' },
  { tag: '', image: 'shop/web:v2, shop/proxy:v2' },
  { tag: '', image: 'app=shop/web:v2', containers: 'app' },
  { containers: 'app, app' },
  { containers: 'App' },
  { command: 'rollback' },
  { command: 'destroy' },
  { strategy: 'shadow' },
  { strategy: 'big-bang' },
  { steps: '60%' },
  { steps: '10' },
  { steps: '50%, 10%' },
  { steps: '10% for ever, 50%' },
  { steps: '0.5%' },
  { steps: '#' },
  { prometheus: 'prometheus:9090' },
  { prometheus: 'ftp://prometheus' },
  { prometheus: 'service://prometheus' },
  { prometheus: 'https://user:basic-pa55word@prometheus' },
  { prometheus: 'http://169.254.169.254/latest' },
  { 'error-query': 'sum(errors{pod=~"$pods"})' },
  { 'error-query': 'sum(errors)', 'total-query': 'sum(requests)' },
  { 'max-error-increase': '2' },
  { 'max-error-increase': '0.5x + 1%' },
  { 'max-error-increase': '1.25x + 0%' },
  { 'max-error-rate': '1' },
  { 'max-error-rate': '0%' },
  { 'max-error-rate': '1%', prometheus: '' },
  { metrics: 'pods' },
  { metrics: 'datadog' },
  { timeout: '5' },
  { timeout: '30s', 'min-duration': '60s' },
  { 'ready-timeout': '0s' },
  { 'min-duration': 'one minute' },
  { 'dead-man': '14s' },
  { 'dead-man': '2h' },
  { 'on-inconclusive': 'retry' },
  { force: 'yes' },
  { evidence: 'all' },
  { 'min-durration': '60s' },
  { something: 'else' },
  { context: 'nowhere' },
  { kubeconfig: 'no such file' },
  { kubeconfig: '{"apiVersion": "v1", "kind": "Config"}' },
];

const everything: Inputs = {
  command: 'destroy',
  deployment: 'Web',
  namespace: 'Shop!',
  tag: 'v 2',
  containers: 'App',
  strategy: 'big-bang',
  steps: '60%',
  prometheus: 'prometheus',
  'error-query': 'sum(errors)',
  'max-error-increase': '2',
  'max-error-rate': '0%',
  metrics: 'datadog',
  timeout: '5',
  'ready-timeout': '5',
  'min-duration': '5',
  'dead-man': '5',
  'on-inconclusive': 'retry',
  force: 'yes',
  evidence: 'all',
  'min-durration': '60s',
};

const atOnce = 10;

test('each input that is wrong is refused with what is valid, and all of them in one message, before any request', async ({ expect }) => {
  await using stage = await openStage();
  const cases = [...refused, everything];
  const texts: string[] = [];
  for (let at = 0; at < cases.length; at += atOnce) {
    texts.push(...(await Promise.all(cases.slice(at, at + atOnce).map((inputs) => refusalOf(stage, inputs)))));
  }
  expect(stage.served.requests()).toEqual([]);
  await expect(`${texts.join('\n\n')}\n`).toMatchFileSnapshot('golden/inputs.txt');

  async function refusalOf({ run }: Stage, inputs: Inputs): Promise<string> {
    const done = await run(inputs, { skipPost: true });
    const { result } = done;
    expectSafe(expect, done);
    expect(result.code).toBe(1);
    expect(result.outputs).toMatchObject({ result: 'refused' });
    expect(result.summary).toContain('## Refused');
    expect(JSON.stringify(done)).not.toContain('basic-pa55word');
    const given = Object.entries(inputs).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    const said = result.log.flatMap(({ line }) => line.split('\n')).filter((line) => !line.startsWith('##[warning]the context'));
    return [`=== ${inputs === everything ? 'everything wrong at once' : given.join(', ')}`, ...said.map(normalise)].join('\n');
  }
});

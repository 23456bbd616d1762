import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'vitest';
import { expectSafe } from './golden.ts';
import { deploymentManifest, imagesOf, isComplete, namespace } from './scene.ts';
import { openStage, type Performance, refusal } from './stage.ts';

/** What a pod, an event, a registry or Prometheus may say in order to talk to the runner, to GitHub or to a terminal. */
const lines = [
  '::error title=INJECTED::injected',
  '::add-mask::canary',
  '  ::set-output name=result::promoted',
  '::save-state name=finished::true',
  '##[add-mask]Deployment',
  'x ##[set-env name=PATH]/evil',
  '::stop-commands::x',
  '\u001b[31mred\u001b[0m \u001b]0;title\u0007',
  '<img src=x onerror=alert(1)> </details> <!--',
  '``` `code` ``` | a | b |',
  '# heading, [link](https://evil.example), @octocat, #1',
  'a\r::error::after a carriage return',
  '\u2028::warning::after a line separator',
  '#\u00ad#[error]invisible',
];
const hostile = lines.join('\n');
const plainWords = /INJECTED|onerror|octocat/u;

type Expect = Parameters<typeof expectSafe>[0];

function expectHarmless(expect: Expect, done: Performance): void {
  expectSafe(expect, done);
  const { result } = done;
  const titles = new Set(result.annotations.map(({ properties }) => properties['title']?.replace(/ \(.*/u, '')));
  for (const title of titles) expect(['Gated Rollout', 'Rolled back', 'Inconclusive', 'Refused', 'Failed', 'Promoted']).toContain(title);
  const log = result.log.map(({ line }) => line).join('\n');
  // Masked by an injected ::add-mask::, our own words would be gone.
  expect(log).not.toContain('***');
  expect(log).not.toContain('\u001b');
  for (const text of [result.summary, result.outputs['json'] ?? '']) expect(text).not.toContain('\u001b');
  expect(outsideOfCode(result.summary)).not.toMatch(/<(?:img|\/details|!--)|\]\(https:\/\/evil|@octocat|(?:^|\n)# heading/u);
  expect(result.outputs['result']).not.toBe('');
}

/** A fence that holds can hold anything. */
function outsideOfCode(summary: string): string {
  return summary.replaceAll(/^(`{3,})text\n[\s\S]*?\n\1$/gmu, '');
}

describe.concurrent('text of others gives no command to the runner and no markup to the summary', () => {
  test.concurrent('from the log of a pod that crashes', async ({ expect }) => {
    const crash = { startMs: 200, readyMs: 100, crashAtStart: true, lastWords: hostile.split('\n') };
    await using stage = await openStage({ images: { 'shop/web:crash': crash } });
    const done = await stage.run({ tag: 'crash', prometheus: '' });
    expectHarmless(expect, done);
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back', reason: 'crash' });
    expect(done.result.summary).toMatch(plainWords);
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('from the events of a pod', async ({ expect }) => {
    await using stage = await openStage();
    stage.sandbox.watch(({ resource, type, object }) => {
      if (resource !== 'events' || type !== 'ADDED') return;
      const event = stage.sandbox.get('events', namespace, object.metadata.name);
      if (event?.reason === 'Unhealthy') stage.sandbox.put('events', { ...event, message: hostile });
    });
    const done = await stage.run({ tag: 'never-ready', 'ready-timeout': '4s', prometheus: '' });
    expectHarmless(expect, done);
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back', reason: 'probe-failed' });
    expect(done.result.summary).toMatch(plainWords);
  });

  test.concurrent('from a refusal of the API server', async ({ expect }) => {
    await using stage = await openStage();
    stage.onRequest(({ method, path, query }) =>
      method === 'POST' && path.endsWith('/deployments') && query?.['dryRun'] !== undefined
        ? refusal(403, 'Forbidden', hostile)
        : undefined,
    );
    const done = await stage.run({ prometheus: '' });
    expectHarmless(expect, done);
    expect(done.result.outputs['result']).toBe('refused');
    expect(done.result.log.map(({ line }) => line).join('\n')).toMatch(plainWords);
  });

  test.concurrent('from a warning header and a Service name', async ({ expect }) => {
    await using stage = await openStage();
    stage.onRequest(({ method, path }) => {
      if (method !== 'GET' || !path.endsWith('/services')) return undefined;
      const items = [{ metadata: { name: hostile }, spec: { selector: { app: 'web' } } }];
      const headers = { 'content-type': 'application/json', date: new Date().toUTCString(), warning: '299 - "::error::injected"' };
      return { status: 200, headers, body: JSON.stringify({ kind: 'ServiceList', items }) };
    });
    const done = await stage.run({ command: 'plan', prometheus: '' });
    expect(done.result.outputs['result']).toBe('planned');
    expectSafe(expect, done);
    expect(done.result.annotations.filter(({ level }) => level === 'error')).toEqual([]);
    const log = done.result.log.map(({ line }) => line);
    expect(log.join('\n')).toMatch(plainWords);
    expect(log.filter((line) => line.includes('the API server warns: '))).toHaveLength(1);
  });

  test.concurrent('from the run that holds the lock', async ({ expect }) => {
    await using stage = await openStage();
    const first = stage.start({ prometheus: '', 'min-duration': '5m' }, { env: { GITHUB_ACTOR: hostile } });
    await stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
    const done = await stage.run({ prometheus: '' });
    first.kill('SIGKILL');
    await first.done;
    expectHarmless(expect, done);
    expect(done.result.outputs['result']).toBe('refused');
    expect(done.result.log.map(({ line }) => line).join('\n')).toMatch(plainWords);
  });

  test.concurrent('from an image that somebody sets by hand', async ({ expect }) => {
    await using stage = await openStage();
    const action = stage.run({ prometheus: '', 'min-duration': '5m' });
    await stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
    stage.sandbox.apply(deploymentManifest({ image: hostile }));
    const done = await action;
    expectHarmless(expect, done);
    expect(done.result.outputs).toMatchObject({ result: 'rolled-back', reason: 'changed-by-others' });
    expect(imagesOf(stage.sandbox)).toEqual([hostile]);
  });

  test.concurrent('from Prometheus', async ({ expect }) => {
    const body = JSON.stringify({ status: 'error', errorType: 'bad_data', error: hostile });
    const server = createServer((_request, answer) => answer.writeHead(400, { 'content-type': 'application/json' }).end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await using stage = await openStage();
    const done = await stage.run({ prometheus: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    server.closeAllConnections();
    server.close();
    expectHarmless(expect, done);
    expect(done.result.outputs['result']).toBe('refused');
    expect(done.result.log.map(({ line }) => line).join('\n')).toMatch(plainWords);
  });
});

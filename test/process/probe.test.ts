import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'vitest';
import type { ProbeNumbers } from '../../src/rollout/probe-tally.ts';
import { expectSafe } from './golden.ts';
import { isWrite } from './requests.ts';
import { imagesOf, isComplete } from './scene.ts';
import { openStage, type Performance, refusal } from './stage.ts';

const secret = 'a-t0ken-in-the-query';

/** A real HTTP server in the place of the application. */
async function openApplication() {
  const seen: string[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    seen.push(request.url ?? '');
    response.statusCode = status;
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz?token=${secret}`,
    seen,
    answer(next: number) {
      status = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function numbersOf({ result }: Performance): ProbeNumbers | undefined {
  return (JSON.parse(result.outputs['json'] ?? '{}') as { readonly probe?: ProbeNumbers }).probe;
}

const lastLine = ({ result }: Performance): string => result.log.at(-1)?.line ?? '';

describe.concurrent('probe-url', () => {
  test.concurrent('sees a good release through, and says so at the very end', async ({ expect }) => {
    await using stage = await openStage();
    await using application = await openApplication();
    const done = await stage.run({ prometheus: '', metrics: 'none', 'probe-url': application.url });
    expect(done.result.outputs).toMatchObject({ result: 'promoted' });
    const numbers = numbersOf(done);
    expect(numbers).toMatchObject({ failed: 0, unknown: 0, longestGapMs: 0 });
    // Preflight asks once more.
    expect(application.seen.length).toBeLessThanOrEqual((numbers?.questions ?? 0) + 2);
    expect(numbers?.questions).toBeGreaterThan(2);
    expect(lastLine(done)).toMatch(/^probe: \d+ questions to http:\/\/127\.0\.0\.1:\d+\/healthz\?… in \d+ s: 0 failed/u);
    expect(done.result.summary).toContain('### Probe');
    const said = [...done.result.log.map(({ line }) => line), done.result.summary, JSON.stringify(done.result.outputs)].join('\n');
    expect(said).not.toContain(secret);
    expectSafe(expect, done);
    expect(stage.left()).toEqual([]);
  });

  test.concurrent('that fails in the middle, is counted, and decides nothing', async ({ expect }) => {
    await using stage = await openStage();
    await using application = await openApplication();
    const action = stage.run({ prometheus: '', metrics: 'none', 'min-duration': '3s', 'probe-url': application.url });
    await stage.until('the canary serves', () => isComplete(stage.sandbox, 'web-canary'));
    application.answer(503);
    const done = await action;
    expect(done.result.outputs).toMatchObject({ result: 'promoted' });
    expect(numbersOf(done)?.failed).toBeGreaterThan(2);
    expect(numbersOf(done)?.longestGapMs).toBeGreaterThan(1_000);
    expect(lastLine(done)).toContain('failed (no answer, or 5xx, the first: answered 503)');
    expect(imagesOf(stage.sandbox)).toEqual(['shop/web:v2']);
  });

  test.concurrent('through the API server, needs its permission, and tells the proxy from the application', async ({ expect }) => {
    await using stage = await openStage();
    let asked = 0;
    stage.onRequest(({ path }) => {
      if (path !== '/api/v1/namespaces/shop/services/web:80/proxy/healthz') return undefined;
      asked += 1;
      const body = { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok' };
      return asked === 3 ? refusal(503, 'ServiceUnavailable', 'error trying to reach service: dial tcp') : body;
    });
    const done = await stage.run({ prometheus: '', metrics: 'none', 'probe-url': 'service://shop/web:80/healthz' });
    expect(done.result.outputs).toMatchObject({ result: 'promoted' });
    expect(numbersOf(done)).toMatchObject({ failed: 0, unknown: 1 });
    const reviews = done.requests.filter(({ path }) => path.endsWith('/selfsubjectaccessreviews')).map(({ body }) => body ?? '');
    expect(reviews.filter((body) => body.includes('"web:80"') && body.includes('"proxy"'))).toHaveLength(1);
  });

  test.concurrent('with a wrong path, is refused before anything is written', async ({ expect }) => {
    await using stage = await openStage();
    await using application = await openApplication();
    application.answer(404);
    const done = await stage.run({ prometheus: '', metrics: 'none', 'probe-url': application.url });
    expect(done.result.outputs).toMatchObject({ result: 'refused', reason: 'probe-unreachable' });
    expect(done.requests.filter(isWrite)).toEqual([]);
    expect(application.seen).toHaveLength(1);
  });
});

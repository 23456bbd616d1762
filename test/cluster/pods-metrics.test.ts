import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionResult } from '../runner/run-action.ts';
import { assertHolds, assertNoWrite, assertResult, assertSays, assertWithin } from './harness/assertions.ts';
import { median } from './harness/results.ts';
import { Deployer, podsProxyRule, smallestRole } from './harness/roles.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';

const rounds = Number(process.env['REPEAT'] ?? '1');
const errorsSeen: number[] = [];
const byPods = { metrics: 'pods', prometheus: '' };

for (let round = 1; round <= rounds; round += 1) {
  scenario(
    `metrics: pods, half the answers are 500, round ${round}`,
    { expected: 'convicted within 4 s of the first error, with at most 25 errors seen by clients (median of the rounds)' },
    async (scene) => {
      const run = await scene.release({ ...byPods, tag: 'errors-half', steps: '20%, 50%' });
      await noteConviction(scene, run, 'errors-half');
      assertResult(run, 'rolled-back');
      assertHolds(await scene.judge({ failures: { answersOf: ['errors-half'] } }));
      assertWithin('from the first error to the conviction', Number(scene.figures['seconds from the first error to the conviction']), 4);
      errorsSeen.push(Number(scene.figures['errors seen']));
      const middle = median(errorsSeen) ?? 0;
      // Where in the second between two looks the first error falls is chance: one run may see a few more.
      const limit = round === 1 ? 35 : 25;
      if (middle > limit) throw new Error(`clients saw ${errorsSeen.join(', ')} errors, limit ${limit}`);
    },
  );
}

scenario('metrics: pods, a good image', { replicas: 10, expected: 'promoted; eight of ten stable pods are read' }, async (scene) => {
  const run = await scene.release({ ...byPods, tag: 'v2' });
  assertResult(run, 'promoted');
  assertSays(run, /read from the pods themselves .* 8 of 10 stable pods/u, 'what is read');
  assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
});

scenario('metrics: auto without Prometheus', { expected: 'the pods are found by their annotation, and convict' }, async (scene) => {
  const run = await scene.release({ prometheus: '', tag: 'errors-half' });
  await noteConviction(scene, run, 'errors-half');
  assertResult(run, 'rolled-back');
  assertSays(run, /the metrics of the pods themselves judge/u, 'who judges');
  assertHolds(await scene.judge({ failures: { answersOf: ['errors-half'] } }));
});

for (const [name, inputs] of [
  ['of the pods', byPods],
  ['in Prometheus', {}],
] as const) {
  scenario(
    `OpenTelemetry's names ${name}, bad image`,
    { image: 'otel-v1', expected: 'found without configuration, probes left out; rolled back' },
    async (scene) => {
      const run = await scene.release({ ...inputs, tag: 'otel-half' });
      await noteConviction(scene, run, 'otel-half');
      assertResult(run, 'rolled-back');
      assertSays(run, /http_server_request_duration_seconds_count by http_response_status_code, without probes/u, 'what was found');
      assertHolds(await scene.judge({ failures: { answersOf: ['otel-half'] } }));
    },
  );
}

scenario('metrics: pods with the printed Role alone', { expected: 'refused without pods/proxy, promoted with it' }, async (scene) => {
  const deployer = new Deployer(scene.api, scene.namespace);
  await deployer.create();
  await deployer.grant('release', smallestRole);
  const { path, token } = await deployer.kubeconfig(mkdtempSync(join(tmpdir(), 'deployer-')));
  scene.secrets.push(token);
  await scene.takeBaseline();
  const refused = await scene.release({ ...byPods, tag: 'v2', evidence: 'logs' }, { env: { KUBECONFIG: path } });
  assertResult(refused, 'refused');
  assertSays(refused, /get pods\/proxy in namespace/u, 'which permission is missing');
  assertNoWrite(scene);
  await deployer.grant('pages', [podsProxyRule]);
  await scene.takeBaseline();
  const run = await scene.release({ ...byPods, tag: 'v2', evidence: 'logs' }, { env: { KUBECONFIG: path } });
  assertResult(run, 'promoted');
  assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
});

/** By the clients' clock, which is this machine's as well. */
async function noteConviction(scene: Scene, run: ActionResult, tag: string): Promise<void> {
  const stats = await scene.load.stats();
  const errors = stats.failures.filter(({ version }) => version === tag).map(({ atMs }) => atMs);
  const convictedAtMs = run.log.find(({ line }) => line.includes('Take the canary back'))?.tMs;
  scene.figures['errors seen'] = stats.byVersion[tag]?.failed ?? 0;
  if (convictedAtMs === undefined || errors.length === 0) return;
  const firstMs = Math.min(...errors);
  scene.figures['seconds from the first error to the conviction'] = Math.round(convictedAtMs - firstMs) / 1000;
  scene.figures['seconds from the first to the last error'] = Math.round(Math.max(...errors) - firstMs) / 1000;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionResult } from '../runner/run-action.ts';
import { assertHolds, assertNoWrite, assertResult, assertSays, tail } from './harness/assertions.ts';
import { kubectlOrThrow } from './harness/kubectl.ts';
import { Deployer, prometheusRule, type Rule, smallestRole } from './harness/roles.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';

const withoutJobs = smallestRole.filter((rule) => !rule.resources.includes('jobs'));
const withoutPatch = smallestRole.map((rule) =>
  rule.resources.includes('deployments') && rule.resourceNames?.includes('web') === true
    ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== 'patch') }
    : rule,
);

refusedWith('a Role without jobs', withoutJobs, [/create\W.{0,20}jobs/u, /patch\W.{0,20}jobs/u, /delete\W.{0,20}jobs/u]);
refusedWith('a Role without deployments patch', withoutPatch, [/patch\W.{0,20}deployments/u]);

function refusedWith(title: string, rules: readonly Rule[], missing: readonly RegExp[]): void {
  scenario(title, { expected: 'refused before any write, with the missing verbs' }, async (scene) => {
    await asDeployer(scene, rules, async (release) => {
      await scene.takeBaseline();
      const run = await release();
      assertResult(run, 'refused');
      for (const verb of missing) assertSays(run, verb, 'the missing verb');
      assertNoWrite(scene);
      assertHolds(await scene.judge({ failures: 'none' }));
    });
  });
}

scenario('the smallest Role of the design', { expected: 'promoted' }, async (scene) => {
  await asDeployer(scene, smallestRole, async (release) => {
    await scene.takeBaseline();
    assertResult(await release(), 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
  });
});

scenario('the printed Role', { expected: 'printed when refused, and works as it was printed' }, async (scene) => {
  await asDeployer(
    scene,
    [{ apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web'], verbs: ['get'] }],
    async (release, deployer) => {
      const refused = await release();
      assertResult(refused, 'refused');
      const roles = printedRoles(refused);
      await kubectlOrThrow(scene.target, ['apply', '-f', '-'], roles);
      for (const role of roles.matchAll(/metadata: \{name: (\S+), namespace: (\S+)\}/gu)) await deployer.bind(role[1] ?? '', role[2]);
      try {
        await scene.takeBaseline();
        assertResult(await release(), 'promoted');
        assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
      } finally {
        await kubectlOrThrow(scene.target, ['delete', '--ignore-not-found', '-f', '-'], roles);
        for (const role of roles.matchAll(/metadata: \{name: (\S+), namespace: (\S+)\}/gu)) {
          await kubectlOrThrow(scene.target, ['delete', '--ignore-not-found', 'rolebinding', role[1] ?? '', '-n', role[2] ?? '']);
        }
      }
    },
  );
});

/** Releases with a token that has these rules in the scene's namespace and may ask Prometheus, and nothing else. */
async function asDeployer(
  scene: Scene,
  rules: readonly Rule[],
  act: (release: () => Promise<ActionResult>, deployer: Deployer) => Promise<void>,
): Promise<void> {
  const deployer = new Deployer(scene.api, scene.namespace);
  const folder = mkdtempSync(join(tmpdir(), 'deployer-'));
  try {
    await deployer.create();
    await deployer.grant('deployer', rules);
    await deployer.grant('deployer-metrics', [prometheusRule], 'monitoring');
    const { content, token } = await deployer.kubeconfig(folder);
    scene.secrets.push(token);
    await act(() => scene.release({ tag: 'v2', steps: '50%', kubeconfig: content }, { env: { KUBECONFIG: '' } }), deployer);
  } finally {
    await deployer.revoke('deployer-metrics', 'monitoring');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The Roles that the log offers to paste, as they stand there. */
function printedRoles(run: ActionResult): string {
  const lines = run.log.map((line) => line.line);
  const first = lines.findIndex((line) => line.includes('apiVersion: rbac.authorization.k8s.io/v1'));
  if (first < 0) throw new Error(`no Role is printed\n${tail(run)}`);
  const indent = (lines[first] ?? '').indexOf('apiVersion:');
  const printed: string[] = [];
  for (const line of lines.slice(first)) {
    const text = line.slice(indent);
    if (!/^(?:apiVersion:|kind:|metadata:|rules:|\s*- |---$)/u.test(text)) break;
    printed.push(text);
  }
  return `${printed.join('\n')}\n`;
}

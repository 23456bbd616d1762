import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertHolds, assertResult, tail } from './harness/assertions.ts';
import { kubectl, kubectlOrThrow } from './harness/kubectl.ts';
import { pathsOf } from './harness/kubernetes.ts';
import { Deployer, smallestRole } from './harness/roles.ts';
import { type ScenarioOptions, scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import type { Deployment, KubernetesObject, Pod } from './harness/shapes.ts';
import { newest } from './harness/timeline.ts';

const cause = 'kubernetes.io/change-cause';
const target = 'gated-rollout.github.io/target';

/** One application that takes variables out of a ConfigMap, mounts it, and has a literal variable of its own. */
function template(image: string, configMap: string, mode: string): Readonly<Record<string, unknown>> {
  const probe = (path: string) => ({ httpGet: { path, port: 8080 }, periodSeconds: 1, timeoutSeconds: 3 });
  return {
    containers: [
      {
        name: 'web',
        image,
        imagePullPolicy: 'IfNotPresent',
        ports: [{ containerPort: 8080 }],
        env: [{ name: 'MODE', value: mode }],
        envFrom: [{ configMapRef: { name: configMap } }],
        volumeMounts: [{ name: 'files', mountPath: '/etc/web' }],
        resources: { requests: { cpu: '5m', memory: '8Mi' } },
        readinessProbe: probe('/readyz'),
        livenessProbe: probe('/healthz'),
      },
    ],
    volumes: [{ name: 'files', configMap: { name: configMap } }],
  };
}

const image = (tag: string): string => `sample:${tag}`;
const options: Omit<ScenarioOptions, 'expected'> = {
  podSpec: template(image('v1'), 'web', 'one'),
  configMaps: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { VERSION: 'by-hand', GREETING: 'hello' } }],
  ownOnly: true,
  timeoutMs: 300_000,
};
const configured = ['spec.template.spec.containers.0.env', 'spec.template.spec.containers.0.envFrom', 'spec.template.spec.volumes'];
const quick = { prometheus: '', metrics: 'none', steps: '50%', 'min-duration': '5s' };
const conf = (version: string, greeting: string) => ({ files: { 'conf/VERSION': version, 'conf/GREETING': greeting } });

/** What every pod of the Deployment answers: the variable of the ConfigMap, the mounted file, and the literal variable. */
async function answersOf(scene: Scene): Promise<readonly string[]> {
  const pods = await scene.api.list<Pod>(scene.paths.pods);
  const own = pods.filter(({ metadata }) => metadata.labels?.['app'] === 'web' && metadata.deletionTimestamp === undefined);
  const answers = await Promise.all(
    own.map(async ({ metadata }) => {
      const proxy = `${scene.paths.pod(metadata.name)}:8080/proxy`;
      const asked = ['env?name=GREETING', 'file?name=GREETING', 'env?name=MODE'];
      return (await Promise.all(asked.map(async (path) => await scene.api.text('GET', `${proxy}/${path}`)))).join(' ');
    }),
  );
  return [...new Set(answers)];
}

async function assertAnswers(scene: Scene, expected: string): Promise<void> {
  const answers = await answersOf(scene);
  if (answers.length !== 1 || answers[0] !== expected)
    throw new Error(`the pods answer ${JSON.stringify(answers)}, expected "${expected}"`);
}

async function versionsOf(scene: Scene): Promise<readonly KubernetesObject[]> {
  const all = await scene.api.list<KubernetesObject>(scene.paths.configMaps);
  return all.filter(({ metadata }) => metadata.labels?.[target] !== undefined);
}

async function left(scene: Scene): Promise<readonly string[]> {
  return (await versionsOf(scene)).map(({ metadata }) => `configMaps/${metadata.name}`);
}

const webOf = (scene: Scene): Promise<Deployment> => scene.api.get<Deployment>(scene.paths.deployment('web'));

/** Both ways of apply, of a file that says what stands: nobody conflicts, and nothing rolls. */
async function assertApplyChangesNothing(scene: Scene, manifest: string): Promise<void> {
  const before = await webOf(scene);
  for (const side of [[], ['--server-side']]) {
    const applied = await kubectl(scene.target, ['apply', ...side, '-n', scene.namespace, '-f', '-'], manifest);
    if (applied.code !== 0) throw new Error(`the user's own apply ${side.join(' ')} fails: ${applied.stderr}`);
    const now = await webOf(scene);
    if (JSON.stringify(now.spec) !== JSON.stringify(before.spec))
      throw new Error(`apply ${side.join(' ')} changed the spec: ${JSON.stringify(now.spec)}`);
    if (now.metadata.annotations?.[cause] !== before.metadata.annotations?.[cause]) throw new Error('apply changed the change-cause');
  }
  const { annotations } = (await webOf(scene)).metadata;
  const revision = 'deployment.kubernetes.io/revision';
  if (annotations?.[revision] !== before.metadata.annotations?.[revision]) throw new Error('apply made a new revision');
}

scenario(
  'configuration: ConfigMap and env go out with the image, and on their own after it',
  {
    ...options,
    expected: 'promoted twice; the pods answer with it; no failed request; history says why; apply of what stands changes nothing',
  },
  async (scene) => {
    await assertAnswers(scene, 'hello hello one');
    const inputs = { ...quick, 'config-maps': 'web=conf' };
    const first = await scene.release({ ...inputs, tag: 'v2', env: 'MODE=two\nADDED=yes' }, conf('map-2', 'good day'));
    assertResult(first, 'promoted');
    await assertAnswers(scene, 'good day good day two');
    const second = await scene.release({ ...inputs, tag: '' }, conf('map-3', 'good night'));
    assertResult(second, 'promoted');
    await assertAnswers(scene, 'good night good night two');
    const { byVersion } = await scene.load.stats();
    for (const version of ['by-hand', 'map-2', 'map-3']) {
      if ((byVersion[version]?.ok ?? 0) === 0) throw new Error(`no client was answered by ${version}: ${JSON.stringify(byVersion)}`);
    }
    const again = await scene.release({ ...inputs, tag: 'v2' }, conf('map-3', 'good night'));
    assertResult(again, 'unchanged');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') }, configured, personLeft: await left(scene) }));

    const history = await kubectlOrThrow(scene.target, ['rollout', 'history', 'deploy/web', '-n', scene.namespace]);
    for (const words of [
      'image sample:v2, configuration MODE ADDED web, commit 0123456, run https://',
      'configuration web, commit 0123456',
    ]) {
      if (!history.includes(words)) throw new Error(`kubectl rollout history does not say "${words}":\n${history}`);
    }
    const versions = await versionsOf(scene);
    const wrong = versions.filter(
      ({ metadata }) => metadata.ownerReferences?.length !== 1 || metadata.ownerReferences[0]?.kind !== 'Deployment',
    );
    if (versions.length !== 2 || wrong.length > 0) throw new Error(`the versions that are left: ${JSON.stringify(versions)}`);
    const web = await webOf(scene);
    const { containers, volumes } = web.spec.template.spec as unknown as {
      containers: readonly Record<string, unknown>[];
      volumes: unknown;
    };
    const { env, envFrom } = containers[0] ?? {};
    const base = template(scene.image('v2'), '', '');
    const written = { containers: [{ ...(base['containers'] as readonly object[])[0], env, envFrom }], volumes };
    await assertApplyChangesNothing(scene, JSON.stringify(scene.manifest({ podSpec: written })));

    await kubectlOrThrow(scene.target, ['delete', 'deploy/web', '-n', scene.namespace]);
    const collected = Date.now() + 30_000;
    while ((await versionsOf(scene)).length > 0) {
      if (Date.now() > collected) throw new Error('the ConfigMaps outlive the Deployment that owns them');
    }
  },
);

scenario(
  'configuration: a bad image with a new ConfigMap, with the smallest Role',
  { ...options, expected: 'rolled back; the ConfigMap is gone; the template is as it was; apply of the same file changes nothing' },
  async (scene) => {
    const deployer = new Deployer(scene.api, scene.namespace);
    await deployer.create();
    const configMaps = { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'get', 'list', 'patch'] };
    await deployer.grant('release', [...smallestRole, configMaps]);
    await scene.takeBaseline();
    const before = JSON.stringify((await webOf(scene)).spec);
    const folder = mkdtempSync(join(tmpdir(), 'deployer-'));
    const { content: kubeconfig, token } = await deployer.kubeconfig(folder);
    rmSync(folder, { recursive: true });
    scene.secrets.push(token);
    const run = await scene.release(
      { ...quick, kubeconfig, tag: 'crash-at-start', env: 'MODE=two', 'config-maps': 'web=conf' },
      conf('map-2', 'good day'),
    );
    assertResult(run, 'rolled-back', /crash/u);
    assertHolds(await scene.judge({ failures: 'none', configured }));
    if ((await versionsOf(scene)).length > 0) throw new Error('a version of the ConfigMap is left');
    if (JSON.stringify((await webOf(scene)).spec) !== before) throw new Error('the spec is not as it was');
    await assertAnswers(scene, 'hello hello one');
    await assertApplyChangesNothing(scene, JSON.stringify(scene.manifest()));
  },
);

scenario(
  'configuration: put back after the promotion',
  {
    ...options,
    minReadySeconds: 3,
    expected: 'the old references, variables and note are back with the old image; the pods answer with them',
  },
  async (scene) => {
    const before = await webOf(scene);
    const running = scene.start({ ...quick, tag: 'v2', env: 'MODE=two', 'config-maps': 'web=conf' }, conf('map-2', 'good day'));
    await scene.watcher.until('the promotion', 60_000, (history) => {
      const web = newest(history.deployments, 'web');
      return web?.spec.template.spec.containers[0]?.image === scene.image('v2');
    });
    void running.cancel();
    const run = await running.done;
    if (run.outputs['result'] !== 'rolled-back') throw new Error(`not rolled back\n${tail(run)}`);
    assertHolds(await scene.judge({ failures: 'none', passing: { web: [scene.image('v2')] }, configured, personLeft: await left(scene) }));
    const now = await webOf(scene);
    if (JSON.stringify(now.spec) !== JSON.stringify(before.spec)) throw new Error(`the spec is not as it was: ${JSON.stringify(now.spec)}`);
    if (now.metadata.annotations?.[cause] !== before.metadata.annotations?.[cause]) throw new Error('the note of the change is left');
    await assertAnswers(scene, 'hello hello one');
    // The ReplicaSet of the release stays in the history, and refers to its version: `rollout undo` must find it.
    const versions = await versionsOf(scene);
    const sets = JSON.stringify(await scene.api.list<KubernetesObject>(pathsOf(scene.namespace).replicaSets));
    const unreferred = versions.filter(({ metadata }) => !sets.includes(metadata.name));
    if (unreferred.length > 0) throw new Error(`nothing refers to ${unreferred.map(({ metadata }) => metadata.name).join(', ')}`);
  },
);

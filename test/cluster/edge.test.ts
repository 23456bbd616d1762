import { assertHolds, assertNoWrite, assertResult, assertSays } from './harness/assertions.ts';
import { differences, without } from './harness/compare.ts';
import { ApiError } from './harness/kubernetes.ts';
import { deploymentManifest } from './harness/manifests.ts';
import { scenario } from './harness/scenario.ts';
import type { Scene } from './harness/scene.ts';
import type { Deployment } from './harness/shapes.ts';
import { canaryPods, readyCanaries, readyEndpoints } from './harness/timeline.ts';

scenario(
  'a Deployment without labels and annotations',
  { labelled: false, created: 'api', expected: 'promoted; none of ours left' },
  async (scene) => {
    const run = await scene.release({ tag: 'v2', steps: '50%' });
    assertResult(run, 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
  },
);

scenario('a foreign web-canary', { expected: 'refused before any write; the foreign one untouched' }, async (scene) => {
  const container = { name: 'web', image: scene.image('v3'), port: 8080 };
  const manifest = deploymentManifest({
    name: 'web-canary',
    containers: [container],
    replicas: 1,
    scrapeInterval: undefined,
    minReadySeconds: undefined,
    labelled: true,
  });
  await scene.api.create(scene.paths.deployments, manifest, 'person');
  await scene.watcher.until('the foreign Deployment to be available', 30_000, (history) =>
    history.deployments.some((seen) => seen.object.metadata.name === 'web-canary' && seen.object.status?.availableReplicas === 1),
  );
  await scene.takeBaseline();
  const before = await scene.api.get<Deployment>(scene.paths.deployment('web-canary'));
  const run = await scene.release({ tag: 'v2' });
  assertResult(run, 'refused');
  assertSays(run, /web-canary/u, 'which object is in the way');
  const after = await scene.api.get<Deployment>(scene.paths.deployment('web-canary'));
  const changes = differences(without(before, [['status']]), without(after, [['status']]));
  if (changes.length > 0) throw new Error(`the foreign Deployment was changed: ${changes.join('; ')}`);
  assertNoWrite(scene);
  assertHolds(await scene.judge({ failures: 'none' }));
});

scenario(
  'PodDisruptionBudget minAvailable 3 of 4, all stable pods evicted, then abort',
  // Replacements take their time, so that only what served before can serve in the gap.
  {
    containers: [{ name: 'web', image: 'sample:v1', port: 8080, startSeconds: 6 }],
    expected: 'the Service never without a ready endpoint',
  },
  async (scene) => {
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web' },
      spec: { minAvailable: 3, selector: { matchLabels: { app: 'web' } } },
    };
    await scene.api.create(scene.paths.budgets, budget, 'person');
    const running = scene.start({ tag: 'v2', steps: '50% for 60s' });
    await scene.watcher.until('2 ready canary pods', 60_000, (history) => readyCanaries(history, 'web') >= 2);
    const evicted = await evictStable(scene);
    void running.cancel();
    await running.done;
    scene.figures['stable pods whose eviction was allowed'] = evicted;
    scene.figures['fewest ready endpoints'] = Math.min(
      ...readyEndpoints(scene.watcher.history, 'web')
        .filter((set) => set.atMs > scene.baseline.atMs)
        .map((set) => set.pods.size),
    );
    // The evictions are the person's: only what we may not do is asked here.
    assertHolds(await scene.judge({ failures: 'none', exempt: ['I1'] }, 5_000));
  },
);

async function evictStable(scene: Scene): Promise<number> {
  const canaries = canaryPods(scene.watcher.history);
  const serving = readyEndpoints(scene.watcher.history, 'web').at(-1)?.pods ?? new Set<string>();
  let evicted = 0;
  for (const name of [...serving].filter((pod) => !canaries.has(pod))) {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: scene.namespace } };
    try {
      await scene.api.post(`${scene.paths.pod(name)}/eviction`, eviction);
      evicted += 1;
    } catch (error) {
      // 429: the budget forbids it, as it should for some of them.
      if (!(error instanceof ApiError) || error.status !== 429) throw error;
    }
  }
  return evicted;
}

scenario(
  'a quota that leaves no room for the surge of the promotion',
  {
    spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
    expected: 'the canary makes room; promoted; no failed request',
  },
  async (scene) => {
    // 4 stable pods, 4 canary pods and the load generator, and not one more.
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods' }, spec: { hard: { pods: '9' } } };
    await scene.api.create(`${scene.paths.namespace}/resourcequotas`, quota, 'person');
    assertResult(await scene.release({ tag: 'v2', steps: '50%' }), 'promoted');
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v2') } }));
  },
);

/** On the only node, as many pods as there are, and not one more of the same label. */
const spread = {
  topologySpreadConstraints: [
    {
      maxSkew: 4,
      minDomains: 2,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
    },
  ],
};

scenario(
  'topology spread that must be kept, and no other node',
  {
    podSpec: spread,
    expected: 'warned; a canary is inconclusive; rolling goes on without its surge; green spreads by itself',
    timeoutMs: 240_000,
  },
  async (scene) => {
    const canary = await scene.release({ tag: 'v2', steps: '50%', 'ready-timeout': '6s' });
    assertResult(canary, 'inconclusive', /^unschedulable$/u);
    const direct = { prometheus: '', metrics: 'none', steps: '', 'min-duration': '3s' };
    const rolling = await scene.release({ ...direct, strategy: 'rolling', tag: 'v2' });
    assertResult(rolling, 'promoted');
    const blueGreen = await scene.release({ ...direct, strategy: 'blue-green', tag: 'v3' });
    assertResult(blueGreen, 'promoted');
    for (const run of [canary, rolling, blueGreen]) assertSays(run, /topology spread constraints that must be kept/u, 'what the pods need');
    const passing = { web: [scene.image('v2')] };
    const flips = { key: 'app', green: 'web-green' };
    assertHolds(await scene.judge({ failures: 'none', images: { web: scene.image('v3') }, passing, flips }));
  },
);

const unreleasable: Readonly<Record<string, { readonly says: RegExp; readonly changes: Parameters<Scene['manifest']>[0] }>> = {
  paused: { says: /paused/u, changes: { spec: { paused: true } } },
  recreate: { says: /Recreate/u, changes: { spec: { strategy: { type: 'Recreate' } } } },
  empty: { says: /0 replicas/u, changes: { replicas: 0 } },
  hostport: {
    says: /host ?port/iu,
    changes: {
      podSpec: {
        containers: [
          { name: 'web', image: 'sample:v1', imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: 8080, hostPort: 18080 }] },
        ],
      },
    },
  },
  volume: { says: /volume/iu, changes: { podSpec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] } } },
  'anti-affinity': {
    says: /anti-?affinity/iu,
    changes: {
      podSpec: {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { labelSelector: { matchLabels: { app: 'anti-affinity' } }, topologyKey: 'kubernetes.io/hostname' },
            ],
          },
        },
      },
    },
  },
};

scenario(
  'what a canary cannot release',
  { load: false, expected: 'paused, Recreate, 0 replicas, host port, RWO volume, required anti-affinity: each refused by name, no write' },
  async (scene) => {
    const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await scene.api.create(`${scene.paths.namespace}/persistentvolumeclaims`, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: claim,
    });
    const container = { name: 'web', image: scene.image('v1'), port: 8080 };
    for (const [name, { changes }] of Object.entries(unreleasable)) {
      const base = { name, containers: [container], replicas: 1, scrapeInterval: undefined, minReadySeconds: undefined, labelled: true };
      await scene.api.create(scene.paths.deployments, deploymentManifest({ ...base, ...changes }), 'person');
    }
    await scene.takeBaseline();
    const before = await specs(scene);
    await Promise.all(
      Object.entries(unreleasable).map(async ([name, { says }]) => {
        const run = await scene.release({ deployment: name, tag: 'v2', prometheus: '', metrics: 'none' });
        assertResult(run, 'refused');
        assertSays(run, says, `why ${name} is refused`);
      }),
    );
    if ((await specs(scene)) !== before) throw new Error('one of the Deployments was written');
    assertHolds(await scene.judge({ failures: 'none' }, 500));
  },
);

async function specs(scene: Scene): Promise<string> {
  const deployments = await scene.api.list<Deployment>(scene.paths.deployments);
  return JSON.stringify(deployments.map((deployment) => [deployment.metadata.name, deployment.metadata.labels, deployment.spec]));
}

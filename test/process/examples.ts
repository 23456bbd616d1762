import { type ExpectStatic, expect } from 'vitest';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { isWrite } from './requests.ts';
import { deploymentManifest, imagesOf, isComplete, type Manifest, namespace, pairSpec, secondManifest, serviceManifest } from './scene.ts';
import type { Stage, StageOptions } from './stage.ts';

/** The scene that an example speaks of, and what it is there to show. The Deployment `web` at v1 with its Service is in every one. */
export type Example = {
  readonly stage?: StageOptions;
  readonly before?: (stage: Stage) => Promise<void>;
  /** Files of the repository. */
  readonly files?: Readonly<Record<string, string>>;
  /** Steps that would leave this machine, and how they end. */
  readonly instead?: Readonly<Record<string, 'success' | 'failure'>>;
  /** Of each step, by name: result and reason of the action, what a command printed, or how it ended. */
  readonly shows: Readonly<Record<string, string>>;
  /** Of `web`, in the end. */
  readonly image: string;
  /** What stays on purpose; the hashes of names are cut off. */
  readonly left?: readonly string[];
  readonly downtime?: true;
  readonly after?: (stage: Stage, expect: ExpectStatic) => void | Promise<void>;
};

const promoted = 'promoted, gates-passed';
const released: Pick<Example, 'image'> = { image: 'shop/web:v2' };
const untouched: Pick<Example, 'image'> = { image: 'shop/web:v1' };

const readyMs = 5_000;

/** Another application with clients of its own. */
function another(name: string, deployment: Manifest): StageOptions {
  return {
    prepare(sandbox) {
      sandbox.apply(deployment);
      sandbox.apply(serviceManifest(name));
      sandbox.advance(readyMs);
      sandbox.traffic.start({ namespace, service: name, ratePerSecond: 200 });
    },
  };
}

function standing(sandbox: Sandbox, name: string): string {
  const found = sandbox.get('deployments', namespace, name);
  return `${found?.spec.replicas} ${found?.spec.template.spec.containers[0]?.image}${isComplete(sandbox, name) ? '' : ' (incomplete)'}`;
}

const configMap = (name: string, data: Manifest): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

const pair = another('app', deploymentManifest({ name: 'app', spec: pairSpec('a', 'app') }));

/** A release whose machine is lost while its promotion goes on, four minutes ago. */
async function lose(stage: Stage): Promise<void> {
  const dead = stage.start({ prometheus: '' }, { skipPost: true });
  await stage.until('the promotion is sent', () => imagesOf(stage.sandbox)[0] === 'shop/web:v2');
  dead.kill('SIGKILL');
  await dead.done;
  stage.sandbox.advance(241_000);
}

export const examples: Readonly<Record<string, Example>> = {
  'README.md': { ...released, shows: { 'OWNER/gated-rollout@<commit SHA>': promoted } },
  'examples/blue-green.yml': { ...released, shows: { Release: promoted } },
  'examples/canary-deployment.yml': {
    ...untouched,
    stage: {
      prepare(sandbox) {
        pair.prepare?.(sandbox);
        sandbox.apply(secondManifest('app'));
      },
    },
    shows: { Release: promoted, 'Say how it ended': 'promoted (gates-passed) shop/web:v2' },
    after({ sandbox }, expect) {
      expect(standing(sandbox, 'app')).toBe('0 shop/web:v1');
      expect(standing(sandbox, 'app-v2')).toBe('4 shop/web:v2');
    },
  },
  'examples/canary-pull-request.yml': { ...released, shows: { Release: promoted } },
  'examples/canary.yml': { ...released, shows: { Release: promoted, 'Say how it ended': 'promoted (gates-passed) shop/web:v2' } },
  'examples/configuration.yml': {
    ...released,
    stage: {
      configures: true,
      pod: { volumes: ['web-config', 'web-assets'].map((name) => ({ name, configMap: { name } })) },
      prepare(sandbox) {
        for (const name of ['web-config', 'web-assets']) sandbox.apply(configMap(name, { a: 'by hand' }));
      },
    },
    files: { 'k8s/web-config.yaml': JSON.stringify(configMap('web-config', { a: 'new' })), 'conf/assets/robots.txt': 'Disallow: /' },
    shows: { 'Check out the configuration': 'success', Release: promoted },
    left: ['ConfigMap web-assets', 'ConfigMap web-config'],
    after({ sandbox }, expect) {
      const spec = sandbox.get('deployments', namespace, 'web')?.spec.template.spec;
      expect(spec?.containers[0]?.env).toEqual([{ name: 'LOG_LEVEL', value: 'info' }]);
      const maps = spec?.volumes?.map((volume) => sandbox.get('configmaps', namespace, volume.configMap?.name ?? ''));
      expect(maps).toMatchObject([{ data: { a: 'new' } }, { data: { 'robots.txt': 'Disallow: /' } }]);
    },
  },
  'examples/green-deployment.yml': {
    ...untouched,
    stage: {
      prepare(sandbox) {
        for (const [set, replicas] of [
          ['blue', 4],
          ['green', 0],
        ] as const) {
          const manifest = deploymentManifest({ name: `app-${set}`, replicas, spec: pairSpec(set, 'app') });
          sandbox.apply(manifest);
        }
        sandbox.apply(serviceManifest('app', { app: 'app', set: 'blue' }));
        sandbox.advance(readyMs);
        sandbox.traffic.start({ namespace, service: 'app', ratePerSecond: 200 });
      },
    },
    shows: { Release: promoted, 'Say how it ended': 'promoted (gates-passed) shop/web:v2' },
    after({ sandbox }, expect) {
      expect(sandbox.get('services', namespace, 'app')?.spec.selector).toEqual({ app: 'app', set: 'green' });
      expect(standing(sandbox, 'app-blue')).toBe('0 shop/web:v1');
      expect(standing(sandbox, 'app-green')).toBe('4 shop/web:v2');
    },
  },
  'examples/plan.yml': {
    ...untouched,
    shows: { Plan: 'planned, planned' },
    after: ({ served }, expect) => expect(served.requests().filter(isWrite)).toEqual([]),
  },
  'examples/reconcile.yml': { ...released, before: lose, shows: { Reconcile: 'done, reconciled' } },
  'examples/recreate.yml': {
    ...untouched,
    stage: another('ledger', deploymentManifest({ name: 'ledger', replicas: 1, spec: { strategy: { type: 'Recreate' } } })),
    shows: { Release: promoted, 'Say how long it was down': expect.stringMatching(/^at most \d+ ms without a ready pod$/u) as string },
    downtime: true,
    after: ({ sandbox }, expect) => expect(standing(sandbox, 'ledger')).toBe('1 shop/web:v2'),
  },
  'examples/rollback.yml': {
    ...untouched,
    instead: { 'Test what clients see': 'failure' },
    shows: { Release: promoted, 'Test what clients see': 'failure', 'Go back': 'rolled-back, rollback-done' },
  },
  'examples/rolling.yml': { ...released, shows: { Release: promoted } },
};

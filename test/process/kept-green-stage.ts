import type { Sandbox } from '../../sandbox/sandbox.ts';
import { marksLeft, readyEndpoints } from './invariants.ts';
import { deploymentManifest, isComplete, namespace, serviceManifest } from './scene.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';

/** What every run between the two is given, whichever way it goes. */
export const keptInputs = { strategy: 'blue-green', 'green-deployment': 'web-2', steps: '', 'min-duration': '1s' };
export const readinessInputs = { ...keptInputs, prometheus: '', metrics: 'none' };

/** As `standing` says it before anything is released. */
export const found = 'web: web 4 shop/web:v1, web-2 0 shop/web:v0';

export type KeptStage = Stage & {
  /** Where the Service leads, and what the two Deployments are. */
  standing(): string;
  /** Ours on anything, once the garbage collector is over. */
  ours(): readonly string[];
  /** The fewest ready endpoints that the Service ever had. */
  fewest(): number;
};

/** The user's pair: `web` (blue) serves with four replicas, `web-2` (green) is idle with an older image; the Service tells them apart by `colour`. */
export async function openKept(replicas = 0, options: StageOptions = {}): Promise<KeptStage> {
  const stage = await openStage({
    ...options,
    spec: pairOf('blue'),
    prepare(sandbox) {
      sandbox.apply({ ...serviceManifest(), spec: { ...serviceSpec(), selector: { app: 'web', colour: 'blue' } } });
      sandbox.apply(secondManifest(replicas));
      options.prepare?.(sandbox);
    },
    images: { 'shop/web:v0': { startMs: 200, readyMs: 100, version: 'v0' }, ...options.images },
  });
  let fewest = Number.POSITIVE_INFINITY;
  stage.sandbox.watch(({ resource }) => {
    if (resource === 'endpointslices') fewest = Math.min(fewest, readyEndpoints(stage.sandbox));
  });
  return {
    ...stage,
    standing: () => standing(stage.sandbox),
    ours: () => ours(stage.sandbox),
    fewest: () => fewest,
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

type Template = { readonly spec: { readonly template: { readonly spec: object } } };

function pairOf(colour: string): { readonly selector: object; readonly template: object } {
  const { spec } = deploymentManifest() as unknown as Template;
  const labels = { app: 'web', colour };
  return { selector: { matchLabels: labels }, template: { ...spec.template, metadata: { labels } } };
}

function serviceSpec(): object {
  return (serviceManifest() as { readonly spec: object }).spec;
}

function secondManifest(replicas: number): object {
  const { spec } = deploymentManifest({ image: 'shop/web:v0' }) as unknown as Template;
  const second = deploymentManifest({ replicas, spec: { ...pairOf('green') } }) as { readonly metadata: object; readonly spec: object };
  const template = { metadata: { labels: { app: 'web', colour: 'green' } }, spec: spec.template.spec };
  return { ...second, metadata: { ...second.metadata, name: 'web-2' }, spec: { ...second.spec, template } };
}

function standing(sandbox: Sandbox): string {
  const colour = sandbox.get('services', namespace, 'web')?.spec.selector?.['colour'];
  const serves = colour === 'blue' ? 'web' : colour === 'green' ? 'web-2' : (colour ?? 'nobody');
  const two = ['web', 'web-2'].map((name) => {
    const seen = sandbox.get('deployments', namespace, name);
    const image = seen?.spec.template.spec.containers[0]?.image;
    return `${name} ${seen?.spec.replicas} ${image}${isComplete(sandbox, name) ? '' : ' (incomplete)'}`;
  });
  return `${serves}: ${two.join(', ')}`;
}

function ours(sandbox: Sandbox): readonly string[] {
  sandbox.advance(40_000);
  return marksLeft(sandbox, namespace);
}

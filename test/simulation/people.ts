import type { RawDeployment } from '../../src/kubernetes/raw.ts';
import { rolloutLabel } from '../../src/rollout/names.ts';
import { cluster, person } from './api-server.ts';
import { uidOf } from './objects.ts';
import type { Deed } from './scenario.ts';
import { epochMs } from './schedule.ts';
import type { World } from './world.ts';

/** What people do to a Deployment and to our Job while we are at it. */
export function scheduleDeeds(world: World, deeds: readonly Deed[]): void {
  for (const deed of deeds) {
    world.schedule.at(epochMs + deed.atMs, () => {
      act(world, deed);
    });
  }
}

export function act(world: World, deed: Deed): void {
  world.log(person, `${deed.kind}${deed.replicas === undefined ? '' : ` ${deed.replicas}`}`);
  const { api, nodes, schedule } = world;
  const job = api.get('job');
  switch (deed.kind) {
    case 'image':
      editContainer(world, (container) => ({ ...container, image: `${container.name}:hotfix` }));
      break;
    case 'env':
      editContainer(world, (container) => ({
        ...container,
        env: (container.env ?? []).map((one) => (one.name === 'MODE' ? { ...one, value: 'b' } : one)),
      }));
      break;
    case 'replicas':
      edit(world, (object) => ({ ...object, spec: { ...specOf(object), replicas: deed.replicas ?? 1 } }));
      break;
    case 'pause':
      edit(world, (object) => ({ ...object, spec: { ...specOf(object), paused: true } }));
      break;
    case 'unpause':
      edit(world, (object) => ({ ...object, spec: { ...specOf(object), paused: false } }));
      break;
    case 'unlabel':
      edit(world, (object) => {
        const { [rolloutLabel]: _, ...labels } = object.metadata?.labels ?? {};
        return { ...object, metadata: { ...object.metadata, labels } };
      });
      break;
    case 'delete-stable':
      api.remove('stable', uidOf(api.get('stable')), person);
      return;
    case 'delete-job':
      api.remove('job', uidOf(job), person);
      return;
    case 'orphan-job': {
      const canary = api.get('canary');
      if (job !== undefined && canary !== undefined)
        api.replace('canary', { ...canary, metadata: { ...canary.metadata, ownerReferences: [] } }, cluster);
      api.remove('job', uidOf(job), person);
      return;
    }
    case 'foreground-job':
      if (job === undefined) return;
      api.replaceStatus('job', { ...job, metadata: { ...job.metadata, deletionTimestamp: '2027-01-15T00:00:00Z' } });
      schedule.after(100, () =>
        api.remove(
          'canary',
          api.get('canary')?.metadata?.ownerReferences?.[0]?.uid === uidOf(job) ? uidOf(api.get('canary')) : '',
          cluster,
        ),
      );
      schedule.after(300, () => api.remove('job', uidOf(job), cluster));
      return;
    case 'evict-canary':
    case 'evict-stable': {
      const arm = deed.kind === 'evict-canary' ? 'canary' : 'stable';
      const victim = nodes.pods.find((pod) => pod.arm === arm && !pod.terminating);
      if (victim !== undefined) nodes.terminate(victim);
    }
  }
}

function specOf(object: RawDeployment): NonNullable<RawDeployment['spec']> {
  if (object.spec === undefined) throw new Error('a Deployment without a spec');
  return object.spec;
}

function edit(world: World, change: (object: RawDeployment) => RawDeployment): void {
  const object = world.api.get('stable');
  if (object !== undefined) world.api.replace('stable', change(object), person);
}

type Container = NonNullable<NonNullable<RawDeployment['spec']>['template']['spec']>['containers'][number];

function editContainer(world: World, change: (container: Container) => Container): void {
  edit(world, (object) => {
    const spec = specOf(object);
    const containers = (spec.template.spec?.containers ?? []).map((one, index) => (index === 0 ? change(one) : one));
    return { ...object, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } } };
  });
}

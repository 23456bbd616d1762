import type { ContainerRun } from './container-run.ts';
import type { Kubelet } from './kubelet.ts';
import type { Pod } from './objects.ts';
import { badRequest } from './status.ts';

export function readLog(kubelet: Kubelet, pod: Pod, query: Readonly<Record<string, string>>): string {
  const { name } = pod.metadata;
  const containers = pod.spec.containers.map((container) => container.name);
  if (query['container'] === undefined && containers.length > 1) {
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]`);
  }
  const wanted = query['container'] ?? containers[0] ?? '';
  if (!containers.includes(wanted)) throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  const run = kubelet.runOf(pod.metadata.uid)?.containers.find(({ container }) => container.name === wanted);
  if (run === undefined) throw badRequest(`container "${wanted}" in pod "${name}" is waiting to start: ContainerCreating`);
  const lines = query['previous'] === 'true' ? previousLines(run, wanted, name) : currentLines(run, wanted, name);
  const tail = query['tailLines'] === undefined ? lines : lines.slice(Math.max(0, lines.length - Number(query['tailLines'])));
  return tail.map((line) => `${line}\n`).join('');
}

function previousLines(run: ContainerRun, container: string, pod: string): readonly string[] {
  const hasEnded = run.phase.kind === 'waiting' && run.last !== undefined;
  const lines = hasEnded ? run.log : run.previousLog;
  if (lines === undefined) throw badRequest(`previous terminated container "${container}" in pod "${pod}" not found`);
  return lines;
}

function currentLines(run: ContainerRun, container: string, pod: string): readonly string[] {
  if (run.process > 0) return run.log;
  const reason = run.phase.kind === 'waiting' ? run.phase.reason : '';
  const pulls = reason === 'ErrImagePull' || reason === 'ImagePullBackOff';
  const why = pulls ? 'trying and failing to pull image' : reason;
  throw badRequest(`container "${container}" in pod "${pod}" is waiting to start: ${why}`);
}

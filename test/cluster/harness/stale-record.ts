import type { Scene } from './scene.ts';
import type { Job } from './shapes.ts';

const journalAnnotation = 'gated-rollout.github.io/journal';

/** Four minutes without a heartbeat, in one write: the journal alone says when the last one was. */
export async function makeStale(scene: Scene): Promise<void> {
  const path = scene.paths.job('web-rollout');
  const job = await scene.api.get<Job>(path);
  const journal = JSON.parse(job.metadata.annotations?.[journalAnnotation] ?? '') as { state: { heartbeatAtMs: number } };
  const aged = { ...journal, state: { ...journal.state, heartbeatAtMs: journal.state.heartbeatAtMs - 300_000 } };
  const pointer = `/metadata/annotations/${journalAnnotation.replaceAll('/', '~1')}`;
  await scene.api.patch(path, 'json', [{ op: 'replace', path: pointer, value: JSON.stringify(aged) }]);
}

import type { Clock } from './clock.ts';
import type { Plain } from './objects.ts';
import type { Random } from './random.ts';
import type { Store } from './store.ts';
import type { Writer } from './write.ts';

export interface EventRecorder {
  record(about: Plain, type: 'Normal' | 'Warning', reason: string, message: string, component: string): void;
}

/** What every controller is given. */
export interface Cluster {
  readonly clock: Clock;
  readonly store: Store;
  readonly writer: Writer;
  readonly random: Random;
  readonly events: EventRecorder;
}

/** A work queue: keys are taken one at a time, a while after the change, and a key that already waits is not added again. */
export function createQueue(clock: Clock, delayMs: number, reconcile: (key: string) => void): (key: string) => void {
  const waiting = new Set<string>();
  return (key) => {
    if (waiting.has(key)) return;
    waiting.add(key);
    clock.after(delayMs, () => {
      waiting.delete(key);
      reconcile(key);
    });
  };
}

export function keyOf(object: Plain): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

export function parseKey(key: string): [namespace: string, name: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}

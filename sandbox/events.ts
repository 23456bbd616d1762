import type { Clock } from './clock.ts';
import type { EventRecorder } from './cluster.ts';
import type { EventObject } from './objects.ts';
import { namespaceOf, timestamp } from './objects.ts';
import type { Random } from './random.ts';
import type { Store } from './store.ts';

/** Events as client-go's recorder writes them: a repetition raises the count of the first one. */
export function createEventRecorder(store: Store, clock: Clock, random: Random): EventRecorder {
  const names = new Map<string, string>();
  return {
    record(about, type, reason, message, component) {
      const namespace = namespaceOf(about);
      const key = `${about.metadata.uid} ${type} ${reason} ${message}`;
      const lastTimestamp = timestamp(clock.now());
      const earlier = store.get('events', namespace, names.get(key) ?? '');
      if (earlier !== undefined) {
        store.put('events', { ...earlier, count: earlier.count + 1, lastTimestamp });
        return;
      }
      const name = `${about.metadata.name}.${random.uuid().replaceAll('-', '').slice(0, 16)}`;
      names.set(key, name);
      const { uid, resourceVersion } = about.metadata;
      const event: EventObject & { source: object; reportingComponent: string; reportingInstance: string; eventTime: null } = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace, uid: random.uuid(), resourceVersion: '', creationTimestamp: lastTimestamp },
        involvedObject: {
          ...{ apiVersion: about.apiVersion, kind: about.kind, name: about.metadata.name, namespace, uid },
          ...{ resourceVersion },
        },
        ...{ reason, message, type, count: 1, firstTimestamp: lastTimestamp, lastTimestamp },
        ...{ source: { component }, reportingComponent: component, reportingInstance: '', eventTime: null },
      };
      store.put('events', event);
    },
  };
}

import type { ResourceInfo } from './resources.ts';
import { qualified } from './resources.ts';
import { forbidden } from './status.ts';
import type { Store } from './store.ts';

/** ResourceQuota admission, for object counts: `pods`, `count/jobs.batch`. */
export function checkQuota(store: Store, info: ResourceInfo, namespace: string, name: string): void {
  for (const quota of store.list('resourcequotas', namespace)) {
    for (const [key, hard] of Object.entries(quota.spec.hard)) {
      if (key !== `count/${qualified(info)}` && !(key === 'pods' && info.resource === 'pods')) continue;
      const used = store.list(info.resource, namespace).length;
      if (used + 1 <= Number(hard)) continue;
      const why = `exceeded quota: ${quota.metadata.name}, requested: ${key}=1, used: ${key}=${used}, limited: ${key}=${hard}`;
      throw forbidden(info, name, why);
    }
  }
}

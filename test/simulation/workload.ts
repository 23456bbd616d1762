import type { RawDeployment, RawReplicaSet, RawTemplate } from '../../src/kubernetes/raw.ts';
import type { ApiServer } from './api-server.ts';
import type { Nodes } from './nodes.ts';
import { isSelected, type Pod, rawReplicaSet, tagOf, uidOf } from './objects.ts';
import type { Dice } from './random.ts';
import type { Schedule } from './schedule.ts';

export type WorkloadOptions = {
  readonly kind: 'stable' | 'canary';
  readonly api: ApiServer;
  readonly nodes: Nodes;
  readonly schedule: Schedule;
  readonly dice: Dice;
};

type Bounds = { readonly desired: number; readonly maxSurge: number; readonly maxUnavailable: number };
const revisionAnnotation = 'deployment.kubernetes.io/revision';

/** The Deployment controller for one Deployment: rolls its pods within maxSurge and maxUnavailable, a moment after every change. */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #keys = new WeakMap<RawTemplate, string>();
  #sets = new Map<string, { readonly uid: string; readonly template: RawTemplate; revision: number }>();
  #rawSets: readonly RawReplicaSet[] = [];
  #pending = false;
  #progressAtMs = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    options.api.listen(({ kind, verb, before }) => {
      if (kind !== options.kind || verb === 'status') return;
      if (verb === 'delete') this.#collect(before as RawDeployment);
      else this.touch();
    });
  }

  get replicaSets(): readonly RawReplicaSet[] {
    return this.#rawSets;
  }

  /** Its pods that are not going away. */
  get live(): readonly Pod[] {
    return this.#options.nodes.pods.filter((pod) => !pod.terminating && this.#owns(pod));
  }

  touch(): void {
    if (this.#pending) return;
    this.#pending = true;
    const { schedule, dice } = this.#options;
    schedule.after(dice.between(10, 120), () => {
      this.#pending = false;
      this.sync();
    });
  }

  sync(): void {
    const { api, kind, nodes } = this.#options;
    const object = api.get(kind);
    if (object?.spec === undefined) return;
    const key = this.#keyOf(object.spec.template);
    if (object.spec.strategy?.type === 'Recreate' && object.spec.paused !== true && this.#clearOld(object, key)) return;
    if (object.spec.paused !== true || this.#sets.size === 0) this.#adopt(object, key);
    const newest = this.#sets.get(key)?.uid ?? this.#latest();
    const live = this.live;
    const rolling = object.spec.strategy?.rollingUpdate;
    const bounds = {
      desired: object.spec.replicas ?? 1,
      maxSurge: Number(rolling?.maxSurge ?? 1),
      maxUnavailable: Number(rolling?.maxUnavailable ?? 0),
    };
    const news = live.filter((pod) => pod.set === newest);
    const olds = live.filter((pod) => pod.set !== newest);
    const create = (count: number): void => {
      for (let i = 0; i < count; i += 1)
        nodes.create(kind, newest, tagOf(object.spec?.template ?? {}), !isSelected(object.spec?.template ?? {}));
    };
    if (olds.length === 0 || object.spec.paused === true) scaleTo(nodes, live, bounds.desired, create);
    else roll(nodes, news, olds, bounds, create);
    // While it is paused, nobody makes a ReplicaSet for a new template: no pod counts as updated.
    this.#report(object, this.#sets.get(key)?.uid ?? '');
  }

  /** Recreate: a new ReplicaSet comes when the last old pod has ended; until then the revision is that of the old one. */
  #clearOld(object: RawDeployment, key: string): boolean {
    const { nodes } = this.#options;
    const known = this.#sets.get(key);
    const olds = nodes.pods.filter((pod) => this.#owns(pod) && pod.set !== known?.uid);
    if (olds.length === 0) return false;
    if (known !== undefined) this.#adopt(object, key);
    for (const pod of olds) nodes.terminate(pod);
    this.#report(object, known?.uid ?? '');
    return true;
  }

  #adopt(object: RawDeployment, key: string): void {
    const known = this.#sets.get(key);
    const revision = Math.max(0, ...[...this.#sets.values()].map((set) => set.revision));
    if (known === undefined) {
      const uid = this.#options.api.uid(`rs-${this.#options.kind}`);
      this.#sets.set(key, { uid, template: object.spec?.template ?? {}, revision: revision + 1 });
    } else if (known.revision === revision) return;
    else known.revision = revision + 1;
    this.#progressAtMs = this.#options.schedule.nowMs;
    this.#rawSets = [...this.#sets.values()].map((set) => rawReplicaSet(uidOf(object), set.uid, set.revision, set.template));
  }

  #report(object: RawDeployment, newest: string): void {
    const { api, kind, schedule } = this.#options;
    const live = this.live;
    const desired = object.spec?.replicas ?? 1;
    const updatedReplicas = live.filter((pod) => pod.set === newest).length;
    const availableReplicas = live.filter((pod) => pod.ready).length;
    const complete = updatedReplicas === desired && live.length === desired && availableReplicas === desired;
    const before = object.status;
    const moved =
      before?.replicas !== live.length || before.updatedReplicas !== updatedReplicas || before.availableReplicas !== availableReplicas;
    if (moved) this.#progressAtMs = schedule.nowMs;
    const deadlineMs = this.#progressAtMs + (object.spec?.progressDeadlineSeconds ?? 600) * 1000;
    const late = !complete && schedule.nowMs >= deadlineMs && object.spec?.paused !== true;
    const generation = object.metadata?.generation ?? 0;
    const revisions = [...this.#sets.values()];
    const revision = String(revisions.find((set) => set.uid === newest)?.revision ?? Math.max(0, ...revisions.map((set) => set.revision)));
    const progressing = late ? 'False' : 'True';
    if (moved || before?.observedGeneration !== generation || before.conditions?.[0]?.status !== progressing) {
      const conditions = [{ type: 'Progressing', status: progressing, reason: late ? 'ProgressDeadlineExceeded' : 'ReplicaSetUpdated' }];
      const counts = live.length === 0 ? {} : { replicas: live.length, updatedReplicas, availableReplicas };
      api.replaceStatus(kind, {
        ...object,
        metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [revisionAnnotation]: revision } },
        status: { ...counts, observedGeneration: generation, conditions },
      });
    }
    if (!complete && !late) schedule.at(deadlineMs, () => this.touch());
  }

  /** What the garbage collector does after a background deletion. */
  #collect(object: RawDeployment): void {
    const { nodes, schedule, dice } = this.#options;
    const pods = this.live;
    this.#sets = new Map();
    this.#rawSets = [];
    if (object.metadata?.annotations?.['orphaned'] !== undefined) return;
    schedule.after(dice.between(20, 90), () => {
      for (const pod of pods) nodes.terminate(pod);
    });
  }

  #owns(pod: Pod): boolean {
    for (const set of this.#sets.values()) if (set.uid === pod.set) return true;
    return false;
  }

  #latest(): string {
    return [...this.#sets.values()].reduce((best, set) => (set.revision > best.revision ? set : best)).uid;
  }

  #keyOf(template: RawTemplate): string {
    const known = this.#keys.get(template);
    if (known !== undefined) return known;
    const key = JSON.stringify(template);
    this.#keys.set(template, key);
    return key;
  }
}

function scaleTo(nodes: Nodes, live: readonly Pod[], desired: number, create: (count: number) => void): void {
  if (live.length < desired) create(desired - live.length);
  else remove(nodes, live, live.length - desired);
}

function roll(nodes: Nodes, news: readonly Pod[], olds: readonly Pod[], bounds: Bounds, create: (count: number) => void): void {
  const { desired, maxSurge, maxUnavailable } = bounds;
  const total = news.length + olds.length;
  const created = Math.max(0, Math.min(desired + maxSurge - total, desired - news.length));
  const surplus = Math.max(0, news.length - desired);
  create(created);
  remove(nodes, news, surplus);
  const minAvailable = desired - maxUnavailable;
  const newUnavailable = Math.max(0, news.length + created - surplus - news.filter((pod) => pod.ready).length);
  const cleanable = Math.max(0, total + created - surplus - minAvailable - newUnavailable);
  const sick = olds.filter((pod) => !pod.ready).slice(0, cleanable);
  for (const pod of sick) nodes.terminate(pod);
  const available = [...news, ...olds].filter((pod) => pod.ready && !pod.terminating).length;
  remove(
    nodes,
    olds.filter((pod) => !pod.terminating && pod.ready),
    Math.min(available - minAvailable, cleanable - sick.length),
  );
}

/** Pods that are not ready go first, then the youngest. */
function remove(nodes: Nodes, pods: readonly Pod[], count: number): void {
  if (count <= 0) return;
  const order = [...pods].sort((a, b) => Number(a.ready) - Number(b.ready) || b.createdAtMs - a.createdAtMs);
  for (const pod of order.slice(0, count)) nodes.terminate(pod);
}

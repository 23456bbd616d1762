import type { Difference } from './normalise.ts';

interface Accepted {
  readonly scene?: RegExp;
  readonly label?: RegExp;
  readonly path: RegExp;
  readonly because: string;
}

/** Where the sandbox differs from the real API server on purpose. */
export const ACCEPTED: readonly Accepted[] = [
  {
    label: /crash is in CrashLoopBackOff/,
    path: /(waiting\/message|restartCount)$/,
    because: 'which round of the back-off is seen depends on when one looks',
  },
  { path: /^\/details\/causes\/\d+$/, because: 'the API server validates metadata up to three times and repeats the causes' },
  { label: /: not JSON|create not JSON/, path: /^\/message$/, because: 'the words of another JSON parser' },
  { label: /test missing member, no value/, path: /./, because: 'the real API server panics on it and hangs up; here it is a 500' },
  {
    label: /a number as text|a list for an object|JSON patch: kind|label that is a number|wrong type/,
    path: /message$/,
    because: "the message quotes the whole object in the order of Go's fields, and Go's own type names",
  },
  { label: /template is immutable/, path: /message$/, because: "the message quotes the object as Go's internal type" },
  { label: /strategic-merge-patch/, path: /./, because: 'the sandbox has no strategic merge patch' },
  { label: /^labels (=|app in web)$/, path: /^\/message$/, because: 'the words of another parser' },
  {
    scene: /rollout|strategies/,
    label: /ReplicaSets/,
    path: /(generation|observedGeneration)$/,
    because: 'how many steps a rollout takes depends on how fast pods become ready',
  },
  {
    scene: /rollout/,
    label: /stuck$/,
    path: /conditions\/1\/(reason|message)$/,
    because: 'whether the first pods are counted in the turn that makes the ReplicaSet is a race',
  },
  { label: /^slices/, path: /(generation|annotations)$/, because: 'the number of writes, and a time for latency metrics' },
  {
    scene: /serving/,
    label: /^budget/,
    path: /\/(status|managedFields)/,
    because: 'a budget is worked out when it is asked for, it has no status here',
  },
  { scene: /quota/, label: /^quota$/, path: /status/, because: 'a quota is counted when it is asked for, it has no status here' },
  { label: /^may I/, path: /(managedFields|reason)$/, because: 'the review names the binding, and is never stored' },
  { label: /ImagePullBackOff/, path: /waiting\/message$/, because: 'the cluster has no registry to ask, its error is another one' },
  { path: /(volumes|volumeMounts|tolerations)$/, because: 'admission of ServiceAccount and DefaultTolerationSeconds adds them' },
  {
    scene: /ailments|serving|deadlines/,
    label: /pod|adopt|CrashLoop|BackOff|ConfigError|unschedulable/,
    path: /managedFields/,
    because: 'pods carry no managedFields here',
  },
  {
    scene: /collection|deadlines/,
    label: /ReplicaSet|set's size/,
    path: /managedFields/,
    because: 'ReplicaSets carry no managedFields here',
  },
  { path: /^\/items\/\d+\/metadata\/managedFields/, because: 'objects that controllers make carry no managedFields here' },
];

/** The reason why a difference is accepted; undefined if it is not. */
export function reasonFor(scene: string, label: string, { path }: Difference): string | undefined {
  return ACCEPTED.find(
    (accepted) => accepted.path.test(path) && (accepted.scene?.test(scene) ?? true) && (accepted.label?.test(label) ?? true),
  )?.because;
}

import { differences, without } from './compare.ts';
import { type Baseline, type Expectation, managersOf } from './expectation.ts';
import type { Deployment, KubernetesObject, Service } from './shapes.ts';
import { fenceLabel, newest, silences } from './timeline.ts';
import type { History, Seen } from './watcher.ts';

const changeCause = 'kubernetes.io/change-cause';
const revision = 'deployment.kubernetes.io/revision';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

// What the API server and the Deployment controller write on every change.
const written = [
  ['status'],
  ['metadata', 'resourceVersion'],
  ['metadata', 'generation'],
  ['metadata', 'managedFields'],
  ['metadata', 'annotations', revision],
];
const ours = [
  ['metadata', 'labels', fenceLabel],
  ['metadata', 'annotations', changeCause],
  ['spec', 'template', 'spec', 'containers', '*', 'image'],
];

/** The user's objects, at every instant since the baseline. */
export function judgeObjects(history: History, baseline: Baseline, expectation: Expectation): readonly string[] {
  const exempt = new Set(expectation.exempt ?? []);
  const deployments = history.deployments.filter(
    (seen) => seen.atMs >= baseline.atMs && seen.object.metadata.uid === baseline.deployment.metadata.uid,
  );
  const problems: string[] = history.gaps.map((gap) => `the checker did not see everything: ${gap}`);
  if (!exempt.has('I1')) problems.push(...judgeAvailability(deployments, expectation));
  if (!exempt.has('I2')) problems.push(...judgeUntouched(deployments, history, baseline, expectation));
  if (!exempt.has('I3')) problems.push(...judgeImages(deployments, history, baseline, expectation));
  if (!exempt.has('I8')) problems.push(...judgeEndpoints(history, baseline, expectation));
  return problems;
}

function judgeAvailability(deployments: readonly Seen<Deployment>[], expectation: Expectation): readonly string[] {
  const low: string[] = [];
  for (const { object, atMs } of deployments) {
    if ((expectation.personChanged ?? []).includes('spec.replicas')) break;
    const limit = object.spec.replicas - maxUnavailable(object);
    const available = object.status?.availableReplicas ?? 0;
    if (available < limit) low.push(`${available} at ${new Date(atMs).toISOString()}`);
  }
  return low.length === 0
    ? []
    : [`I1: available replicas of the Deployment fell below desired − maxUnavailable: ${low.slice(0, 3).join(', ')}`];
}

function maxUnavailable(deployment: Deployment): number {
  const value = deployment.spec.strategy?.rollingUpdate?.maxUnavailable ?? '25%';
  return typeof value === 'number' ? value : Math.floor((Number.parseInt(value, 10) / 100) * deployment.spec.replicas);
}

function judgeUntouched(
  deployments: readonly Seen<Deployment>[],
  history: History,
  baseline: Baseline,
  expectation: Expectation,
): readonly string[] {
  const persons = (expectation.personChanged ?? []).map((path) => path.split('.'));
  const released = [...ours, ...(expectation.configured ?? []).map((path) => path.split('.'))];
  // The person's last-applied annotation changes with the person's apply, and with nothing else.
  const applied = persons.length > 0 ? [['metadata', 'annotations', lastApplied]] : [];
  const found = new Set<string>();
  const before = without(baseline.deployment, [...written, ...released, ...persons, ...applied]);
  for (const { object, type } of deployments) {
    if (type === 'DELETED' || object.metadata.deletionTimestamp !== undefined) continue;
    for (const difference of differences(before, without(object, [...written, ...released, ...persons, ...applied])))
      found.add(`I2: Deployment ${difference}`);
  }
  const service = without(baseline.service, written);
  for (const { object, atMs } of history.services) {
    if (atMs < baseline.atMs || object.metadata.uid !== baseline.service.metadata.uid) continue;
    for (const difference of differences(service, without(unflipped(object, baseline.service, expectation), written)))
      found.add(`I2: Service ${difference}`);
  }
  const last = history.services.findLast((seen) => seen.object.metadata.uid === baseline.service.metadata.uid)?.object;
  const { flips } = expectation;
  const old = (baseline.service as Service).spec.selector;
  const wanted = flips?.stays === true ? { ...old, [flips.key]: flips.green } : old;
  if (last !== undefined && flips !== undefined && JSON.stringify(last.spec.selector) !== JSON.stringify(wanted))
    found.add(`I2: the Service was left with the selector ${JSON.stringify(last.spec.selector)}`);
  return [...found];
}

/** A Service during blue-green, as it would be without the one value and the one annotation that may be ours. */
function unflipped(service: Service, baseline: KubernetesObject, { flips }: Expectation): Service {
  if (flips === undefined) return service;
  const old = (baseline as Service).spec.selector ?? {};
  const { [fenceLabel]: _, ...kept } = service.metadata.annotations ?? {};
  const selector =
    service.spec.selector?.[flips.key] === flips.green
      ? { ...service.spec.selector, [flips.key]: old[flips.key] ?? '' }
      : service.spec.selector;
  const { annotations: _all, ...metadata } = service.metadata;
  const hadAnnotations = baseline.metadata.annotations !== undefined || Object.keys(kept).length > 0;
  return {
    ...service,
    metadata: hadAnnotations ? { ...metadata, annotations: kept } : metadata,
    spec: { ...service.spec, ...(selector === undefined ? {} : { selector }) },
  };
}

function judgeImages(
  deployments: readonly Seen<Deployment>[],
  history: History,
  baseline: Baseline,
  expectation: Expectation,
): readonly string[] {
  const problems = new Set<string>();
  const was = imagesOf(baseline.deployment as Deployment);
  const wanted = { ...was, ...expectation.images };
  for (const { object } of deployments) {
    for (const [container, image] of Object.entries(imagesOf(object))) {
      const allowed = [was[container], wanted[container], ...(expectation.passing?.[container] ?? [])];
      if (!allowed.includes(image)) problems.add(`I3: container ${container} had image ${image}, allowed were ${allowed.join(', ')}`);
    }
  }
  const last = newest(history.deployments, baseline.deployment.metadata.name);
  if (last === undefined) return [...problems, `I3: Deployment ${baseline.deployment.metadata.name} is gone`];
  for (const difference of differences(wanted, imagesOf(last))) problems.add(`I3: at the end image ${difference}`);
  const changed = JSON.stringify(wanted) !== JSON.stringify(was);
  if (!changed)
    for (const difference of differences(notes(baseline.deployment), notes(last)))
      problems.add(`I9: nothing was released, but ${difference}`);
  return [...problems];
}

function notes(object: KubernetesObject): object {
  // A rollback makes a revision of its own; a person's apply rewrites the last-applied annotation; the fence is I7's question.
  const foreign = new Set([revision, lastApplied, fenceLabel]);
  const kept = (notes: Readonly<Record<string, string>> = {}): object =>
    Object.fromEntries(Object.entries(notes).filter(([name]) => !foreign.has(name)));
  return { annotations: kept(object.metadata.annotations), labels: kept(object.metadata.labels) };
}

export function imagesOf(deployment: Deployment): Record<string, string> {
  return Object.fromEntries(deployment.spec.template.spec.containers.map((container) => [container.name, container.image]));
}

function judgeEndpoints(history: History, baseline: Baseline, { silenceMs = 0 }: Expectation): readonly string[] {
  return silences(history, baseline.service.metadata.name)
    .filter((span) => span.toMs === undefined || (span.toMs >= baseline.atMs && span.toMs - span.fromMs >= silenceMs))
    .map((span) => {
      const seconds = span.toMs === undefined ? 'and still has none' : `for ${((span.toMs - span.fromMs) / 1000).toFixed(2)} s`;
      return `I8: the Service had no ready endpoint from ${new Date(span.fromMs).toISOString()} ${seconds}`;
    });
}

/** Our entry among the field managers makes the user's own `apply` conflict for ever. */
export function judgeManagers(now: KubernetesObject | undefined, baseline: Baseline): readonly string[] {
  if (now === undefined) return [];
  const before = managersOf(baseline.deployment);
  return [...managersOf(now)]
    .filter(
      (manager) => !before.has(manager) && manager !== 'kube-controller-manager' && manager !== 'person' && !manager.startsWith('kubectl'),
    )
    .map((manager) => `I7: field manager "${manager}" is left on the Deployment`);
}

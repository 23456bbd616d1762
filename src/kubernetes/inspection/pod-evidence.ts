import type { CoreV1Event } from '@kubernetes/client-node';
import type { KubernetesClient } from '../client/rest-client.ts';
import { paths } from '../paths.ts';
import type { Raw, RawList, RawPod } from '../raw.ts';
import { noEvidence, type PodEvidence } from './workload-facts.ts';

type RawEvent = Raw<CoreV1Event>;
export type EvidenceMode = 'logs' | 'events' | 'none';

const logLinesMax = 20;
const logBytesMax = 8_192;
const eventsShownMax = 8;
/** A crash loop of many pods has one cause: reading all of them would only slow the verdict down. */
const podsReadMax = 5;
const requestTimeoutMs = 3_000;
const routineReasons: ReadonlySet<string> = new Set(['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started', 'SuccessfulCreate']);

/** Reads why pods are not well while they still exist: afterwards nobody can ask any more. */
export class PodEvidenceReader {
  readonly #client: KubernetesClient;
  readonly #namespace: string;
  readonly #mode: EvidenceMode;
  /** Logs of one death of one container never change. */
  readonly #logs = new Map<string, readonly string[]>();

  constructor(client: KubernetesClient, namespace: string, mode: EvidenceMode) {
    this.#client = client;
    this.#namespace = namespace;
    this.#mode = mode;
  }

  async read(pods: readonly RawPod[], signal: AbortSignal): Promise<ReadonlyMap<string, PodEvidence>> {
    const unwell = pods.filter((pod) => !isWell(pod)).slice(0, podsReadMax);
    const evidence = await Promise.all(unwell.map(async (pod) => [pod.metadata?.uid ?? '', await this.#readPod(pod, signal)] as const));
    return new Map(evidence);
  }

  async #readPod(pod: RawPod, signal: AbortSignal): Promise<PodEvidence> {
    try {
      const [events, lines] = await Promise.all([this.#events(pod, signal), this.#lastLines(pod, signal)]);
      const notable = events.filter((event) => !routineReasons.has(event.reason ?? ''));
      const shown = notable.slice(-eventsShownMax).map((event) => `${event.reason ?? ''}: ${event.message ?? ''}`);
      return {
        pullFailures: notable.filter(isPullFailure).reduce((sum, event) => sum + (event.series?.count ?? event.count ?? 1), 0),
        probeFailure: notable.findLast((event) => event.reason === 'Unhealthy')?.message,
        lines: this.#mode === 'none' ? [] : [...shown, ...lines],
      };
    } catch {
      // Evidence explains a verdict, it never makes one: without it the pod's own status still counts.
      return noEvidence;
    }
  }

  async #events(pod: RawPod, signal: AbortSignal): Promise<readonly RawEvent[]> {
    const query = { fieldSelector: `involvedObject.uid=${pod.metadata?.uid ?? ''}` };
    const list = await this.#client.get<RawList<RawEvent>>(paths.events(this.#namespace), { query, signal, timeoutMs: requestTimeoutMs });
    return [...list.items].sort(inOrder);
  }

  async #lastLines(pod: RawPod, signal: AbortSignal): Promise<readonly string[]> {
    if (this.#mode !== 'logs') return [];
    const dead =
      (pod.status?.initContainerStatuses ?? []).find(hasFailed) ??
      (pod.status?.containerStatuses ?? []).find(
        (status) => status.state?.terminated !== undefined || status.lastState?.terminated !== undefined,
      );
    if (dead === undefined) return [];
    const previous = dead.state?.terminated === undefined;
    const key = `${pod.metadata?.uid} ${dead.name} ${dead.restartCount} ${previous}`;
    const known = this.#logs.get(key);
    if (known !== undefined) return known;
    const path = paths.podLog(this.#namespace, pod.metadata?.name ?? '');
    const query = { container: dead.name, previous: String(previous), tailLines: String(logLinesMax), limitBytes: String(logBytesMax) };
    const text = await this.#client.getText(path, { query, signal, timeoutMs: requestTimeoutMs }).catch(() => '');
    const lines = text === '' ? [] : [`last log lines of container ${dead.name}:`, ...text.trimEnd().split('\n')];
    if (lines.length > 0) this.#logs.set(key, lines);
    return lines;
  }
}

function isWell(pod: RawPod): boolean {
  if (pod.metadata?.deletionTimestamp !== undefined) return true;
  const ready = pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  return ready && (pod.status?.containerStatuses ?? []).every((status) => status.restartCount === 0);
}

type RawContainerStatus = NonNullable<NonNullable<RawPod['status']>['containerStatuses']>[number];

/** An init container that has ended well says nothing about the pod. */
function hasFailed({ state, lastState, ready }: RawContainerStatus): boolean {
  return !ready && ((state?.terminated?.exitCode ?? 0) !== 0 || (lastState?.terminated?.exitCode ?? 0) !== 0);
}

function isPullFailure(event: RawEvent): boolean {
  return event.reason === 'Failed' && (event.message ?? '').startsWith('Failed to pull image');
}

/** Timestamps have a resolution of a second; within it, the one that began earlier, or was stored earlier, comes first. */
function inOrder(a: RawEvent, b: RawEvent): number {
  const keys = (event: RawEvent): readonly string[] => [
    timeOf(event),
    event.firstTimestamp ?? '',
    (event.metadata.resourceVersion ?? '').padStart(20, '0'),
  ];
  return keys(a).join(' ') < keys(b).join(' ') ? -1 : 1;
}

function timeOf(event: RawEvent): string {
  return event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? '';
}

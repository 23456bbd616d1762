import type { Sandbox } from '../sandbox/sandbox.ts';
import { backPhase, type Release } from './release.ts';
import { colourOf, count, namespace, ratePerSecond, seconds, versionOf } from './scene.ts';
import { type Line, lengthOf, padTo, type Span, type Style, span, wrap } from './styled.ts';
import type { TrafficMeter } from './traffic-meter.ts';

const labelColumns = 10;
const columnsMax = 100;
const numbersColumns = 26;
const canaryLabel = 'gated-rollout.github.io/track';
const podMarks = { ready: '●', starting: '○', ending: '◌' } as const;
const levels = [...'▁▂▃▄▅▆▇█'];
// The height of the sparkline; more errors than this in a quarter of a second look the same.
const errorsAtTop = 40;
const steps: readonly (readonly [start: string, name: string])[] = [
  ['Plan', 'plan'],
  ['Arm', 'dead-man'],
  ['Fence', 'fence'],
  ['Step 1', '20 %'],
  ['Step 2', '50 %'],
  ['Promote', 'promote'],
  ['Clean up', 'clean up'],
];

/** The cluster and its clients at one moment; as many lines whatever happens, so that nothing below moves. */
export function drawPicture(sandbox: Sandbox, release: Release, meter: TrafficMeter, columns: number): readonly Line[] {
  const width = Math.min(columns, columnsMax);
  const elapsed = seconds((release.endedAtMs ?? sandbox.now()) - release.startedAtMs);
  return [
    drawRule(`${release.previous} → ${release.tag}`, elapsed, width),
    labelled('step', drawSteps(release)),
    labelled('web', drawPods(sandbox, false)),
    labelled('canary', drawPods(sandbox, true)),
    ...[release.previous, release.tag].map((version) => drawTraffic(version, meter, width)),
    labelled('errors', drawErrors(meter, width)),
    ...drawSentence(release, width),
  ];
}

function drawRule(title: string, time: string, width: number): Line {
  const left = `── ${title} `;
  const right = ` ${time} ──`;
  return [span(`${left}${'─'.repeat(Math.max(0, width - left.length - right.length))}${right}`, { weight: 'dim' })];
}

function labelled(label: string, line: Line): Line {
  return [span(` ${label}`.padEnd(labelColumns), { weight: 'dim' }), ...line];
}

function drawSteps({ phases, verdict }: Release): Line {
  const isBack = phases.some((phase) => phase.startsWith(backPhase));
  const last = steps.findLastIndex(([start]) => phases.some((phase) => phase.startsWith(start)));
  const names = steps.map(([, name], index): Span => {
    const isNow = index === last && verdict === undefined && !isBack;
    if (isNow) return span(`▸ ${name}`, { weight: 'bold' });
    return index <= last ? span(name, { colour: 'green' }) : span(name, { weight: 'dim' });
  });
  const shown = isBack ? [...names.slice(0, last + 1), span('✖ taken back', { colour: 'red', weight: 'bold' })] : names;
  return shown.flatMap((name, index) => (index === 0 ? [name] : [span(' › ', { weight: 'dim' }), name]));
}

function drawPods(sandbox: Sandbox, isCanary: boolean): Line {
  const byVersion = new Map<string, (keyof typeof podMarks)[]>();
  for (const pod of sandbox.list('pods', namespace)) {
    if ((pod.metadata.labels?.[canaryLabel] === 'canary') !== isCanary) continue;
    const version = versionOf(pod.spec.containers[0]?.image ?? '');
    const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
    const mark = pod.metadata.deletionTimestamp !== undefined ? 'ending' : isReady ? 'ready' : 'starting';
    byVersion.set(version, [...(byVersion.get(version) ?? []), mark]);
  }
  if (byVersion.size === 0) return [span('none', { weight: 'dim' })];
  return [...byVersion]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([version, pods]) => [
      span(`${version} `, { colour: colourOf(version) }),
      ...pods.sort(byReadiness).map((mark) => span(podMarks[mark], mark === 'ending' ? { weight: 'dim' } : { colour: colourOf(version) })),
      span('   '),
    ]);
}

function byReadiness(a: keyof typeof podMarks, b: keyof typeof podMarks): number {
  const order = Object.keys(podMarks);
  return order.indexOf(a) - order.indexOf(b);
}

function drawTraffic(version: string, meter: TrafficMeter, width: number): Line {
  const { answered, failed } = meter.rate(version);
  const columns = Math.max(8, width - labelColumns - numbersColumns);
  const bar = '█'.repeat(Math.min(columns, Math.round((answered / ratePerSecond) * columns)));
  const style: Style = { colour: colourOf(version) };
  const errors =
    failed === 0 ? [] : [span(`${count(failed)} error${failed === 1 ? '' : 's'}/s`.padStart(16), { colour: 'red', weight: 'bold' })];
  return labelled(`to ${version}`, [...padTo([span(bar, style)], columns), span(`${count(answered)}/s`.padStart(8)), ...errors]);
}

function drawErrors(meter: TrafficMeter, width: number): Line {
  const columns = Math.max(8, width - labelColumns - numbersColumns);
  const bars = meter
    .errorHistory()
    .slice(-columns)
    .map((errors) => levels[Math.min(levels.length - 1, Math.ceil((errors / errorsAtTop) * (levels.length - 1)))] ?? '')
    .join('');
  const { failed } = meter.total();
  const seen = span(`  ${count(failed)} that clients saw`, failed > 0 ? { weight: 'bold' } : { weight: 'dim' });
  return [...padTo([span(bars, { colour: 'red' })], columns), seen];
}

function drawSentence({ sentence, verdict }: Release, width: number): readonly Line[] {
  const rows = width < columnsMax - 1 ? 3 : 2;
  const style: Style =
    verdict === undefined ? {} : verdict === 'good' ? { colour: 'green', weight: 'bold' } : { colour: 'red', weight: 'bold' };
  const wrapped = wrap([span(sentence, style)], width - labelColumns, 0);
  const shown = wrapped.slice(0, rows);
  while (shown.length < rows) shown.push([]);
  return shown.map((line, index) => (lengthOf(line) === 0 && index > 0 ? line : labelled(index === 0 ? 'verdict' : '', line)));
}

import type { Sandbox } from '../sandbox/sandbox.ts';
import { namespace } from './scene.ts';

const colours: Readonly<Record<string, number>> = { v1: 36, v2: 32, v3: 33 };
const barWidth = 32;

/** The cluster at one moment, as lines: the pods, and who answered the clients in the last second. */
export function drawPicture(sandbox: Sandbox, coloured: boolean): readonly string[] {
  const paint = (code: number, text: string): string => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
  return [paint(2, '─'.repeat(72)), `pods     ${drawPods(sandbox, paint)}`, ...drawTraffic(sandbox, paint)];
}

type Paint = (code: number, text: string) => string;

function drawPods(sandbox: Sandbox, paint: Paint): string {
  const pods = sandbox.list('pods', namespace).map((pod) => {
    const version = versionOf(pod.spec.containers[0]?.image ?? '');
    const ready = pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
    const ending = pod.metadata.deletionTimestamp !== undefined;
    const canary = pod.metadata.labels?.['gated-rollout.github.io/track'] === 'canary';
    const mark = ending ? '·' : ready ? '●' : '○';
    return {
      order: `${canary ? 1 : 0}${version}`,
      text: paint(ending ? 2 : (colours[version] ?? 0), `${mark}${canary ? 'canary ' : ''}${version}`),
    };
  });
  return pods
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map((entry) => entry.text)
    .join(' ');
}

function drawTraffic(sandbox: Sandbox, paint: Paint): readonly string[] {
  const second = Math.floor(sandbox.now() / 1000) - 1;
  const stats = sandbox.traffic.clientStats();
  const now = stats.bySecond.filter((entry) => entry.second === second);
  const total = now.reduce((sum, entry) => sum + entry.ok + entry.failed, 0);
  const versions = Object.keys(stats.byVersion).sort();
  return versions.map((version) => {
    const entry = now.find((one) => one.version === version) ?? { ok: 0, failed: 0 };
    const answered = entry.ok + entry.failed;
    const share = total === 0 ? 0 : answered / total;
    const bar = '█'.repeat(Math.round(share * barWidth)).padEnd(barWidth);
    const errors = entry.failed === 0 ? '' : paint(31, `  ${entry.failed} errors/s`);
    const all = stats.byVersion[version]?.failed ?? 0;
    return `${version.padEnd(8)} ${paint(colours[version] ?? 0, bar)} ${String(answered).padStart(4)}/s${errors}${all > 0 ? paint(2, `  (${all} in all)`) : ''}`;
  });
}

function versionOf(image: string): string {
  return image.slice(image.lastIndexOf(':') + 1);
}

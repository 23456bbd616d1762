import { formatAge } from '../rollout/explain/format-age.ts';
import type { Report } from '../rollout/explain/report.ts';
import type { Revision } from '../rollout/history/revisions.ts';
import { describeStatus } from '../rollout/situation/status.ts';
import { cell, code, table } from './summary-table.ts';

/** Whether the command released, or tried to: only then strategy and judge mean something. */
export function isRelease({ command }: Report): boolean {
  return command === 'deploy' || command === 'plan' || command === 'rollback';
}

/** What `command: status` found, as a list. */
export function statusSection({ status }: Report, rows: number): string {
  if (status === undefined) return '';
  return [
    '### Status',
    '',
    ...describeStatus(status)
      .slice(0, rows)
      .map((line) => `- ${cell(line)}`),
  ].join('\n');
}

/** What `command: history` found, as a table. */
export function historySection({ revisions }: Report, rows: number): string {
  const lines = (revisions ?? []).map((revision) => [
    `${revision.revision}${revision.current ? ' (current)' : ''}`,
    imagesOf(revision),
    String(revision.replicas),
    formatAge(revision.ageMs),
    revision.changeCause === undefined ? '' : cell(revision.changeCause),
    revision.commit === undefined ? '' : code(revision.commit),
    linkOf(revision.run),
    revision.actor === undefined ? '' : cell(revision.actor),
  ]);
  return table('Revisions', ['revision', 'images', 'pods', 'age', 'change-cause', 'commit', 'run', 'by'], lines, rows);
}

/** How the release of a run that is dead ended in our hands. */
export function earlierSection({ earlier }: Report): string {
  if (earlier === undefined) return '';
  const { outcome, images, actor, runUrl } = earlier;
  const released = images.map((image) => `${cell(image.container)}: ${code(image.from)} → ${code(image.to)}`).join(', ');
  const run = linkOf(runUrl) || cell(runUrl);
  return [
    '### The release of an earlier run',
    '',
    `A run of ${cell(actor)} (${run}) died in its promotion (${released}); its record was taken over: ${code(outcome.result)}, ${code(outcome.reason)}. ${cell(outcome.because)}`,
  ].join('\n');
}

function imagesOf({ images }: Revision): string {
  return images.map(({ container, image }) => `${cell(container)} ${code(image)}`).join('<br>');
}

/** A link only where the text is nothing but an address. */
function linkOf(url: string | undefined): string {
  if (url === undefined) return '';
  return /^https?:\/\/[\w.:/-]{1,300}$/u.test(url) ? `[run](${url})` : code(url);
}

import { formatAge } from '../explain/format-age.ts';
import type { Revision } from './revisions.ts';

const imageLengthMax = 120;
const causeLengthMax = 200;

/** The revisions as an aligned table, the header first. Texts are bounded and on one line, and still untrusted. */
export function describeHistory(revisions: readonly Revision[]): readonly string[] {
  const rows = [['revision', 'images', 'pods', 'age', 'change-cause'], ...revisions.map(cellsOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** One revision as the cells of a row. */
function cellsOf({ revision, current, images, replicas, ageMs, changeCause }: Revision): string[] {
  return [
    `${revision}${current ? ' (current)' : ''}`,
    images.map(({ container, image }) => oneLine(`${container}=${image}`, imageLengthMax)).join(' '),
    String(replicas),
    formatAge(ageMs),
    changeCause === undefined ? '-' : oneLine(changeCause, causeLengthMax),
  ];
}

function oneLine(text: string, lengthMax: number): string {
  const line = text.replaceAll(/\s+/gu, ' ').trim();
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax - 1)}…`;
}

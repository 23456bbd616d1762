import { parseImageReference } from '../plan/image-reference.ts';
import type { ImageChange } from '../spec.ts';
import type { FieldChange } from './field-change.ts';

/** What the annotation is made of where no text of its own is given. */
export type CauseContext = {
  /** The input `change-cause`. */
  readonly text: string | undefined;
  /** The whole commit SHA. */
  readonly commit: string | undefined;
  readonly runUrl: string | undefined;
  readonly actor: string | undefined;
};

export const causeLengthMax = 256;
const shortCommit = 7;
const shortDigest = 12;

/**
 * One line, 256 characters at most, as `kubectl rollout history` shows it: `image web:v2, commit abc1234, run https://…, by alice`. What is
 * not known is left out; where it is too long, what changed is cut, and run and commit stay whole.
 */
export function describeCause(context: CauseContext, images: readonly ImageChange[], configuration: readonly FieldChange[]): string {
  const { commit, runUrl, actor } = context;
  const own = context.text === undefined ? '' : oneLine(context.text);
  if (own !== '') return cut(own, causeLengthMax);
  const origin = [
    ...(commit === undefined || commit === '' ? [] : [`commit ${commit.slice(0, shortCommit)}`]),
    ...(runUrl === undefined || runUrl === '' ? [] : [`run ${runUrl}`]),
    ...(actor === undefined || actor === '' ? [] : [`by ${actor}`]),
  ];
  const what = [
    ...(images.length === 0 ? [] : [`image ${images.map((change) => shortImage(change.to)).join(' ')}`]),
    ...(configuration.length === 0 ? [] : [`configuration ${[...new Set(configuration.map(shortField))].join(' ')}`]),
  ];
  const tail = oneLine(origin.join(', '));
  const room = causeLengthMax - (tail === '' ? 0 : tail.length + 2);
  const head = room < 16 ? '' : cut(oneLine(what.join(', ')), room);
  return cut([head, tail].filter((part) => part !== '').join(', '), causeLengthMax);
}

/** `web:v2` of `ghcr.io/acme/web:v2`; of a digest its first digits. */
function shortImage(image: string): string {
  const reference = parseImageReference(image);
  if ('problem' in reference) return image;
  const name = reference.repository.split('/').at(-1) ?? '';
  if (reference.tag !== undefined) return `${name}:${reference.tag}`;
  return reference.digest === undefined ? name : `${name}@${reference.digest.slice(0, 'sha256:'.length + shortDigest)}`;
}

/** `variable MODE of container app` is MODE, `ConfigMap web in volume config` is web. */
function shortField({ what }: FieldChange): string {
  return what.replace(/^(?:variables?|ConfigMap) /u, '').replace(/ (?:of container|in) .*$/u, '');
}

function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, ' ')
    .replaceAll(/ {2,}/gu, ' ')
    .trim();
}

function cut(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  return `${text.slice(0, lengthMax - 1).replace(/[\uD800-\uDBFF]$/u, '')}…`;
}

import { isDigest, isTag, parseImageReference } from '../rollout/plan/image-reference.ts';
import type { ImageRequest } from '../rollout/spec.ts';
import type { InputReader } from './input-reader.ts';
import { parseList, repeatedOf } from './lists.ts';
import { isLabel } from './names.ts';
import { type Parsed, quoted } from './parsed.ts';

const validTag = 'valid is a tag or a digest, for example v1.2.3 or sha256: and 64 hexadecimal digits';
const validImage = 'valid is one reference, for example ghcr.io/acme/web:v2, or lines container=reference';
const nothing: ImageRequest = { kind: 'tag', tag: '', containers: [] };

/** `tag` or `image`, and `containers`: which image goes where. None of them where `env` or `config-maps` is all that changes. */
export function readImageRequest(reader: InputReader): ImageRequest {
  const containers = reader.parseOr('containers', parseContainers, []);
  const hasTag = reader.isGiven('tag');
  if (!hasTag && !reader.isGiven('image') && (reader.isGiven('env') || reader.isGiven('config-maps'))) return { kind: 'none', containers };
  if (hasTag === reader.isGiven('image')) {
    reader.reject(
      'tag',
      hasTag
        ? 'tag and image are both given; valid is one of them'
        : 'tag or image is required; one of them says what to release (or env or config-maps, where configuration alone changes)',
    );
    return nothing;
  }
  if (hasTag) return { kind: 'tag', tag: reader.parseOr('tag', parseTag, ''), containers };
  const request = reader.parseOr('image', (text) => parseImage(text, containers), nothing);
  if (request.kind === 'by-container' && containers.length > 0) {
    reader.reject('containers', 'image names the containers already; valid is one of the two');
  }
  return request;
}

/** For commands that take no image: a rollback asks for containers only, the others for nothing. */
export function readNoImage(reader: InputReader, command: string): ImageRequest {
  for (const name of ['tag', 'image'] as const) {
    if (reader.isGiven(name)) reader.reject(name, `command: ${command} takes none; leave it out`);
  }
  return { kind: 'tag', tag: '', containers: command === 'rollback' ? reader.parseOr('containers', parseContainers, []) : [] };
}

function parseTag(text: string): Parsed<string> {
  if (isTag(text) || isDigest(text)) return { value: text };
  if (/[/@]/u.test(text)) return { problem: `${quoted(text)} looks like a whole reference: that is the input image; ${validTag}` };
  return { problem: `${quoted(text)} is not a tag; ${validTag}` };
}

function parseContainers(text: string): Parsed<readonly string[]> {
  const names = parseList(text);
  const bad = names.find((name) => !isLabel(name));
  if (bad !== undefined)
    return { problem: `${quoted(bad)} is not the name of a container; valid are names one a line or by commas, for example web, proxy` };
  const [repeated] = repeatedOf(names);
  if (repeated !== undefined) return { problem: `${quoted(repeated)} stands there twice; name each container once` };
  return { value: names };
}

function parseImage(text: string, containers: readonly string[]): Parsed<ImageRequest> {
  const items = parseList(text);
  const [only] = items;
  if (only === undefined) return { problem: `there is no image; ${validImage}` };
  if (items.some((item) => item.includes('='))) return parseImagesByContainer(items);
  if (items.length > 1) return { problem: `${items.length} references, and no word on which container gets which; ${validImage}` };
  const reference = parseImageReference(only);
  return 'problem' in reference ? reference : { value: { kind: 'image', image: only, containers } };
}

function parseImagesByContainer(items: readonly string[]): Parsed<ImageRequest> {
  const images = new Map<string, string>();
  for (const item of items) {
    const equals = item.indexOf('=');
    const container = item.slice(0, Math.max(equals, 0)).trim();
    const image = item.slice(equals + 1).trim();
    if (!isLabel(container)) return { problem: `${quoted(item)} does not begin with the name of a container; ${validImage}` };
    if (images.has(container)) return { problem: `${quoted(container)} stands there twice; name each container once` };
    const reference = parseImageReference(image);
    if ('problem' in reference) return reference;
    images.set(container, image);
  }
  return { value: { kind: 'by-container', images: Object.fromEntries(images) } };
}

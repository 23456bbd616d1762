/** An image as a registry knows it. `repository` keeps the registry exactly as it was written. */
export type ImageReference = {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
};

// The grammar of the container runtimes (distribution/reference). The API server accepts anything, " nginx" too; the node does not.
const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/u;
const tagPattern = /^\w[\w.-]{0,127}$/u;
const pathPartPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/u;
const hostPartPattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/u;
const ipv6Pattern = /^\[[0-9a-fA-F:]+\]$/u;
const bareDigestPattern = /^[0-9a-f]{64}$/u;
const repositoryLengthMax = 255;
const shownMax = 80;

/** Reads `registry:5000/team/app:v1@sha256:…`; says what is wrong instead of throwing. */
export function parseImageReference(text: string): ImageReference | { readonly problem: string } {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  // A colon before the last slash belongs to the registry's port.
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  const repository = hasTag ? named.slice(0, colon) : named;
  const problem = problemOf(repository, tag, digest);
  if (problem !== undefined) return { problem: `"${shorten(text)}" is not an image reference: ${problem}` };
  return { repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The same repository with another tag or digest; what it had before is dropped, a digest beside a new tag would win over it. */
export function withTag(reference: ImageReference, tagOrDigest: string): string {
  return `${reference.repository}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`;
}

/** The text of a reference: the opposite of parseImageReference. */
export function formatImageReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.repository}${tag}${digest}`;
}

/** Whether the text is a tag that a registry could have. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether the text is a whole digest, `sha256:` and 64 hexadecimal digits. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

function problemOf(repository: string, tag: string | undefined, digest: string | undefined): string | undefined {
  if (/\s/u.test(repository)) return 'it has a space';
  if (repository === '') return 'the name of the image is missing';
  if (repository.length > repositoryLengthMax) return `the name is longer than ${repositoryLengthMax} characters`;
  if (bareDigestPattern.test(repository)) return 'a digest alone names no image';
  if (digest !== undefined && !isDigest(digest)) return 'the digest is not sha256: and 64 hexadecimal digits in lower case';
  if (tag !== undefined && !isTag(tag))
    return 'a tag has letters, digits, "_", "." and "-" (128 at most) and begins with none of the last two';
  const parts = repository.split('/');
  const first = parts[0] ?? '';
  if (parts.length > 1 && isRegistry(first)) {
    if (!isHost(first)) return `"${shorten(first)}" is not a registry (a host name, and a port where it has one)`;
    parts.shift();
  }
  const bad = parts.find((part) => !pathPartPattern.test(part));
  if (bad === undefined) return undefined;
  if (bad === '') return 'there is nothing before, after or between slashes';
  return `"${shorten(bad)}" has more than lower case letters, digits and single separators (".", "_", "-")`;
}

/** The runtimes' rule: a first part with a dot, a port or an upper case letter is a registry; so is localhost. */
function isRegistry(part: string): boolean {
  return part === 'localhost' || /[.:A-Z]/u.test(part);
}

function isHost(text: string): boolean {
  const port = /^(.*?)(?::(\d{1,5}))?$/su.exec(text);
  const host = port?.[1] ?? '';
  return ipv6Pattern.test(host) || host.split('.').every((part) => hostPartPattern.test(part));
}

function shorten(text: string): string {
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}

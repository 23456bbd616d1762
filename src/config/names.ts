import { type Parsed, quoted } from './parsed.ts';

const labelPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/u;
const subdomainMax = 253;

/** A name of a namespace, a Service or a container. */
export function isLabel(text: string): boolean {
  return labelPattern.test(text);
}

/** The name of a namespace. */
export function parseNamespace(text: string): Parsed<string> {
  if (isLabel(text)) return { value: text };
  return { problem: `${quoted(text)} is not a namespace; valid are 63 lower case letters, digits and "-" at most, for example shop` };
}

/** The name of a Deployment, without its kind. */
export function parseDeploymentName(text: string): Parsed<string> {
  if (text.length <= subdomainMax && text.split('.').every(isLabel)) return { value: text };
  const kind = /^(?:deployments?(?:\.apps)?|deploy)\/(.+)$/u.exec(text)?.[1];
  if (kind !== undefined) return { problem: `${quoted(text)} has a kind before the name; give the name alone: ${quoted(kind)}` };
  return { problem: `${quoted(text)} is not the name of a Deployment; valid are lower case letters, digits, "-" and ".", for example web` };
}

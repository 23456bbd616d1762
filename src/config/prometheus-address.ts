import type { PrometheusAddress } from './config.ts';
import { isLabel } from './names.ts';
import type { Parsed } from './parsed.ts';

const servicePrefix = 'service://';
const servicePattern = /^([^/]+)\/(?:(https?):)?([^/:]+):([^/:]+)\/?$/u;
const portNamePattern = /^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/u;
const validUrl = 'valid is an address like https://prometheus.example.com or service://monitoring/prometheus:9090';
const validService = 'valid is service://NAMESPACE/NAME:PORT, for example service://monitoring/prometheus:9090';

/** An address of Prometheus. No problem repeats the text: it may hold a password. */
export function parsePrometheusAddress(text: string): Parsed<PrometheusAddress> {
  return text.startsWith(servicePrefix) ? parseService(text.slice(servicePrefix.length)) : parseUrl(text);
}

/** `NAMESPACE/NAME:PORT`; `https:` before the name as in the API server's own proxy paths. */
function parseService(text: string): Parsed<PrometheusAddress> {
  const [, namespace = '', scheme, name = '', port = ''] = servicePattern.exec(text) ?? [];
  if (!isLabel(namespace) || !isLabel(name) || !isPort(port)) return { problem: `this is not a Service; ${validService}` };
  return { value: { kind: 'service', namespace, name, port, scheme: scheme === 'https' ? 'https' : 'http' } };
}

function parseUrl(text: string): Parsed<PrometheusAddress> {
  const url = /^https?:\/\/\S+$/iu.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return { problem: `this is not an address; ${validUrl}` };
  if (url.username !== '' || url.password !== '')
    return { problem: `an address with a user or a password would end up in logs; ${validUrl}` };
  if (text.includes('?') || text.includes('#')) return { problem: `an address has no query and no fragment; ${validUrl}` };
  if (isLinkLocal(url.hostname)) return { problem: `this is a link-local address, where clouds keep credentials; ${validUrl}` };
  return { value: { kind: 'url', url: url.href.replace(/\/+$/u, '') } };
}

function isPort(text: string): boolean {
  if (!/^\d+$/u.test(text)) return portNamePattern.test(text);
  return text.length <= 5 && Number(text) >= 1 && Number(text) <= 65_535;
}

function isLinkLocal(hostname: string): boolean {
  return hostname.startsWith('169.254.') || /^\[fe[89ab]/u.test(hostname) || /^\[::ffff:a9fe:/u.test(hostname);
}

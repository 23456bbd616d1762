import { BlockList, isIP } from 'node:net';
import type { Environment } from './exec-credential.ts';

/** The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for a server, as kubectl understands them; the client library ignores them. */
export function proxyFromEnvironment(server: URL, env: Environment): string | undefined {
  const proxy = server.protocol === 'https:' ? env['HTTPS_PROXY'] || env['https_proxy'] : env['HTTP_PROXY'] || env['http_proxy'];
  if (!proxy || isExempt(server, env['NO_PROXY'] || env['no_proxy'] || '')) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isExempt(server: URL, noProxy: string): boolean {
  const host = server.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return true;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const entries = noProxy.split(',').map((entry) => entry.trim().toLowerCase());
  return entries.some((entry) => entry !== '' && (entry === '*' || matches(entry, host, port)));
}

function matches(entry: string, host: string, port: string): boolean {
  const [network, bits] = entry.split('/');
  if (bits !== undefined) return isWithin(host, network ?? '', Number(bits));
  if (isIP(entry) !== 0) return entry === host;
  const [, name = '', entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (entryPort !== undefined && entryPort !== port) return false;
  if (isIP(host) !== 0) return name === host;
  // `.example.com` and `*.example.com` mean what is below it, `example.com` means itself as well.
  const domain = name.replace(/^\*/, '');
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function isWithin(host: string, network: string, bits: number): boolean {
  const family = isIP(host);
  if (family === 0 || isIP(network) !== family || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, bits, type);
  return list.check(host, type);
}

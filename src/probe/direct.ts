import { Agent, request } from 'undici';
import type { ProbeAnswer } from '../rollout/probe-tally.ts';

export type Asker = {
  /** Asks once. */
  ask(signal: AbortSignal): Promise<ProbeAnswer>;
  /** What it means where no answer comes in time. */
  readonly late: 'unanswered' | 'unknown';
};

const connectTimeoutMs = 2_000;
const bodyBytesMax = 262_144;

/** Each question on a connection of its own, so that it meets what a new client meets; redirects are answers. */
export function directly(address: string): Asker {
  const url = new URL(address);
  const headers: Record<string, string> = { 'user-agent': 'gated-rollout-probe', connection: 'close' };
  if (url.username !== '' || url.password !== '') headers['authorization'] = basicOf(url);
  url.username = '';
  url.password = '';
  const ask = async (signal: AbortSignal): Promise<ProbeAnswer> => {
    const dispatcher = new Agent({ allowH2: false, pipelining: 0, connections: 1, connectTimeout: connectTimeoutMs });
    try {
      const { statusCode, body } = await request(url, { method: 'GET', headers, dispatcher, signal });
      let bytes = 0;
      for await (const chunk of body) {
        bytes += (chunk as Uint8Array).byteLength;
        // It answers: the rest of a large body says nothing more. Leaving the loop ends the connection.
        if (bytes > bodyBytesMax) break;
      }
      return { kind: 'answered', status: statusCode };
    } catch (error) {
      return { kind: 'unanswered', why: `no answer (${codeOf(error)})` };
    } finally {
      await dispatcher.destroy().catch(() => undefined);
    }
  };
  return { ask, late: 'unanswered' };
}

function basicOf(url: URL): string {
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

/** A code, never a message: messages may repeat the address. */
function codeOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return 'unknown';
  const code = (first as Error & { readonly code?: unknown }).code;
  return typeof code === 'string' && code !== '' ? code : first.name;
}

import { messageOf } from '../errors.ts';
import type { ProbeAnswer } from '../rollout/probe-tally.ts';
import type { Asker } from './direct.ts';

/** One GET through the API server, never sent again, whatever its status; throws where no answer came. */
export type FetchOnce = (signal: AbortSignal) => Promise<{ readonly status: number; readonly text: string }>;

// What the API server says for a Service without a ready endpoint (pkg/registry/core/service/storage, ResourceLocation).
const noEndpoints = 'no endpoints available for service';

/**
 * A Service through the API server's proxy. Only what came from the application, or the API server's word that the Service has no
 * endpoint, says something about the application; everything else is not known.
 */
export function throughApi(fetchOnce: FetchOnce): Asker {
  return {
    late: 'unknown',
    async ask(signal) {
      try {
        return judge(await fetchOnce(signal));
      } catch (error) {
        return { kind: 'unknown', why: `the API server: ${messageOf(error)}` };
      }
    },
  };
}

function judge({ status, text }: { readonly status: number; readonly text: string }): ProbeAnswer {
  const said = status >= 400 ? statusMessage(text) : undefined;
  if (said === undefined) return { kind: 'answered', status };
  if (said.includes(noEndpoints)) return { kind: 'unanswered', why: 'the Service has no ready endpoint' };
  return { kind: 'unknown', why: `the API server answered ${status}: ${said}` };
}

/** The message of a `kind: Status`, which is the API server's own answer; undefined for any other. */
function statusMessage(text: string): string | undefined {
  try {
    const body = JSON.parse(text) as { readonly kind?: unknown; readonly apiVersion?: unknown; readonly message?: unknown } | null;
    if (body?.kind !== 'Status' || body.apiVersion !== 'v1') return undefined;
    return typeof body.message === 'string' ? body.message.slice(0, 200) : '';
  } catch {
    return undefined;
  }
}

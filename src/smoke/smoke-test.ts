import { type ChildProcess, spawn } from 'node:child_process';
import type { Plan } from '../rollout/plan/plan.ts';
import type { SmokeResult } from '../rollout/state.ts';
import type { PreviewRelay, SmokeTest } from '../runner/ports.ts';
import { openPreviewForwarder, type PreviewForwarder } from './preview-forwarder.ts';

export type SmokeTestOptions = {
  readonly relayTo: (plan: Plan) => PreviewRelay;
  /** Of this process: what the command gets of it is decided here. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

const outputBytesMax = 8_192;
const linesMax = 20;
// Inputs (kubeconfig, tokens), what this step keeps for its post step, and the runner's own tokens.
const hidden = /^(?:INPUT_|STATE_|ACTIONS_|KUBECONFIG$|GITHUB_STATE$|GITHUB_TOKEN$)/u;

/** The user's command, in a process group of its own, once for each rollout. */
export function createSmokeTest(options: SmokeTestOptions): SmokeTest {
  let state: ReturnType<SmokeTest['read']>;
  let child: ChildProcess | undefined;
  let forwarder: PreviewForwarder | undefined;
  let timer: NodeJS.Timeout | undefined;
  const closing = new AbortController();

  async function stop(): Promise<void> {
    clearTimeout(timer);
    killGroup(child);
    closing.abort();
    await forwarder?.close();
    forwarder = undefined;
  }

  function settle(result: SmokeResult): void {
    if (state?.kind !== 'running') return;
    state = result;
    void stop();
  }

  return {
    read: () => state,
    stop,
    async start(plan) {
      const command = plan.spec.smokeTest;
      if (command === undefined || state !== undefined) return;
      state = { kind: 'running' };
      const limitMs = plan.spec.readyTimeoutMs;
      forwarder = await openPreviewForwarder(options.relayTo(plan), closing.signal);
      child = spawn('bash', ['-c', command], {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...visible(options.env), ...previewOf(plan, forwarder.url) },
      });
      const lines = collect(child);
      timer = setTimeout(() => {
        settle({ kind: 'unknown', because: `the smoke test did not end within ${limitMs / 1000} s`, evidence: lines() });
      }, limitMs);
      child.on('error', (error) =>
        settle({ kind: 'unknown', because: `the smoke test could not be started: ${error.message}`, evidence: [] }),
      );
      child.on('close', (code, signal) => settle(resultOf(code, signal, lines())));
    },
  };
}

function resultOf(code: number | null, signal: NodeJS.Signals | null, evidence: readonly string[]): SmokeResult {
  if (code === 0) return { kind: 'passed', because: 'the smoke test passed', evidence: [] };
  if (code === null) return { kind: 'unknown', because: `the smoke test was ended by ${signal ?? 'nobody knows what'}`, evidence };
  return { kind: 'failed', because: `the smoke test ended with exit code ${code}`, evidence };
}

function previewOf(plan: Plan, url: string): Readonly<Record<string, string>> {
  return {
    PREVIEW_URL: url,
    PREVIEW_NAMESPACE: plan.target.namespace,
    PREVIEW_SERVICE: plan.names.preview,
    PREVIEW_PORT: String(plan.blueGreen?.preview.ports[0]?.port ?? ''),
  };
}

function visible(env: SmokeTestOptions['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.test(name)));
}

/** The last lines of both streams, in the order in which they came. */
function collect(child: ChildProcess): () => readonly string[] {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      text = `${text}${chunk}`.slice(-outputBytesMax);
    });
  }
  return () => {
    const lines = text.trimEnd().split('\n').slice(-linesMax);
    return text.trim() === '' ? [] : ['last lines of the smoke test:', ...lines];
  };
}

/** With everything that it has started. */
function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

import { randomUUID } from 'node:crypto';
import { getInput, getState, saveState } from '@actions/core';
import type { PrometheusAddress } from './config/config.ts';
import { asksForReplay, parseReplayInputs } from './config/replay-inputs.ts';
import { type Connection, connect } from './connect.ts';
import { UserError } from './errors.ts';
import { exitCodeOf, renderOutputs, writeOutputs } from './github/outputs.ts';
import { renderSummary } from './github/summary.ts';
import { appendSummary } from './github/summary-file.ts';
import { post } from './post.ts';
import { refusedReplay, replayStep } from './replay.ts';
import { gateNumbers } from './rollout/gate-numbers.ts';
import type { Report } from './rollout/report.ts';
import { type ReleaseEnd, release } from './runner/deploy.ts';
import type { Reporter } from './runner/ports.ts';
import { SampleFile } from './sample-file.ts';
import { consoleReporter } from './terminal.ts';

/** Entry point of both steps of the action: the release, and what is left of it afterwards. */
async function main(): Promise<void> {
  const isPost = getState('is-post') === 'true';
  saveState('is-post', 'true');
  const reporter = consoleReporter();
  try {
    if (asksForReplay(getInput)) replay(isPost, reporter);
    else await (isPost ? post(process.env, reporter) : run(reporter));
  } catch (error) {
    reportBug(error, reporter);
  }
}

/** Judges a file; there is nothing to clean up after it. */
function replay(isPost: boolean, reporter: Reporter): void {
  if (isPost) return;
  const startedAtMs = Date.now();
  try {
    publish(replayStep(parseReplayInputs(getInput, Object.keys(process.env)), reporter, startedAtMs), reporter);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    publish(refusedReplay(error, startedAtMs), reporter);
  }
}

async function run(reporter: Reporter): Promise<void> {
  const startedAtMs = Date.now();
  const cancel = listenForCancel(reporter);
  let connection: Connection | undefined;
  let samples: SampleFile | undefined;
  let end: ReleaseEnd;
  try {
    connection = connect(process.env, reporter);
    samples = new SampleFile(process.env, connection.config.deployment);
    end = await releaseWith(connection, reporter, samples, cancel);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    end = {
      outcome: { result: 'refused', reason: error.code, because: error.message, evidence: error.hint.trimEnd().split('\n') },
      images: [],
      plan: undefined,
      rollout: undefined,
    };
  } finally {
    await connection?.close();
  }
  saveState('finished', 'true');
  publish({ ...reportOf(end, connection, startedAtMs), samples: samples?.path }, reporter);
}

async function releaseWith(connection: Connection, reporter: Reporter, samples: SampleFile, cancel: AbortSignal): Promise<ReleaseEnd> {
  const { config, cluster, metrics, clock, context } = connection;
  const holder = { id: randomUUID(), runUrl: context.runUrl ?? 'a run outside of GitHub Actions', actor: context.actor ?? 'somebody' };
  const proxied =
    config.prometheus?.kind === 'service' && config.release.judgedBy === 'metrics'
      ? { namespace: config.prometheus.namespace, nameAndPort: proxiedName(config.prometheus) }
      : undefined;
  const request = {
    command: config.command,
    namespace: connection.namespace,
    deployment: config.deployment,
    images: config.images,
    spec: config.release,
    readinessOnPurpose: config.readinessOnPurpose,
    logs: config.evidence === 'logs',
    proxied,
    holder,
  };
  const remember = (plan: object, jobUid: string): void => saveState('rollout', JSON.stringify({ plan, holder, jobUid }));
  return release(request, { cluster, metrics, reporter, clock, samples, remember }, cancel);
}

/** As the API server's proxy and RBAC spell it: a scheme other than http is part of the name. */
function proxiedName({ scheme, name, port }: Extract<PrometheusAddress, { kind: 'service' }>): string {
  return `${scheme === 'https' ? 'https:' : ''}${name}:${port}`;
}

/** The first signal undoes, with one request; the second one, or the runner's patience, ends the process, and the post step goes on. */
function listenForCancel(reporter: Reporter): AbortSignal {
  const cancel = new AbortController();
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (cancel.signal.aborted) process.exit(exitCode);
      saveState('cancelled', 'true');
      reporter.info(`${signal}: taking the canary back`);
      cancel.abort();
    });
  }
  return cancel.signal;
}

function reportOf(end: ReleaseEnd, connection: Connection | undefined, startedAtMs: number): Report {
  const { plan, rollout } = end;
  return {
    command: connection?.config.command ?? 'deploy',
    target: { namespace: connection?.namespace ?? '', deployment: connection?.config.deployment ?? '' },
    strategy: 'canary',
    judgedBy:
      plan === undefined ? (connection?.config.release.judgedBy ?? 'readiness') : plan.rules === undefined ? 'readiness' : 'metrics',
    images: end.images,
    outcome: end.outcome,
    plannedSteps: plan?.steps ?? [],
    timeline: rollout?.timeline ?? [],
    numbers: gateNumbers(plan?.rules, rollout, end.outcome),
    leftovers: rollout === undefined ? [] : rollout.leftovers,
    runUrl: connection?.context.runUrl,
    startedAtMs,
    endedAtMs: Date.now(),
  };
}

function publish(report: Report, reporter: Reporter): void {
  reporter.outcome(report.outcome);
  writeOutputs(renderOutputs(report));
  appendSummary(process.env['GITHUB_STEP_SUMMARY'], renderSummary(report));
  process.exitCode = exitCodeOf(report.command, report.outcome.result);
}

/** A bug of ours, or a fault before the first write: the cluster is not touched any more, the post step and the dead-man clean up. */
function reportBug(error: unknown, reporter: Reporter): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  reporter.outcome({ result: 'failed', reason: 'internal', because: text, evidence: [] });
  process.exitCode = 1;
}

await main();

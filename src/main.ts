import { randomUUID } from 'node:crypto';
import { getInput, getState, saveState } from '@actions/core';
import type { PrometheusAddress } from './config/config.ts';
import type { ProbeAddress } from './config/probe-address.ts';
import { asksForReplay, parseReplayInputs } from './config/replay-inputs.ts';
import { type Connection, connect } from './connect.ts';
import { UserError } from './errors.ts';
import { exitCodeOf, renderOutputs, writeOutputs } from './github/outputs.ts';
import { renderSummary } from './github/summary.ts';
import { appendSummary } from './github/summary-file.ts';
import { post } from './post.ts';
import { refusedReplay, replayStep } from './replay.ts';
import { reportedFields } from './rollout/configuration/field-change.ts';
import { gateNumbers } from './rollout/explain/gate-numbers.ts';
import type { Earlier, Report } from './rollout/explain/report.ts';
import { describeProbe } from './rollout/probe-tally.ts';
import { downtimeOf } from './rollout/strategies/roll-watch.ts';
import { runCommand } from './runner/commands/command.ts';
import { type ReleaseEnd, release } from './runner/deploy.ts';
import type { Reporter } from './runner/ports.ts';
import type { ReleasePorts } from './runner/release-request.ts';
import { SampleFile } from './sample-file.ts';
import { consoleReporter } from './terminal.ts';

/** Commands whose first signal takes back what they have begun. */
const releases: ReadonlySet<string> = new Set(['', 'deploy', 'plan', 'rollback']);

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
  const cancel = listenForCancel(reporter, releases.has(getInput('command').trim()));
  let earlier: Earlier | undefined;
  const onEarlier = (found: Earlier): void => {
    earlier = found;
  };
  let connection: Connection | undefined;
  let samples: SampleFile | undefined;
  let end: ReleaseEnd;
  try {
    connection = connect(process.env, reporter);
    samples = new SampleFile(process.env, connection.config.deployment);
    end = await runWith(connection, { reporter, onEarlier, samples }, cancel);
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
  publish({ ...reportOf(end, connection, startedAtMs), earlier, samples: samples?.path }, reporter);
}

type Listeners = Pick<ReleasePorts, 'reporter' | 'onEarlier' | 'samples'>;

async function runWith(connection: Connection, listeners: Listeners, cancel: AbortSignal): Promise<ReleaseEnd> {
  const { config, cluster, metrics, smoke, probe, clock, context, namespace } = connection;
  const { command, deployment, release: spec } = config;
  const holder = { id: randomUUID(), runUrl: context.runUrl ?? 'a run outside of GitHub Actions', actor: context.actor ?? 'somebody' };
  const remember = (plan: object, jobUid: string): void => saveState('rollout', JSON.stringify({ plan, holder, jobUid }));
  const ports = { ...listeners, cluster, metrics, smoke, probe, clock, remember };
  const common = { namespace, deployment, spec, logs: config.evidence === 'logs', holder };
  if (command !== 'deploy' && command !== 'plan' && command !== 'rollback') return runCommand({ ...common, command }, ports);
  const proxied =
    config.prometheus?.kind === 'service' && spec.judgedBy === 'metrics'
      ? { namespace: config.prometheus.namespace, nameAndPort: proxiedName(config.prometheus) }
      : undefined;
  const { images, variables, toRevision, readinessOnPurpose } = config;
  const cause = { text: config.changeCause, commit: context.sha, runUrl: context.runUrl, actor: context.actor };
  const configMaps = config.configMaps.length > 0;
  const podsProxy = config.metrics.source === 'pods';
  const metricsIfPossible = config.metrics.source === 'pods-if-possible';
  const judging = { readinessOnPurpose, proxied, podsProxy, metricsIfPossible, probed: probedService(config.probe) };
  return release({ ...common, ...judging, command, images, variables, configMaps, cause, toRevision }, ports, cancel);
}

/** As the API server's proxy and RBAC spell it: a scheme other than http is part of the name. */
function proxiedName({ scheme, name, port }: Pick<Extract<PrometheusAddress, { kind: 'service' }>, 'scheme' | 'name' | 'port'>): string {
  return `${scheme === 'https' ? 'https:' : ''}${name}:${port}`;
}

function probedService(probe: ProbeAddress | undefined): { readonly namespace: string; readonly nameAndPort: string } | undefined {
  return probe?.kind === 'service' ? { namespace: probe.namespace, nameAndPort: proxiedName(probe) } : undefined;
}

/** The first signal undoes, with one request; the second one, or the runner's patience, ends the process, and the post step goes on. */
function listenForCancel(reporter: Reporter, undoes: boolean): AbortSignal {
  const cancel = new AbortController();
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (cancel.signal.aborted) process.exit(exitCode);
      cancel.abort();
      // What only reads, undoes or finishes goes on: to stop half-way would leave more behind.
      if (!undoes) return reporter.info(`${signal}: going on with what was begun; a second signal ends this process`);
      saveState('cancelled', 'true');
      reporter.info(`${signal}: taking the canary back`);
    });
  }
  return cancel.signal;
}

function reportOf(end: ReleaseEnd, connection: Connection | undefined, startedAtMs: number): Report {
  const { plan, rollout } = end;
  return {
    command: connection?.config.command ?? 'deploy',
    target: { namespace: connection?.namespace ?? '', deployment: connection?.config.deployment ?? '' },
    strategy: connection?.config.release.strategy ?? 'canary',
    judgedBy:
      plan === undefined ? (connection?.config.release.judgedBy ?? 'readiness') : plan.rules === undefined ? 'readiness' : 'metrics',
    images: end.images,
    ...reportedFields(plan),
    outcome: end.outcome,
    plannedSteps: plan?.steps ?? [],
    timeline: rollout?.timeline ?? [],
    numbers: gateNumbers(plan, rollout, end.outcome),
    ...downtimeOf(rollout?.state),
    probe: end.probe,
    leftovers: rollout === undefined ? [] : rollout.leftovers,
    status: end.status,
    revisions: end.revisions,
    runUrl: connection?.context.runUrl,
    startedAtMs,
    endedAtMs: Date.now(),
  };
}

function publish(report: Report, reporter: Reporter): void {
  const exitCode = exitCodeOf(report.command, report.outcome.result);
  reporter.outcome(report.outcome, exitCode === 0);
  if (report.probe !== undefined) reporter.info(describeProbe(report.probe));
  writeOutputs(renderOutputs(report));
  appendSummary(process.env['GITHUB_STEP_SUMMARY'], renderSummary(report));
  process.exitCode = exitCode;
}

/** A bug of ours, or a fault before the first write: the cluster is not touched any more, the post step and the dead-man clean up. */
function reportBug(error: unknown, reporter: Reporter): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  reporter.outcome({ result: 'failed', reason: 'internal', because: text, evidence: [] });
  process.exitCode = 1;
}

await main();

import { getState } from '@actions/core';
import { type Connection, connect } from './connect.ts';
import { isFault, messageOf } from './errors.ts';
import { renderSummary } from './github/summary.ts';
import { appendSummary } from './github/summary-file.ts';
import { reportedFields } from './rollout/configuration/field-change.ts';
import { rollbackOutcome } from './rollout/history/rollback.ts';
import type { Plan } from './rollout/plan/plan.ts';
import { type Holder, startState } from './rollout/state.ts';
import { downtimeOf } from './rollout/strategies/roll-watch.ts';
import type { Reporter } from './runner/ports.ts';
import { finishLeft } from './runner/repair/finish-left.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Remembered = { readonly plan: Plan; readonly holder: Holder; readonly jobUid: string };

/** The second step: looks for what the first one has left, says so, and finishes or removes it. */
export async function post(env: Environment, reporter: Reporter): Promise<void> {
  const saved = getState('rollout');
  if (saved === '' || getState('finished') === 'true') return;
  // Written by this action's own first step, in the same run.
  const { plan, holder, jobUid } = JSON.parse(saved) as Remembered;
  const startedAtMs = Date.now();
  reporter.phase('The release did not end by itself: look for what it has left');
  const connection = connect(env, reporter, true);
  try {
    await finish(connection, { plan, holder, jobUid }, startedAtMs, reporter, env);
  } catch (error) {
    if (!isFault(error)) throw error;
    reporter.warning(`the cluster cannot be asked what is left: ${messageOf(error)}. The dead-man takes the canary back at its deadline`);
    process.exitCode = 1;
  } finally {
    await connection.close();
  }
}

async function finish(
  connection: Connection,
  { plan, holder, jobUid }: Remembered,
  startedAtMs: number,
  reporter: Reporter,
  env: Environment,
): Promise<void> {
  const journalled = await connection.cluster.readJournal(plan, holder.id);
  if (journalled === undefined)
    reporter.info(`the Job ${plan.names.job} is gone: the cluster has taken the canary back, or will in a moment`);
  if (journalled === undefined && jobUid === '') return;
  const state = journalled ?? startState(holder, jobUid, startedAtMs);
  const ports = { world: connection.cluster.world(plan), metrics: undefined, reporter, clock: connection.clock };
  const { timeline, leftovers, state: last, ...end } = await finishLeft(ports, plan, state, getState('cancelled') === 'true');
  const outcome = plan.toRevision === undefined ? end.outcome : rollbackOutcome(end.outcome, plan.toRevision);
  reporter.outcome(outcome);
  const summary = renderSummary({
    command: connection.config.command,
    target: plan.target,
    strategy: plan.spec.strategy,
    judgedBy: plan.rules === undefined ? 'readiness' : 'metrics',
    images: plan.images,
    ...reportedFields(plan),
    outcome,
    plannedSteps: plan.steps,
    timeline,
    numbers: undefined,
    ...downtimeOf(last),
    leftovers,
    runUrl: connection.context.runUrl,
    startedAtMs,
    endedAtMs: Date.now(),
  });
  appendSummary(env['GITHUB_STEP_SUMMARY'], summary);
}

import { UserError } from '../../errors.ts';
import { configurationOf } from '../../rollout/configuration/field-change.ts';
import { warnOfSecrets } from '../../rollout/configuration/plan-variables.ts';
import { describeBlueGreen } from '../../rollout/explain/describe-blue-green.ts';
import { describeKeptGreen } from '../../rollout/explain/describe-kept-green.ts';
import { describePlan } from '../../rollout/explain/describe-plan.ts';
import { namesFor } from '../../rollout/names.ts';
import type { DeploymentFacts } from '../../rollout/plan/deployment-facts.ts';
import { keepsGreen } from '../../rollout/plan/kept-green-plan.ts';
import { keptGreenRefusals } from '../../rollout/plan/kept-green-refusals.ts';
import { pairRefusals } from '../../rollout/plan/pair-refusals.ts';
import { type PermissionNeeds, permissionsFor } from '../../rollout/plan/permissions.ts';
import { type Plan, planRelease } from '../../rollout/plan/plan.ts';
import { planImages } from '../../rollout/plan/plan-images.ts';
import { refusalsFor } from '../../rollout/plan/refusals.ts';
import { roomWarnings } from '../../rollout/plan/room.ts';
import type { ImageChange, ReleaseSpec } from '../../rollout/spec.ts';
import type { Inspected } from '../ports.ts';
import type { ReleasePorts, ReleaseRequest } from '../release-request.ts';
import { forecastFor, refuseHopeless } from './forecast.ts';
import { planConfiguration } from './prepare-configuration.ts';
import { isRescue, prepareJudge } from './prepare-judge.ts';

export type Prepared =
  | { readonly kind: 'unchanged'; readonly images: readonly ImageChange[] }
  | { readonly kind: 'plan'; readonly plan: Plan; readonly lines: readonly string[] };

/** Everything that is looked at before the first write; throws UserError with what forbids the release. */
export async function prepare(request: ReleaseRequest, ports: ReleasePorts, cancel: AbortSignal): Promise<Prepared> {
  const { cluster, reporter } = ports;
  const names = namesFor(request.deployment);
  const needs = {
    ...request,
    names,
    claims: [],
    strategy: request.spec.strategy,
    smokeTest: request.spec.smokeTest,
    pair: request.spec.canaryDeployment ?? request.spec.greenDeployment,
  };
  const permissions = permissionsFor(needs);
  const accessWarning = await cluster.checkAccess(permissions);
  if (accessWarning === undefined) reporter.info(`${permissions.length} permissions: all there`);
  else reporter.warning(accessWarning);

  const inspected = await cluster.inspect(request.spec.strategy);
  const planned = planImages(inspected.containers, request.images);
  if (planned.kind === 'problem') throw new UserError('container-missing', planned.message, planned.hint);
  const configuration = planConfiguration(request, inspected, planned.images);
  const fields = configurationOf(configuration);
  if (planned.images.length + fields.length === 0) return { kind: 'unchanged', images: unchangedImages(inspected.containers) };

  const facts = inspected.facts(
    planned.images.map((image) => image.container),
    fields,
  );
  const released = planned.images.map((image) => image.container);
  const refusalsOfPair = request.spec.strategy === 'blue-green' ? keptGreenRefusals : pairRefusals;
  const [refusal, ...others] = [...refusalsFor(facts, request.spec), ...refusalsOfPair(facts, request.spec, released)];
  if (refusal !== undefined) {
    const all = [refusal, ...others];
    throw new UserError(refusal.code, all.map((one) => one.message).join('\n'), [...new Set(all.map((one) => one.hint))].join('\n'));
  }
  await checkFlips(facts, needs, ports);
  const judge = await prepareJudge(request, ports, facts.unhealthy !== undefined, inspected, cancel);
  const warnings = [...judge.warnings, ...pairWarnings(facts), ...warnOfSecrets(request.variables ?? [])];
  const spec: ReleaseSpec = { ...request.spec, judgedBy: judge.rules === undefined ? request.spec.judgedBy : 'metrics' };
  const drawn = planRelease(facts, planned.images, spec, judge.rules, warnings, configuration);
  const plan: Plan = { ...drawn, stableSample: judge.traffic?.counted, warnings: [...drawn.warnings, ...roomWarnings(facts, drawn)] };
  const traffic =
    judge.traffic === undefined || plan.rules === undefined
      ? undefined
      : { ...judge.traffic, forecast: forecastFor(plan, plan.rules, judge.traffic) };
  if (traffic !== undefined && !isRescue(request, facts.unhealthy !== undefined)) refuseHopeless(plan, traffic.forecast, traffic);
  await cluster.dryRun(plan);
  await ports.probe?.preflight(cancel);
  reporter.info('the API server would take every write, the rollback included');
  return {
    kind: 'plan',
    plan,
    lines: describe(plan)(plan, {
      services: facts.pair?.commonServices ?? facts.services,
      budgetsKnown: facts.budgets !== undefined,
      traffic,
    }),
  };
}

function describe(plan: Plan): typeof describePlan {
  if (keepsGreen(plan)) return describeKeptGreen;
  return plan.blueGreen === undefined ? describePlan : describeBlueGreen;
}

/** Which Services are to be flipped is known only now; their lines of the Role are asked for before anything is written, too. */
async function checkFlips(
  facts: DeploymentFacts,
  needs: PermissionNeeds & Pick<ReleaseSpec, 'smokeTest'>,
  { cluster }: ReleasePorts,
): Promise<void> {
  if (facts.blueGreen?.kind !== 'colours') return;
  const { services, preview } = facts.blueGreen.plan;
  const [port] = preview.ports;
  const previewed = needs.smokeTest === undefined || port === undefined ? undefined : `${needs.names.preview}:${port.name ?? port.port}`;
  await cluster.checkAccess(permissionsFor({ ...needs, flipped: services, previewed }));
}

function pairWarnings({ pair }: ReturnType<Inspected['facts']>): readonly string[] {
  if (pair?.autoscalers !== undefined || pair === undefined) return [];
  return [
    'HorizontalPodAutoscalers cannot be listed with these permissions: one that scales a Deployment of the pair would fight this release',
  ];
}

function unchangedImages(containers: Inspected['containers']): readonly ImageChange[] {
  const ordinary = containers.filter(({ init }) => init !== true);
  return ordinary.map(({ name, image }, index) => ({ container: name, index, from: image, to: image }));
}

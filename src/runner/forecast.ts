import { UserError } from '../errors.ts';
import { isDirect } from '../rollout/describe-direct-plan.ts';
import { absoluteLimit, absoluteRules } from '../rollout/gates/absolute-limit.ts';
import { beforeAfterRules } from '../rollout/gates/before-after.ts';
import { type Forecast, forecast } from '../rollout/gates/traffic.ts';
import type { Plan } from '../rollout/plan.ts';
import type { StableTraffic } from './ports.ts';

const secondMs = 1_000;

/** How long a faultless new version needs for a pass, by stable's traffic and by whom the strategy compares it with. */
export function forecastFor(plan: Plan, rules: NonNullable<Plan['rules']>, traffic: StableTraffic): Forecast {
  if (isDirect(plan)) return forecastDirect(plan, rules, traffic);
  if (plan.blueGreen !== undefined) return forecastAfterFlip(plan, rules, traffic);
  return forecast({
    requestsPerSecond: traffic.requestsPerSecond,
    stableErrorRate: traffic.errorRate,
    steps: plan.steps,
    timeoutMs: plan.spec.timeoutMs,
    rules,
  });
}

/** Where the new version gets all the traffic, an absolute limit judges it; without one nothing can. */
function forecastDirect(plan: Plan, rules: NonNullable<Plan['rules']>, traffic: StableTraffic): Forecast {
  const limit = absoluteLimit(plan.spec, plan.stableSample ?? { errors: 0, requests: 0 });
  if (limit === undefined) return { neededRequests: Infinity, availableRequests: 0, secondsToPass: undefined };
  return forecast({
    requestsPerSecond: traffic.requestsPerSecond,
    stableErrorRate: traffic.errorRate,
    steps: [{ sharePercent: 100, holdMs: 0 }],
    timeoutMs: plan.spec.timeoutMs,
    rules: absoluteRules(rules, limit),
  });
}

/** After the flip green has all of the traffic, and is compared with what stable will have answered until then. */
function forecastAfterFlip(plan: Plan, rules: NonNullable<Plan['rules']>, { requestsPerSecond, errorRate }: StableTraffic): Forecast {
  const requests = (requestsPerSecond * Math.max(plan.spec.minDurationMs, secondMs)) / secondMs;
  return forecast({
    requestsPerSecond,
    stableErrorRate: 0,
    steps: [{ sharePercent: 100, holdMs: 0 }],
    timeoutMs: plan.spec.timeoutMs,
    rules: beforeAfterRules(rules, { errors: requests * errorRate, requests }),
  });
}

/** Better now than after ten minutes. */
export function refuseHopeless(plan: Plan, expected: Forecast, traffic: StableTraffic): void {
  if (expected.secondsToPass !== undefined || plan.spec.onInconclusive === 'promote') return;
  const rate = Number(traffic.requestsPerSecond.toFixed(2));
  throw new UserError(
    'traffic-too-little',
    `Too little traffic for a verdict: about ${expected.neededRequests} canary requests are needed, and ${rate} requests/s give the canary about ${expected.availableRequests} within ${Math.round(plan.spec.timeoutMs / 1000)} s`,
    'Any of these helps: a longer timeout, a larger last step, a wider max-error-increase, on-inconclusive: promote, or metrics: none (readiness alone)',
  );
}

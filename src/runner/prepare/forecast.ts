import { UserError } from '../../errors.ts';
import { isDirect } from '../../rollout/explain/describe-direct-plan.ts';
import { type Before, beforeAfterRules } from '../../rollout/gates/before-after.ts';
import { judgedRequests, theJudged } from '../../rollout/gates/metrics-rules.ts';
import { type Forecast, forecast } from '../../rollout/gates/traffic.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { StableTraffic } from '../ports.ts';

const secondMs = 1_000;

/** How long a faultless new version needs for a pass, by stable's traffic and by whom the strategy compares it with. */
export function forecastFor(plan: Plan, rules: NonNullable<Plan['rules']>, traffic: StableTraffic): Forecast {
  if (isDirect(plan) || plan.blueGreen !== undefined) return forecastAfter(plan, rules, traffic);
  return forecast({
    requestsPerSecond: traffic.requestsPerSecond,
    stableErrorRate: traffic.errorRate,
    steps: plan.steps,
    timeoutMs: plan.spec.timeoutMs,
    rules,
  });
}

/** Where the new version gets all of the traffic, an absolute limit judges it; without one nothing can. */
function forecastAfter(plan: Plan, rules: NonNullable<Plan['rules']>, traffic: StableTraffic): Forecast {
  const after = beforeAfterRules(rules, sampleOf(plan, traffic));
  if (after === undefined) return { neededRequests: Infinity, availableRequests: 0, secondsToPass: undefined };
  return forecast({
    requestsPerSecond: traffic.requestsPerSecond,
    stableErrorRate: traffic.errorRate,
    steps: [{ sharePercent: 100, holdMs: 0 }],
    timeoutMs: plan.spec.timeoutMs,
    rules: after,
  });
}

/** What stable will have answered when it is compared with: until a flip it goes on to serve. */
function sampleOf({ stableSample, blueGreen, spec }: Plan, { requestsPerSecond, errorRate }: StableTraffic): Before {
  const { errors, requests } = stableSample ?? { errors: 0, requests: 0 };
  if (blueGreen === undefined) return { errors, requests };
  const more = (requestsPerSecond * Math.max(spec.minDurationMs, secondMs)) / secondMs;
  return { errors: errors + more * errorRate, requests: requests + more };
}

/** Better now than after ten minutes. */
export function refuseHopeless(plan: Plan, expected: Forecast, traffic: StableTraffic): void {
  if (expected.secondsToPass !== undefined || plan.spec.onInconclusive === 'promote') return;
  const rate = Number(traffic.requestsPerSecond.toFixed(2));
  throw new UserError(
    'traffic-too-little',
    `Too little traffic for a verdict: about ${expected.neededRequests} ${judgedRequests(plan.rules ?? {})} are needed, and ${rate} requests/s give ${theJudged(plan.rules ?? {})} about ${expected.availableRequests} within ${Math.round(plan.spec.timeoutMs / 1000)} s`,
    'Any of these helps: a longer timeout, a larger last step, a wider max-error-increase, on-inconclusive: promote, or metrics: none (readiness alone)',
  );
}

import type { SlowLimit } from '../rollout/spec.ts';
import { type Parsed, quoted } from './parsed.ts';
import { parseErrorRate, parsePercent } from './units.ts';

const slowPattern = /^(\S+\s*%)\s*over\s*(\d{1,6}(?:\.\d{1,6})?)\s*(ms|s)$/u;
const slowExample = 'valid are a share and a time, for example 5% over 300ms or 1% over 2.5s';
const slowMsMax = 3_600_000;
const budgetMax = 1_000_000_000;
const dispersionMax = 10;
const trafficPercentMax = 90;

/** `5% over 300ms`: at most one request of twenty may take longer. */
export function parseMaxSlow(text: string): Parsed<SlowLimit> {
  const [, share, digits, unit] = slowPattern.exec(text.trim()) ?? [];
  if (share === undefined || digits === undefined) return { problem: `${quoted(text)} is not a limit for slow requests; ${slowExample}` };
  const rate = parseErrorRate(share);
  if ('problem' in rate) return rate;
  // The unit moves the decimal point in the text, so that 0.3s is 300 ms and not a neighbour of it.
  const boundMs = Number(unit === 's' ? `${digits}e3` : digits);
  if (boundMs <= 0 || boundMs > slowMsMax)
    return { problem: `${quoted(text)}: the time is out of range; valid are more than 0 and at most 1 hour, for example 5% over 300ms` };
  return { value: { absolute: rate.value, boundMs } };
}

/** A number of requests. */
export function parseErrorBudget(text: string): Parsed<number> {
  const budget = /^\d{1,10}$/u.test(text.trim()) ? Number(text) : 0;
  if (budget >= 1 && budget <= budgetMax) return { value: budget };
  return { problem: `${quoted(text)} is not a budget; valid is a number of failed requests, 1 or more, for example 200` };
}

/** How many requests share their fate. */
export function parseDispersion(text: string): Parsed<number> {
  const dispersion = /^\d{1,2}(?:\.\d{1,6})?$/u.test(text.trim()) ? Number(text) : 0;
  if (dispersion >= 1 && dispersion <= dispersionMax) return { value: dispersion };
  return { problem: `${quoted(text)} is not a dispersion; valid is a number from 1 to ${dispersionMax}, for example 3` };
}

/** `50%` to 0.5: a part of the fair share of the traffic. */
export function parseMinTraffic(text: string): Parsed<number> {
  const percent = parsePercent(text);
  if ('problem' in percent) return percent;
  if (percent.value >= 1 && percent.value <= trafficPercentMax) return { value: Number(`${percent.value}e-2`) };
  return { problem: `${quoted(text)} is out of range; valid is 1% to ${trafficPercentMax}% of the fair share, for example 50%` };
}

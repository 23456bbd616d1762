import type { ErrorLimit } from '../rollout/spec.ts';
import { type Parsed, quoted } from './parsed.ts';

const durationPattern = /^(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?$/u;
const percentPattern = /^(\d{1,3}(?:\.\d{1,6})?)\s*%$/u;
const errorLimitPattern = /^(\d{1,3}(?:\.\d{1,6})?)\s*x\s*\+\s*(\d{1,3}(?:\.\d{1,6})?)\s*%$/u;

const ratioMax = 100;

/** `30s`, `10m`, `1h30m` to milliseconds. */
export function parseDuration(text: string): Parsed<number> {
  const match = durationPattern.exec(text.trim());
  if (match === null || text.trim() === '') {
    return {
      problem: `${quoted(text)} is not a duration; valid are hours, minutes and seconds in this order, for example 30s, 10m or 1h30m`,
    };
  }
  const [hours, minutes, seconds] = [match[1], match[2], match[3]].map((digits) => Number(digits ?? 0));
  return { value: ((hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1000 };
}

/** Milliseconds as an input would have them: the opposite of parseDuration for whole seconds. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  const text = parts.map(([count, unit]) => (count === 0 ? '' : `${count}${unit}`)).join('');
  return text === '' ? '0s' : text;
}

/** `25%` to 25. */
export function parsePercent(text: string): Parsed<number> {
  const digits = percentPattern.exec(text.trim())?.[1];
  if (digits === undefined || Number(digits) > 100) {
    return { problem: `${quoted(text)} is not a share; valid are 0% to 100%, with the sign, for example 25% or 0.5%` };
  }
  return { value: Number(digits) };
}

/** `1%` to 0.01: a limit for an error rate. */
export function parseErrorRate(text: string): Parsed<number> {
  const digits = percentPattern.exec(text.trim())?.[1];
  if (digits === undefined)
    return { problem: `${quoted(text)} is not an error rate; valid is a share with its sign, for example 1% or 0.5%` };
  const rate = fractionOf(digits);
  if (rate <= 0)
    return {
      problem: `${quoted(text)}: no number of requests proves that errors never happen; valid is a rate above 0%, for example 0.1%`,
    };
  if (rate >= 1) return { problem: `${quoted(text)}: every release would pass; valid is a rate below 100%, for example 1%` };
  return { value: rate };
}

/** `1.25x + 0.5%`: at most 1.25 times stable's error rate, and half a percentage point. */
export function parseErrorLimit(text: string): Parsed<ErrorLimit> {
  const match = errorLimitPattern.exec(text.trim());
  if (match?.[1] === undefined || match[2] === undefined) {
    return { problem: `${quoted(text)} is not a limit; valid are a factor and percentage points, for example 1.25x + 0.5%` };
  }
  const ratio = Number(match[1]);
  const absolute = fractionOf(match[2]);
  if (ratio < 1)
    return {
      problem: `${quoted(text)}: a canary that is as good as stable would fail; valid is a factor of at least 1, for example 1.25x + 0.5%`,
    };
  if (ratio > ratioMax || absolute >= 1) {
    return {
      problem: `${quoted(text)}: every release would pass; valid are a factor up to ${ratioMax}x and less than 100%, for example 1.25x + 0.5%`,
    };
  }
  if (absolute <= 0) {
    return {
      problem: `${quoted(text)}: beside a stable version without errors nothing could pass; add percentage points, for example 1.25x + 0.5%`,
    };
  }
  return { value: { ratio, absolute } };
}

/** The decimal point is moved in the text, so that 0.07% is 0.0007 and not a neighbour of it. */
function fractionOf(percentDigits: string): number {
  return Number(`${percentDigits}e-2`);
}

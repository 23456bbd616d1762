import type { StepSpec } from '../rollout/spec.ts';
import { parseList } from './lists.ts';
import { type Parsed, quoted } from './parsed.ts';
import { parseDuration, parsePercent } from './units.ts';

const stepsMax = 20;
const weightPercentMin = 1;
const weightPercentMax = 50;
const valid = 'valid are shares that grow, for example 10%, 25%, 50%, or lines like 25% for 5m';

/** The shares of a canary: `10%, 25%, 50%`, or lines `25% for 5m`. */
export function parseSteps(text: string): Parsed<readonly StepSpec[]> {
  return parseStepsUpTo(weightPercentMax, text);
}

/** The shares of a pair of Deployments, whose total is constant: more than half is no promotion yet. A last 100 % is the end itself. */
export function parsePairSteps(text: string): Parsed<readonly StepSpec[]> {
  const steps = parseStepsUpTo(100, text);
  if ('problem' in steps) return steps;
  const last = steps.value.at(-1);
  if (last?.weightPercent !== 100) return steps;
  if (last.holdMs !== undefined) return { problem: `100% is the end, which has no time; ${valid}` };
  if (steps.value.length === 1) return { problem: `100% alone leaves nothing to compare with; ${valid}` };
  return steps;
}

function parseStepsUpTo(weightMax: number, text: string): Parsed<readonly StepSpec[]> {
  const items = parseList(text);
  if (items.length === 0) return { problem: `there is no step; ${valid}` };
  if (items.length > stepsMax) return { problem: `${items.length} steps are too many; valid are at most ${stepsMax}` };
  const steps: StepSpec[] = [];
  for (const item of items) {
    const step = parseStep(item, weightMax);
    if ('problem' in step) return step;
    const before = steps.at(-1)?.weightPercent ?? 0;
    if (step.value.weightPercent <= before) return { problem: `${quoted(item)} does not grow after ${before}%; ${valid}` };
    steps.push(step.value);
  }
  return { value: steps };
}

function parseStep(item: string, weightMax: number): Parsed<StepSpec> {
  const [share = '', duration, ...rest] = item.split(/\sfor\s/u);
  if (rest.length > 0) return { problem: `${quoted(item)} has more than one "for"; ${valid}` };
  const weight = parsePercent(share);
  if ('problem' in weight) return { problem: `${quoted(item)} is not a step; ${valid}` };
  if (weight.value > weightMax) return { problem: `${quoted(item)}: end at ${weightMax} %: more is promotion` };
  if (weight.value < weightPercentMin) return { problem: `${quoted(item)} is below ${weightPercentMin}%; ${valid}` };
  if (duration === undefined) return { value: { weightPercent: weight.value, holdMs: undefined } };
  const hold = parseDuration(duration);
  if ('problem' in hold) return { problem: `${quoted(item)}: ${hold.problem}` };
  return { value: { weightPercent: weight.value, holdMs: hold.value } };
}

import { type Preset, presets } from '../rollout/metric-families/families.ts';
import type { MetricsChoice } from './config.ts';
import type { InputReader } from './input-reader.ts';
import { defaultOf, type InputName } from './schema.ts';

const limitInputs: readonly InputName[] = ['max-error-increase', 'max-error-rate', 'max-slow', 'min-traffic', 'error-budget', 'dispersion'];
const queryInputs: readonly InputName[] = ['error-query', 'total-query'];

/** Where requests are counted, and what contradicts it. */
export function readMetrics(reader: InputReader): MetricsChoice {
  const asked = reader.choice('metrics', ['auto', 'none', 'pods', ...presets]) ?? 'auto';
  const preset: Preset | undefined = presets.find((name) => name === asked);
  const hasPrometheus = reader.text('prometheus') !== undefined;
  const queries = queryInputs.filter((name) => reader.isGiven(name));
  if (asked === 'pods' && hasPrometheus) {
    reader.reject('metrics', 'pods reads the pods themselves and prometheus names another source; give one of them');
  }
  if (preset !== undefined && queries.length > 0) {
    reader.reject('metrics', `${preset} names the metric, and ${queries.join(' and ')} another one; leave one of them out`);
  }
  if (asked === 'none') {
    if (!hasPrometheus) rejectWithoutSource(reader, [...queryInputs, ...limitInputs]);
    return { source: 'none', preset };
  }
  if (hasPrometheus) return { source: 'prometheus', preset };
  const isSure = asked === 'pods' || preset !== undefined;
  rejectWithoutSource(reader, isSure ? queryInputs : [...queryInputs, ...limitInputs]);
  return { source: isSure ? 'pods' : 'pods-if-possible', preset };
}

/** Somebody who gives a limit believes that it is kept: without a source that is sure to be there nobody could. */
function rejectWithoutSource(reader: InputReader, names: readonly InputName[]): void {
  for (const name of names.filter((input) => reader.isGiven(input))) {
    const remove = defaultOf(name) === undefined ? 'leave it out' : 'leave it at its default';
    const instead = queryInputs.includes(name) ? 'give that' : 'give that, or metrics: pods';
    reader.reject(name, `it needs prometheus, the address where errors are counted; ${instead}, or ${remove}`);
  }
}

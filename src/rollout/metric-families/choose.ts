import { type Family, familiesOf, type Preset, presets } from './families.ts';
import { isErrorSeries, type Labels } from './outcome.ts';

/** What some series of a family have shown; several sightings of one counter add up. */
export type Sighting = {
  readonly counter: string;
  /** Labels, with any value that is not empty, that series of it have; together or not. */
  readonly labels: readonly string[];
  /** Whether a series of it tells what failed. */
  readonly tells: boolean;
};

/** The family that was found, and which of its labels are really there. */
export type Choice = { readonly family: Family; readonly outcomeLabels: readonly string[]; readonly pathLabels: readonly string[] };

/**
 * Picks by a stated order: the presets in theirs; within a preset, first what names the path, because only then can probes and scrapes be
 * left out; then the table's order. Undefined where no known family is there with an outcome.
 */
export function chooseFamily(sightings: readonly Sighting[], preset: Preset | undefined): Choice | undefined {
  const choices = familiesOf(preset).flatMap((family) => {
    const seen = sightings.filter(({ counter }) => counter === family.counter);
    if (!seen.some(({ tells }) => tells)) return [];
    const labels = new Set(seen.flatMap((sighting) => sighting.labels));
    const there = (names: readonly string[]): readonly string[] => names.filter((name) => labels.has(name));
    return [{ family, outcomeLabels: there(family.outcomeLabels), pathLabels: there(family.pathLabels) }];
  });
  const first = choices[0]?.family.preset;
  const candidates = choices.filter(({ family }) => family.preset === first);
  return candidates.find(({ pathLabels }) => pathLabels.length > 0) ?? candidates[0];
}

/** What one series shows of the families that may be chosen. */
export function sightingOf(counter: string, labels: Labels): Sighting | undefined {
  const family = familiesOf(undefined).find((one) => one.counter === counter);
  if (family === undefined || Object.entries(family.only).some(([name, value]) => labels[name] !== value)) return undefined;
  const names = Object.keys(labels).filter((name) => labels[name] !== undefined && labels[name] !== '');
  return { counter, labels: names, tells: isErrorSeries(family, labels) !== undefined };
}

/** In words: `http_requests_total by code, without probes and scrapes (by path)`. */
export function describeChoice({ family, outcomeLabels, pathLabels }: Choice): string {
  const only = Object.entries(family.only).map(([name, value]) => `, ${name} ${value}`);
  const left =
    pathLabels.length === 0
      ? ', probes and scrapes included where it counts them'
      : `, without probes and scrapes (by ${pathLabels.join(', ')})`;
  return `${family.counter} by ${outcomeLabels.join(', ')}${only.join('')}${family.pathLabels.length === 0 ? '' : left} (${family.preset})`;
}

/** What to say where nothing was found: what was looked for, and what is there but tells no outcome. */
export function explainNoFamily(sightings: readonly Sighting[], preset: Preset | undefined): string {
  const looked = familiesOf(preset).map(({ counter, outcomeLabels }) => `${counter} by ${outcomeLabels.join(' or ')}`);
  const mute = [...new Set(sightings.map(({ counter }) => counter))];
  const found = mute.length === 0 ? '' : `\nFound without a label that tells what failed: ${mute.join(', ')}`;
  return `Looked for, in this order: ${looked.join('; ')}.${found}\nA preset fixes the choice: metrics: ${presets.join(', ')}`;
}

import type { Result } from '../rollout/verdict.ts';

/** The outcome in words, as a title. */
export const resultTitles: Readonly<Record<Result, string>> = {
  promoted: 'Promoted',
  'rolled-back': 'Rolled back',
  inconclusive: 'Inconclusive',
  unchanged: 'Nothing to change',
  planned: 'Planned',
  done: 'Done',
  refused: 'Refused',
  failed: 'Failed',
};

/** What the lines below an outcome are: a refusal's are the hint, a verdict's are the proof. */
export function evidenceTitle(result: Result): string {
  return result === 'refused' ? 'What to change' : 'Evidence';
}

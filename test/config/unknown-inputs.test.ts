import { expect, test } from 'vitest';
import { unknownInputs } from '../../src/config/unknown-inputs.ts';

test.each([
  ['INPUT_STEP', 'step: there is no such input; did you mean steps?'],
  ['INPUT_MAX_ERROR_RATE', 'max_error_rate: there is no such input; did you mean max-error-rate?'],
  ['INPUT_DEADMAN', 'deadman: there is no such input; did you mean dead-man?'],
  ['INPUT_CONTAINER', 'container: there is no such input; did you mean containers?'],
  ['INPUT_PROMETHEUS-URL', 'prometheus-url: there is no such input; did you mean prometheus?'],
  ['INPUT_ON-BUSY', 'on-busy: there is no such input; the README lists those that exist'],
  ['INPUT_YEAST', 'yeast: there is no such input; the README lists those that exist'],
])('%s', (name, problem) => {
  expect(unknownInputs([name])).toEqual([problem]);
});

test('says nothing about inputs that exist, and about other variables', () => {
  expect(unknownInputs(['INPUT_STEPS', 'INPUT_MAX-ERROR-RATE', 'PATH', 'MY_INPUT_X', 'INPUT_'])).toEqual([]);
});

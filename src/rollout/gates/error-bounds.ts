import { expit, type SequentialTest, startTest, updateTest } from './sequential-test.ts';

/** Log-odds between which bounds are searched: rates from 2e-9 to 1 − 2e-9. */
const logitMax = 20;
const bisections = 80;

/**
 * The largest error rate (a fraction) that the counts refute with evidence of `nats`: the true rate is above it with confidence
 * 1 − exp(−nats), however often one looks (gates.md §3.6). 0 when they refute none. For display: the gate does not use it.
 */
export function lowerBound(errors: number, requests: number, nats: number): number {
  if (requests <= 0 || evidence('worse', errors, requests, -logitMax) < nats) return 0;
  let low = -logitMax;
  let high = logitOf(errors, requests);
  for (let i = 0; i < bisections; i += 1) {
    const middle = (low + high) / 2;
    if (evidence('worse', errors, requests, middle) >= nats) low = middle;
    else high = middle;
  }
  return expit(low);
}

/** As `lowerBound`, from above: the smallest error rate that is refuted as too high. 1 when none is. */
export function upperBound(errors: number, requests: number, nats: number): number {
  if (requests <= 0 || evidence('within', errors, requests, logitMax) < nats) return 1;
  let low = logitOf(errors, requests);
  let high = logitMax;
  for (let i = 0; i < bisections; i += 1) {
    const middle = (low + high) / 2;
    if (evidence('within', errors, requests, middle) >= nats) high = middle;
    else low = middle;
  }
  return expit(high);
}

function evidence(side: SequentialTest['side'], errors: number, requests: number, limitLogit: number): number {
  const test: SequentialTest = { side, ratio: 0, absolute: expit(limitLogit), dispersion: 1, capNats: undefined, restarts: 0 };
  const batch = { canaryErrors: errors, canaryRequests: requests, stableErrors: 0, stableRequests: 0 };
  return updateTest(test, startTest(test), batch).logE;
}

function logitOf(errors: number, requests: number): number {
  if (errors <= 0) return -logitMax;
  if (errors >= requests) return logitMax;
  return Math.log(errors) - Math.log(requests - errors);
}

/** A fraction as a percentage: `0.39 %`, `3 %`, `12.3 %`. */
export function percent(fraction: number): string {
  const value = fraction * 100;
  if (value > 0 && value < 0.001) return '< 0.001 %';
  if (value >= 10) return `${Number(value.toFixed(1))} %`;
  return `${Number(value >= 1 ? value.toFixed(2) : value.toPrecision(2))} %`;
}

/** A count with thousands set off by commas: `7,200`. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A confidence (a fraction), rounded down so that it never claims too much, and never above 99.99 %. */
export function confidencePercent(confidence: number): string {
  // The addend keeps 0.999 − 1e-17 from being shown as 99.89 %.
  return `${Math.floor(Math.min(confidence, 0.9999) * 10_000 + 1e-6) / 100} %`;
}

/** `3 % errors (24 of 800)` without the word; `no requests` for none. */
export function rateOf(errors: number, requests: number): string {
  return requests > 0 ? percent(errors / requests) : 'no requests';
}

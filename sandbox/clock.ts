export interface Clock {
  now(): number;
  at(dueMs: number, run: () => void): void;
  after(delayMs: number, run: () => void): void;
  advance(ms: number): void;
  nextDueMs(): number | undefined;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

// A controller that wakes itself without end would hang a test; no honest scene comes near this.
const TIMERS_PER_ADVANCE_MAX = 5_000_000;

/** Virtual time: timers run in the order (due time, order of request), so that the same seed gives the same run. */
export function createClock(startMs: number): Clock {
  let nowMs = startMs;
  let order = 0;
  const heap: Timer[] = [];

  function at(dueMs: number, run: () => void): void {
    order += 1;
    push(heap, { dueMs: Math.max(dueMs, nowMs), order, run });
  }

  return {
    now: () => nowMs,
    at,
    after: (delayMs, run) => at(nowMs + delayMs, run),
    nextDueMs: () => heap[0]?.dueMs,
    advance(ms) {
      const untilMs = nowMs + ms;
      let timers = 0;
      for (let next = heap[0]; next !== undefined && next.dueMs <= untilMs; next = heap[0]) {
        timers += 1;
        if (timers > TIMERS_PER_ADVANCE_MAX) throw new Error('the controllers do not come to rest');
        pop(heap);
        nowMs = next.dueMs;
        next.run();
      }
      nowMs = untilMs;
    },
  };
}

function before(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.length;
  heap.push(timer);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !before(timer, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    const left = heap[child];
    if (left === undefined) break;
    const right = heap[child + 1];
    let smaller = left;
    if (right !== undefined && before(right, left)) {
      smaller = right;
      child += 1;
    }
    if (!before(smaller, last)) break;
    heap[index] = smaller;
    index = child;
  }
  heap[index] = last;
}

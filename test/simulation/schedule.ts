type Entry = { readonly atMs: number; readonly order: number; readonly run: () => void };

/** 2027-01-15, a whole second: times of the API have no fractions. */
export const epochMs = 1_800_000_000_000;

/** Virtual time: nothing waits for a real clock, and what is due at the same moment comes in the order in which it was asked for. */
export class Schedule {
  #nowMs = epochMs;
  #order = 0;
  #woke = false;
  readonly #heap: Entry[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): void {
    this.at(this.#nowMs + ms, run);
  }

  at(atMs: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run });
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfLater(parent, child)) break;
      child = parent;
    }
  }

  /** Whoever settles a promise says so: then everything that waits for it runs before time goes on. */
  woke(): void {
    this.#woke = true;
  }

  /** Runs what is due until `untilMs`, or until `done`. */
  async run(untilMs: number, done: () => boolean): Promise<void> {
    await settled();
    while (!done()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#removeFirst();
      this.#nowMs = next.atMs;
      next.run();
      if (!this.#woke) continue;
      this.#woke = false;
      await settled();
    }
    if (!done()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const left = parent * 2 + 1;
      const child = left + 1 < heap.length && this.#isLater(left, left + 1) ? left + 1 : left;
      if (child >= heap.length || !this.#swapIfLater(parent, child)) return;
      parent = child;
    }
  }

  #swapIfLater(parent: number, child: number): boolean {
    if (!this.#isLater(parent, child)) return false;
    const heap = this.#heap;
    [heap[parent], heap[child]] = [heap[child] as Entry, heap[parent] as Entry];
    return true;
  }

  #isLater(one: number, other: number): boolean {
    const a = this.#heap[one] as Entry;
    const b = this.#heap[other] as Entry;
    return a.atMs === b.atMs ? a.order > b.order : a.atMs > b.atMs;
  }
}

/** Every microtask that is left has run: the only real waiting in a simulation, and it takes no time. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

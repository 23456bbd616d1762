/** So many pods tell stable's error rate well enough, whatever the number of replicas. */
const chosenMax = 8;

/**
 * The stable pods that are read: chosen once, by name, whose ending is random. A pod that vanishes is replaced only by one that was born
 * after the choice: its counters began at zero in this rollout, while an older pod would bring its past along as if it were new.
 */
export class ChosenPods {
  readonly #names = new Set<string>();
  readonly #older = new Set<string>();
  #isChosen = false;

  /** The pods to read now, of all that exist and of those that can be read. */
  update(existing: readonly string[], readable: (pod: string) => boolean): readonly string[] {
    for (const name of this.#names) if (!existing.includes(name)) this.#names.delete(name);
    const candidates = [...existing].sort().filter((pod) => readable(pod) && !this.#names.has(pod) && !this.#older.has(pod));
    for (const pod of candidates.slice(0, chosenMax - this.#names.size)) this.#names.add(pod);
    if (!this.#isChosen && this.#names.size > 0) {
      this.#isChosen = true;
      for (const pod of existing) if (!this.#names.has(pod)) this.#older.add(pod);
    }
    return [...this.#names].filter(readable);
  }
}

/** As many packets as may be under way between their send and the reading of their stamp. A power of two. */
const SIZE = 4096;

/** Finds the tag of a sent packet by the counter with which the kernel names its transmit stamp. */
export class TagRing {
  readonly #tags = new Float64Array(SIZE);
  readonly #sentAtMs = new Float64Array(SIZE);
  readonly #keys = new Float64Array(SIZE).fill(-1);
  #next = 0;
  #open = 0;

  /** How many packets were handed over whose stamp was not taken. */
  get open(): number {
    return this.#open;
  }

  /** A packet was handed over at `atMs`; returns its key. */
  push(tag: number, atMs: number): number {
    const key = this.#next;
    this.#tags[key % SIZE] = tag;
    this.#sentAtMs[key % SIZE] = atMs;
    this.#keys[key % SIZE] = key;
    // The kernel counts in 32 bits.
    this.#next = (key + 1) >>> 0;
    this.#open = Math.min(this.#open + 1, SIZE);
    return key;
  }

  /** When the packet of a key was handed over; undefined where the key is not known (any more). */
  sentAtMs(key: number): number | undefined {
    return this.#keys[key % SIZE] === key ? this.#sentAtMs[key % SIZE] : undefined;
  }

  /** The tag of a key, once. */
  take(key: number): number | undefined {
    if (this.#keys[key % SIZE] !== key) return undefined;
    this.#keys[key % SIZE] = -1;
    this.#open -= 1;
    return this.#tags[key % SIZE];
  }

  /** Forgets everything; the kernel's counter has been set to 0. */
  reset(): void {
    this.#keys.fill(-1);
    this.#next = 0;
    this.#open = 0;
  }
}

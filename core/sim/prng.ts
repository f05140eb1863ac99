/** A seeded source of chance: the same seed gives the same numbers, on every runtime. */
export interface Prng {
  /** 0 ≤ x < 1 */
  next(): number;
  /** An integer, 0 ≤ x < `limit`. */
  below(limit: number): number;
  /** True with the given probability, 0-1; draws nothing where the probability is 0 or 1. */
  chance(probability: number): boolean;
}

/** Mulberry32: 32 bits of state suffice for a simulation, and it is short enough to read. */
export function createPrng(seed: number): Prng {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    chance: (probability) => probability >= 1 || (probability > 0 && next() < probability),
  };
}

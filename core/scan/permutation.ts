/** An order of the numbers from 0 to `count` - 1 that visits each once and looks like chance. */
export interface Permutation {
  readonly count: number;
  /** The number at a position; both from 0 to `count` - 1. */
  at(position: number): number;
}

const ROUNDS = 6;
/** Two halves of at most 16 bits. */
const MOST = 2 ** 32;

/**
 * The permutation that a key names: the same `count` and `seed` give the same order, which takes no memory. A Feistel
 * network over the next power of four, walked until it falls within (Black and Rogaway, "Ciphers with arbitrary finite
 * domains", 2002). It is no secret, only well mixed. Throws a RangeError for more than 2^32 numbers.
 */
export function createPermutation(count: number, seed: number): Permutation {
  if (!Number.isInteger(count) || count < 0 || count > MOST) throw new RangeError(`Cannot permute ${count} numbers`);
  let half = 1;
  while (2 ** (2 * half) < count) half += 1;
  const size = 2 ** half;
  const mask = size - 1;
  const keys = Array.from({ length: ROUNDS }, (_, round) => mix(seed ^ Math.imul(round + 1, 0x9e37_79b9)));
  const step = (value: number): number => {
    let left = Math.floor(value / size);
    let right = value & mask;
    for (const key of keys) {
      const next = left ^ (mix(right ^ key) & mask);
      left = right;
      right = next;
    }
    return left * size + right;
  };
  return {
    count,
    at(position) {
      let value = step(position);
      while (value >= count) value = step(value);
      return value;
    },
  };
}

/** The finalizer of MurmurHash3, 32 bits. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

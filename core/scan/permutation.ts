/** An order of the numbers from 0 to `count` - 1 that visits each once and looks like chance. */
export interface Permutation {
  readonly count: number;
  /** The number at a position; both from 0 to `count` - 1. */
  at(position: number): number;
}

const ROUNDS = 3;
const MOST = 2 ** 32;

/**
 * The permutation that a key names: the same `count` and `seed` give the same order, which takes no memory. A Feistel
 * network over a rectangle a little larger than `count`, walked until it falls within (Black and Rogaway, "Ciphers with
 * arbitrary finite domains", 2002). It is no secret, only well mixed. Throws a RangeError for more than 2^32 numbers.
 */
export function createPermutation(count: number, seed: number): Permutation {
  if (!Number.isInteger(count) || count < 0 || count > MOST) throw new RangeError(`Cannot permute ${count} numbers`);
  const rows = Math.max(1, Math.ceil(Math.sqrt(count)));
  const columns = Math.max(1, Math.ceil(count / rows));
  const keys = Int32Array.from({ length: 2 * ROUNDS }, (_, round) => mix(seed ^ Math.imul(round + 1, 0x9e37_79b9)));
  const step = (value: number): number => {
    let column = value % columns;
    let row = (value - column) / columns;
    for (let round = 0; round < keys.length; round += 2) {
      row = (row + mix(column ^ (keys[round] ?? 0))) % rows;
      column = (column + mix(row ^ (keys[round + 1] ?? 0))) % columns;
    }
    return row * columns + column;
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

/** Which slot an address has: a hash table of sixteen octets a slot, whatever the family. */
export interface SlotTable {
  /** -1: none. */
  find(bytes: Uint8Array): number;
  add(slot: number, bytes: Uint8Array): void;
  delete(bytes: Uint8Array): void;
}

/** `bytesOf` gives the octets of a slot that is in the table. */
export function createSlotTable(slots: number, bytesOf: (slot: number) => Uint8Array | undefined): SlotTable {
  let size = 16;
  while (size < 2 * slots) size *= 2;
  const mask = size - 1;
  /** Slots counted from 1; 0: a free place. */
  const table = new Int32Array(size);

  const placeOf = (bytes: Uint8Array): number => {
    let place = hash(bytes) & mask;
    for (let entry = table[place] ?? 0; entry !== 0; entry = table[place] ?? 0) {
      const known = bytesOf(entry - 1);
      if (known !== undefined && isSame(known, bytes)) return place;
      place = (place + 1) & mask;
    }
    return -1 - place;
  };

  return {
    find(bytes) {
      const place = placeOf(bytes);
      return place < 0 ? -1 : (table[place] ?? 0) - 1;
    },
    add(slot, bytes) {
      const place = placeOf(bytes);
      table[place < 0 ? -1 - place : place] = slot + 1;
    },
    delete(bytes) {
      let hole = placeOf(bytes);
      if (hole < 0) return;
      // Those that stand behind it only because it was there move up (Knuth, TAOCP 6.4, algorithm R).
      for (let place = (hole + 1) & mask; table[place] !== 0; place = (place + 1) & mask) {
        const moved = bytesOf((table[place] ?? 0) - 1);
        const home = moved === undefined ? place : hash(moved) & mask;
        if (((place - home) & mask) < ((place - hole) & mask)) continue;
        table[hole] = table[place] ?? 0;
        hole = place;
      }
      table[hole] = 0;
    },
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** FNV-1a, mixed once more: neighbours must not stand side by side. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c_9dc5;
  for (let at = 0; at < bytes.length; at += 1) value = Math.imul(value ^ (bytes[at] ?? 0), 0x0100_0193);
  return Math.imul(value ^ (value >>> 15), 0x2c1b_3c6d) >>> 0;
}

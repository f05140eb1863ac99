import type { Family } from "../address.ts";

/** Which address a slot has, and which slot an address: some thirty octets a slot, and no object. */
export interface SlotTable {
  /** -1: none. */
  find(bytes: Uint8Array): number;
  add(slot: number, bytes: Uint8Array): void;
  delete(slot: number): void;
  /** The family of a slot's address; 0: it has none. */
  family(slot: number): Family | 0;
  /** Writes a slot's address over the start of `into`. */
  read(slot: number, into: Uint8Array): void;
}

const LONGEST = 16;

/** A hash table whose places hold slots, and a row of sixteen octets for each slot. */
export function createSlotTable(slots: number): SlotTable {
  let size = 16;
  while (size < 2 * slots) size *= 2;
  const mask = size - 1;
  /** Slots counted from 1; 0: a free place. */
  const table = new Int32Array(size);
  const octets = new Uint8Array(slots * LONGEST);
  /** 0, 4 or 16. */
  const lengths = new Uint8Array(slots);

  const isOf = (slot: number, bytes: Uint8Array): boolean => {
    if (lengths[slot] !== bytes.length) return false;
    for (let at = 0; at < bytes.length; at += 1) if (octets[slot * LONGEST + at] !== bytes[at]) return false;
    return true;
  };

  const placeOf = (bytes: Uint8Array): number => {
    let place = hash(bytes, 0, bytes.length) & mask;
    for (let entry = table[place] ?? 0; entry !== 0; entry = table[place] ?? 0) {
      if (isOf(entry - 1, bytes)) return place;
      place = (place + 1) & mask;
    }
    return -1 - place;
  };

  const homeOf = (slot: number): number => hash(octets, slot * LONGEST, lengths[slot] ?? 0) & mask;

  return {
    find(bytes) {
      const place = placeOf(bytes);
      return place < 0 ? -1 : (table[place] ?? 0) - 1;
    },
    add(slot, bytes) {
      for (let at = 0; at < bytes.length; at += 1) octets[slot * LONGEST + at] = bytes[at] ?? 0;
      lengths[slot] = bytes.length;
      const place = placeOf(bytes);
      table[place < 0 ? -1 - place : place] = slot + 1;
    },
    delete(slot) {
      if (lengths[slot] === 0) return;
      let hole = homeOf(slot);
      while (table[hole] !== slot + 1) {
        // Another slot was given the same address since.
        if (table[hole] === 0) break;
        hole = (hole + 1) & mask;
      }
      lengths[slot] = 0;
      if (table[hole] === 0) return;
      // Those that stand behind it only because it was there move up (Knuth, TAOCP 6.4, algorithm R).
      for (let place = (hole + 1) & mask; table[place] !== 0; place = (place + 1) & mask) {
        const home = homeOf((table[place] ?? 0) - 1);
        if (((place - home) & mask) < ((place - hole) & mask)) continue;
        table[hole] = table[place] ?? 0;
        hole = place;
      }
      table[hole] = 0;
    },
    family(slot) {
      const length = lengths[slot];
      return length === 4 ? 4 : length === LONGEST ? 6 : 0;
    },
    read(slot, into) {
      const length = lengths[slot] ?? 0;
      for (let at = 0; at < length; at += 1) into[at] = octets[slot * LONGEST + at] ?? 0;
    },
  };
}

/** FNV-1a, mixed once more: neighbours must not stand side by side. */
function hash(bytes: Uint8Array, from: number, length: number): number {
  let value = 0x811c_9dc5;
  for (let at = from; at < from + length; at += 1) value = Math.imul(value ^ (bytes[at] ?? 0), 0x0100_0193);
  return Math.imul(value ^ (value >>> 15), 0x2c1b_3c6d) >>> 0;
}

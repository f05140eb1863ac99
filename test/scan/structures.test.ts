import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDeadlines } from "../../core/scan/deadlines.ts";
import { createSlotTable } from "../../core/scan/slot-table.ts";
import { createPrng } from "../../core/sim/prng.ts";

describe("the table of slots", () => {
  it("finds what was added and nothing that was deleted, over many changes at full load", () => {
    const slots = 64;
    const prng = createPrng(7);
    const there: (Uint8Array | undefined)[] = [];
    const table = createSlotTable(slots);
    // Few addresses, so that they come again; of both families, so that their lengths differ.
    const addresses = Array.from({ length: 200 }, (_, at) => new Uint8Array(at % 2 === 0 ? 4 : 16).fill(at));
    for (let change = 0; change < 20_000; change += 1) {
      const address = addresses[prng.below(addresses.length)] ?? new Uint8Array(4);
      const known = there.indexOf(address);
      const free = Array.from({ length: slots }, (_, slot) => slot).find((slot) => there[slot] === undefined);
      if (known >= 0 && prng.chance(0.5)) {
        table.delete(known);
        there[known] = undefined;
      } else if (known < 0 && free !== undefined) {
        there[free] = address;
        table.add(free, address);
      }
      if (change % 100 !== 0) continue;
      for (const each of addresses) assert.equal(table.find(each), there.indexOf(each));
      for (const [slot, each] of there.entries()) {
        const read = new Uint8Array(16);
        table.read(slot, read);
        assert.deepEqual(read.subarray(0, each?.length ?? 0), each ?? new Uint8Array(0));
        assert.equal(table.family(slot), each === undefined ? 0 : each.length === 4 ? 4 : 6);
      }
    }
  });
});

describe("deadlines", () => {
  it("come in the order of their times, whatever was moved or cleared", () => {
    const slots = 50;
    const prng = createPrng(3);
    const deadlines = createDeadlines(slots);
    const times = new Map<number, number>();
    for (let change = 0; change < 20_000; change += 1) {
      const slot = prng.below(slots);
      if (prng.chance(0.6)) {
        const atMs = prng.below(1000);
        deadlines.set(slot, atMs);
        times.set(slot, atMs);
      } else if (prng.chance(0.5)) {
        deadlines.clear(slot);
        times.delete(slot);
      } else {
        const nowMs = prng.below(1000);
        const due = deadlines.takeDue(nowMs);
        const earliest = Math.min(...times.values());
        if (due < 0) assert.ok(earliest > nowMs);
        else {
          assert.equal(times.get(due), earliest);
          assert.ok(earliest <= nowMs);
          times.delete(due);
        }
      }
      assert.equal(deadlines.nextAtMs, Math.min(...times.values()));
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checksum, checksumWithWord, compensation, pseudoHeaderSum, sum16 } from "../../core/wire/mod.ts";
import { capture } from "./captures.ts";

/** The example of RFC 1071 §3. */
const RFC_1071 = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);

describe("the Internet checksum", () => {
  it("sums the example of RFC 1071 to ddf2", () => {
    assert.equal(sum16(RFC_1071), 0xddf2);
    assert.equal(checksum(RFC_1071), 0x220d);
  });

  it("counts an odd last octet as if a zero followed", () => {
    assert.equal(sum16(Uint8Array.of(0x12, 0x34, 0x56)), 0x1234 + 0x5600);
  });

  it("sums a part, and continues from the sum of what came before", () => {
    assert.equal(sum16(RFC_1071, 2, 4), 0xf203);
    assert.equal(sum16(RFC_1071, 4, 8, sum16(RFC_1071, 0, 4)), 0xddf2);
  });

  it("never reads past the end of the bytes", () => {
    assert.equal(sum16(RFC_1071, 0, 1000), 0xddf2);
    assert.equal(sum16(RFC_1071, 8), 0);
    assert.equal(checksum(new Uint8Array(0)), 0xffff);
  });

  it("folds the carries of the longest packet", () => {
    assert.equal(sum16(new Uint8Array(65535).fill(0xff)), 0xff00);
    assert.equal(sum16(new Uint8Array(65534).fill(0xff)), 0xffff);
  });

  it("finds captured IPv4 headers right", () => {
    assert.equal(checksum(capture("udpProbe4"), 0, 20), 0);
    assert.equal(checksum(capture("timeExceededRecordRoute4"), 0, 60), 0);
  });
});

describe("the pseudo-header", () => {
  it("makes captured UDP and TCP over both families sum to zero", () => {
    for (const name of ["udpProbe4", "syn4", "rst4"] as const) {
      const packet = capture(name);
      const length = packet.length - 20;
      const sum = pseudoHeaderSum(packet.subarray(12, 16), packet.subarray(16, 20), packet[9] ?? 0, length);
      assert.equal(checksum(packet, 20, packet.length, sum), 0, name);
    }
    for (const name of ["udpProbe6", "syn6", "rst6", "echoReply6"] as const) {
      const packet = capture(name);
      const length = packet.length - 40;
      const sum = pseudoHeaderSum(packet.subarray(8, 24), packet.subarray(24, 40), packet[6] ?? 0, length);
      assert.equal(checksum(packet, 40, packet.length, sum), 0, name);
    }
  });

  it("refuses addresses that are no pair", () => {
    assert.throws(() => pseudoHeaderSum(new Uint8Array(4), new Uint8Array(16), 17, 8), {
      name: "RangeError",
      message: "Cannot sum a pseudo-header: addresses of 4 and 16 octets",
    });
    assert.throws(() => pseudoHeaderSum(new Uint8Array(5), new Uint8Array(5), 17, 8), RangeError);
  });
});

describe("the compensating word", () => {
  function checksumWith(data: Uint8Array, word: number): number {
    const copy = Uint8Array.from([...data, word >>> 8, word & 0xff]);
    return checksum(copy);
  }

  it("turns any checksum into any other but 0xffff", () => {
    for (const seed of [0x0001, 0x1234, 0x7fff, 0x8000, 0xfffe, 0xffff]) {
      const data = Uint8Array.of(seed >>> 8, seed & 0xff);
      for (let wanted = 0; wanted < 0xffff; wanted += 1) {
        const word = compensation(checksumWith(data, 0), wanted);
        assert.ok(word >= 0 && word <= 0xffff);
        if (checksumWith(data, word) !== wanted) assert.fail(`seed ${seed}: wanted ${wanted}, word ${word}`);
      }
    }
  });

  it("gives 0 for 0xffff, its equal in one's complement", () => {
    const data = Uint8Array.of(0x12, 0x34);
    assert.equal(checksumWith(data, compensation(checksumWith(data, 0), 0xffff)), 0);
  });

  it("leads from data that are all zero to every checksum", () => {
    const data = new Uint8Array(2);
    for (const wanted of [0, 1, 0x7fff, 0xfffe, 0xffff]) {
      assert.equal(checksumWith(data, compensation(0xffff, wanted)), wanted);
    }
  });
});

describe("updating a checksum for a word that took the place of zero", () => {
  it("gives what summing anew gives", () => {
    for (const data of [RFC_1071, Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xff, 0xff), Uint8Array.of(0x80, 0x01)]) {
      const before = checksum(data);
      for (let word = 0; word <= 0xffff; word += 1) {
        const anew = checksum(Uint8Array.of(word >>> 8, word & 0xff), 0, 2, sum16(data));
        if (checksumWithWord(before, word) !== anew) assert.fail(`word ${word} after checksum ${before}`);
      }
    }
  });
});

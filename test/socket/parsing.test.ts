import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadLibc } from "../../core/ffi/load.ts";
import { Arena } from "../../core/socket/linux/arena.ts";
import { parseControl } from "../../core/socket/linux/control.ts";
import { icmpMask, tapFilter } from "../../core/socket/linux/filter.ts";
import { parseTapped } from "../../core/socket/linux/received-ip.ts";
import { TagRing } from "../../core/socket/linux/tag-ring.ts";
import { encodeEcho, encodeIp } from "../../core/wire/mod.ts";
import { address, FAMILIES, LOOPBACK } from "./host.ts";

const region = new Arena(await loadLibc(), 4096).take(512);
const noZone = (index: number): string => String(index);

/** Ancillary data as the kernel lays it out; returns its length. */
function writeControl(...messages: readonly (readonly [level: number, type: number, data: Uint8Array])[]): number {
  region.bytes.fill(0);
  let at = 0;
  for (const [level, type, data] of messages) {
    region.view.setBigUint64(at, BigInt(16 + data.length), true);
    region.view.setInt32(at + 8, level, true);
    region.view.setInt32(at + 12, type, true);
    region.bytes.set(data, at + 16);
    at += (16 + data.length + 7) & ~7;
  }
  return at;
}

/** sock_extended_err of a port unreachable whose extensions start at 100, and 10.99.1.2 as its offender. */
const PORT_UNREACHABLE = Uint8Array.from([
  ...[111, 0, 0, 0, 2, 3, 3, 0, 0, 0, 0, 0, 100, 0, 0, 0],
  ...[2, 0, 0, 0, 10, 99, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0],
]);

describe("ancillary data", () => {
  it("gives hop limit, stamp and ICMP error with its offender", () => {
    const stamp = new Uint8Array(48);
    new DataView(stamp.buffer).setBigInt64(0, 1_795_433_263n, true);
    new DataView(stamp.buffer).setBigInt64(8, 999_999_999n, true);
    const length = writeControl([1, 37, stamp], [0, 2, Uint8Array.of(61, 0, 0, 0)], [0, 11, PORT_UNREACHABLE]);
    const control = parseControl(region, length, noZone);
    assert.equal(control.hopLimit, 61);
    assert.deepEqual(control.stamp, { seconds: 1_795_433_263, nanoseconds: 999_999_999 });
    assert.equal(control.error?.offender?.address.text, "10.99.1.2");
    assert.deepEqual(
      [control.error?.origin, control.error?.type, control.error?.code, control.error?.data],
      [2, 3, 3, 100],
    );
  });

  it("gives no stamp where the kernel left it zero", () => {
    assert.equal(parseControl(region, writeControl([1, 37, new Uint8Array(48)]), noZone).stamp, undefined);
  });

  it("is read without an exception however it is cut or garbled", () => {
    let seed = 1;
    const random = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 16;
    };
    for (let i = 0; i < 20_000; i++) {
      const length = writeControl([1, 37, new Uint8Array(48)], [0, 11, PORT_UNREACHABLE], [41, 25, PORT_UNREACHABLE]);
      for (let hit = 0; hit < 4; hit++) region.bytes[random() % 200] = random();
      parseControl(region, random() % 3 === 0 ? 512 : random() % (length + 1), noZone);
    }
  });
});

describe("the packet tap", () => {
  for (const version of FAMILIES) {
    const { bytes: source } = version === 4 ? address("10.0.0.7") : address("fd00::7");
    const { bytes: destination } = LOOPBACK[version];
    const echo = {
      version,
      request: false,
      identifier: 7,
      sequence: 9,
      payload: Uint8Array.of(1, 2, 3),
      source,
      destination,
    };
    const payload = encodeEcho(echo);
    const packet = encodeIp({ source, destination, protocol: version === 4 ? 1 : 58, hopLimit: 61, payload });

    it(`reads an ICMP message and leaves the link's padding out, IPv${version}`, () => {
      const padded = new Uint8Array(packet.length + 20).fill(0xaa);
      padded.set(packet);
      const tapped = parseTapped(padded, version);
      assert.equal(tapped?.from.text, version === 4 ? "10.0.0.7" : "fd00::7");
      assert.equal(tapped?.hopLimit, 61);
      assert.deepEqual(tapped?.bytes, payload);
    });

    it(`refuses what is cut short or fails its checksum, IPv${version}`, () => {
      for (let length = 0; length < packet.length; length++) {
        assert.equal(parseTapped(packet.slice(0, length), version), undefined);
      }
      const garbled = packet.slice();
      garbled[garbled.length - 1] = (garbled[garbled.length - 1] ?? 0) ^ 1;
      assert.equal(parseTapped(garbled, version), undefined);
    });

    it(`has a filter whose jumps stay inside of it, IPv${version}`, () => {
      const program = tapFilter(version);
      program.forEach(([, yes, no], at) => {
        for (const jump of [yes, no]) assert.ok(jump >= 0 && at + jump < program.length);
      });
    });
  }
});

describe("the ICMP filter", () => {
  it("lets echo replies and errors in, and nothing else", () => {
    const passing = (mask: readonly number[]): number[] =>
      mask.flatMap((word, i) =>
        [...Array(32).keys()].filter((bit) => ((word >>> bit) & 1) === 0).map((bit) => 32 * i + bit),
      );
    assert.deepEqual(passing(icmpMask(4)), [0, 3, 11, 12]);
    assert.deepEqual(passing(icmpMask(6)), [1, 2, 3, 4, 129]);
  });
});

describe("the ring of tags", () => {
  it("gives each tag once, by the order of sending", () => {
    const ring = new TagRing();
    for (const tag of [70, 80, 90]) ring.push(tag, tag);
    assert.deepEqual([ring.take(1), ring.take(1), ring.take(2), ring.take(3)], [80, undefined, 90, undefined]);
    assert.equal(ring.sentAtMs(0), 70);
  });

  it("forgets the oldest where too many are under way, and all when the counter starts again", () => {
    const ring = new TagRing();
    for (let tag = 0; tag < 5000; tag++) ring.push(tag, 0);
    assert.deepEqual([ring.take(0), ring.take(4999)], [undefined, 4999]);
    ring.reset();
    assert.equal(ring.take(4998), undefined);
    ring.push(7, 0);
    assert.equal(ring.take(0), 7);
  });
});

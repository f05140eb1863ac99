import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rewriteEnd } from "../../core/sim/rewrite.ts";
import { encodeIp, encodeUdp, encodeUdpLite, parseIp, verifyTransport } from "../../core/wire/mod.ts";

const source = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const destination = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
const outside = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7);

describe("an end that NAT rewrites", () => {
  for (const [name, protocol, encode] of [
    ["UDP", 17, encodeUdp],
    ["UDP-Lite", 136, (fields: Parameters<typeof encodeUdp>[0]) => encodeUdpLite({ ...fields, coverage: 0 })],
  ] as const) {
    it(`leaves ${name} a right checksum, whatever it comes to`, () => {
      const payload = new Uint8Array(2);
      for (let word = 0; word <= 0xffff; word++) {
        payload.set([word >>> 8, word & 0xff]);
        const datagram = encode({ source, destination, sourcePort: 40_000, destinationPort: 33_434, payload });
        const packet = encodeIp({ source, destination, protocol, hopLimit: 9, payload: datagram });
        rewriteEnd(packet, { end: "source", address: outside, portShift: 4321 });
        const ip = parseIp(packet);
        const isRight = ip !== undefined && verifyTransport(ip.payload, protocol, ip.source, ip.destination);
        if (!isRight) assert.fail(`with the word ${word}`);
      }
    });
  }
});

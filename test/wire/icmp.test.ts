import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeEcho, encodeIcmp, ICMP, ICMPV6, isIcmpError, parseIcmp, verifyIcmp } from "../../core/wire/mod.ts";
import { CAPTURE_NAMES, type CaptureName, capturedPacket } from "./captures.ts";

describe("reading ICMP", () => {
  it("reads a captured echo request", () => {
    const message = parseIcmp(capturedPacket("echoRequest4").payload);
    assert.equal(message?.type, ICMP.echoRequest);
    assert.equal(message?.code, 0);
    assert.equal(message?.identifier, 5371);
    assert.equal(message?.sequence, 1);
    assert.equal(message?.body.length, 56);
    assert.deepEqual([...(message?.rest ?? [])], [0x14, 0xfb, 0, 1]);
  });

  it("reads a captured ICMPv6 echo reply", () => {
    const message = parseIcmp(capturedPacket("echoReply6").payload);
    assert.equal(message?.type, ICMPV6.echoReply);
    assert.equal(message?.identifier, 5372);
  });

  it("reads types, codes and the octets 4-7 of captured errors", () => {
    const read = (name: CaptureName) => {
      const message = parseIcmp(capturedPacket(name).payload);
      return [message?.type, message?.code, message?.identifier, message?.sequence];
    };
    assert.deepEqual(read("timeExceededTcp4"), [ICMP.timeExceeded, 0, 0, 0]);
    assert.deepEqual(read("timeExceededTcp6"), [ICMPV6.timeExceeded, 0, 0, 0]);
    assert.deepEqual(read("portUnreachable4"), [ICMP.unreachable, 3, 0, 0]);
    assert.deepEqual(read("portUnreachable6"), [ICMPV6.unreachable, 4, 0, 0]);
    assert.deepEqual(read("netUnreachable4"), [ICMP.unreachable, 0, 0, 0]);
    assert.deepEqual(read("fragmentationNeeded4").slice(0, 2), [ICMP.unreachable, 4]);
    assert.equal(read("fragmentationNeeded4")[3], 1400);
    assert.deepEqual(read("packetTooBig6"), [ICMPV6.packetTooBig, 0, 0, 1400]);
  });

  it("refuses fewer than 8 octets", () => {
    for (let length = 0; length < 8; length++) assert.equal(parseIcmp(new Uint8Array(length)), undefined);
    assert.equal(parseIcmp(new Uint8Array(8))?.body.length, 0);
  });
});

describe("the checksum of ICMP", () => {
  it("is right in every captured message and wrong after a bit flipped", () => {
    let seen = 0;
    for (const name of CAPTURE_NAMES) {
      const { version, protocol, payload, source, destination } = capturedPacket(name);
      if (protocol !== 1 && protocol !== 58) continue;
      seen++;
      assert.equal(verifyIcmp(payload, version, source, destination), true, name);
      payload[payload.length - 1] = (payload[payload.length - 1] ?? 0) ^ 1;
      assert.equal(verifyIcmp(payload, version, source, destination), false, name);
    }
    assert.ok(seen >= 20);
  });

  it("of ICMPv6 depends on the addresses and cannot be verified without them", () => {
    const { payload, source, destination } = capturedPacket("echoReply6");
    assert.equal(verifyIcmp(payload, 6), false);
    assert.equal(verifyIcmp(payload, 6, source), false);
    assert.equal(verifyIcmp(payload, 6, source.subarray(0, 4), destination.subarray(0, 4)), false);
    assert.equal(verifyIcmp(payload, 6, source, source), false);
  });

  it("is false for fewer than 8 octets", () => {
    assert.equal(verifyIcmp(Uint8Array.of(0xff, 0xff), 4), false);
  });
});

describe("making ICMP", () => {
  it("gives the captured octets of echo messages", () => {
    for (const name of ["echoRequest4", "echoReply4", "echoRequest6", "echoReply6"] as const) {
      const { version, payload, source, destination } = capturedPacket(name);
      const message = parseIcmp(payload);
      assert.ok(message !== undefined);
      const { identifier, sequence, body } = message;
      const request = name.startsWith("echoRequest");
      const made = encodeEcho({ version, request, identifier, sequence, payload: body, source, destination });
      assert.deepEqual(made, payload, name);
    }
  });

  it("needs no addresses for version 4", () => {
    const bytes = encodeIcmp({ version: 4, type: 11, code: 1, body: Uint8Array.of(1, 2, 3) });
    assert.ok(verifyIcmp(bytes, 4));
    assert.deepEqual([...bytes.subarray(4)], [0, 0, 0, 0, 1, 2, 3]);
  });

  it("refuses version 6 without its addresses, and fields out of their ranges", () => {
    const echo = { request: true, identifier: 1, sequence: 1, payload: new Uint8Array(0) };
    assert.throws(() => encodeEcho({ ...echo, version: 6 }), {
      name: "RangeError",
      message: "Cannot encode an ICMP message: ICMPv6 needs its two IPv6 addresses",
    });
    const four = new Uint8Array(4);
    assert.throws(() => encodeEcho({ ...echo, version: 6, source: four, destination: four }), RangeError);
    assert.throws(() => encodeEcho({ ...echo, version: 4, identifier: 65536 }), RangeError);
    assert.throws(() => encodeEcho({ ...echo, version: 4, sequence: -1 }), RangeError);
    const body = new Uint8Array(0);
    assert.throws(() => encodeIcmp({ version: 4, type: 256, code: 0, body }), RangeError);
    assert.throws(() => encodeIcmp({ version: 4, type: 0, code: 256, body }), RangeError);
    assert.throws(() => encodeIcmp({ version: 4, type: 0, code: 0, body, rest: new Uint8Array(3) }), RangeError);
  });
});

describe("telling errors from other messages", () => {
  it("knows the five error types of ICMP", () => {
    const errors = Array.from({ length: 256 }, (_, type) => type).filter((type) => isIcmpError(4, type));
    assert.deepEqual(errors, [3, 4, 5, 11, 12]);
  });

  it("takes ICMPv6 types below 128 for errors", () => {
    for (const type of [1, 2, 3, 4, 127]) assert.equal(isIcmpError(6, type), true);
    for (const type of [128, 129, 135, 255]) assert.equal(isIcmpError(6, type), false);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  compensation,
  encodeTcp,
  encodeUdp,
  IP_PROTOCOL,
  parseTcp,
  parseTcpStart,
  parseUdp,
  TCP_FLAG,
  verifyTransport,
} from "../../core/wire/mod.ts";
import { capturedPacket } from "./captures.ts";

const TCP_NAMES = ["syn4", "rst4", "syn6", "rst6", "synAck4", "synAck6"] as const;
const V4 = { source: Uint8Array.of(192, 0, 2, 1), destination: Uint8Array.of(198, 51, 100, 3) };
const V6 = { source: new Uint8Array(16).fill(1), destination: new Uint8Array(16).fill(2) };

describe("UDP", () => {
  it("is read from a captured probe", () => {
    const datagram = parseUdp(capturedPacket("udpProbe4").payload);
    assert.equal(datagram?.sourcePort, 58900);
    assert.equal(datagram?.destinationPort, 53);
    assert.equal(datagram?.length, 40);
    assert.equal(datagram?.checksum, 0x3817);
    assert.equal(new TextDecoder().decode(datagram?.payload), "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_");
  });

  it("is read from the 8 octets of a short quote", () => {
    const datagram = parseUdp(capturedPacket("udpProbe4").payload.subarray(0, 8));
    assert.equal(datagram?.length, 40);
    assert.equal(datagram?.payload.length, 0);
  });

  it("has no payload behind the length that it claims", () => {
    const bytes = capturedPacket("udpProbe4").payload.slice();
    bytes.set([0, 10], 4);
    assert.equal(parseUdp(bytes)?.payload.length, 2);
  });

  it("is refused below 8 octets, present or claimed", () => {
    const bytes = capturedPacket("udpProbe4").payload.slice();
    for (let length = 0; length < 8; length++) assert.equal(parseUdp(bytes.subarray(0, length)), undefined);
    bytes.set([0, 7], 4);
    assert.equal(parseUdp(bytes), undefined);
  });

  it("is made as captured, over both families", () => {
    for (const name of ["udpProbe4", "udpProbe6"] as const) {
      const { payload, source, destination } = capturedPacket(name);
      const datagram = parseUdp(payload);
      assert.ok(datagram !== undefined);
      assert.deepEqual(encodeUdp({ ...datagram, source, destination }), payload, name);
    }
  });

  it("is sent with 0xffff where the checksum comes out as zero", () => {
    const ports = { sourcePort: 1, destinationPort: 2 };
    const zero = parseUdp(encodeUdp({ ...V4, ...ports, payload: Uint8Array.of(0, 0) }));
    const word = compensation(zero?.checksum ?? 0, 0);
    const bytes = encodeUdp({ ...V4, ...ports, payload: Uint8Array.of(word >>> 8, word & 0xff) });
    assert.equal(parseUdp(bytes)?.checksum, 0xffff);
    assert.equal(verifyTransport(bytes, IP_PROTOCOL.udp, V4.source, V4.destination), true);
  });

  it("gets the checksum that a compensating word asks for", () => {
    for (const addresses of [V4, V6]) {
      const fields = { ...addresses, sourcePort: 40000, destinationPort: 33434 };
      const plain = parseUdp(encodeUdp({ ...fields, payload: Uint8Array.of(0, 0, 9, 9) }));
      for (const wanted of [1, 255, 33434, 65534]) {
        const word = compensation(plain?.checksum ?? 0, wanted);
        const bytes = encodeUdp({ ...fields, payload: Uint8Array.of(word >>> 8, word & 0xff, 9, 9) });
        assert.equal(parseUdp(bytes)?.checksum, wanted);
      }
    }
  });

  it("is refused with fields out of their ranges", () => {
    const good = { ...V4, sourcePort: 1, destinationPort: 1, payload: new Uint8Array(0) };
    assert.throws(() => encodeUdp({ ...good, sourcePort: 70000 }), {
      message: "Cannot encode a UDP datagram: source port 70000 is not an integer of 0-65535",
    });
    assert.throws(() => encodeUdp({ ...good, destinationPort: -1 }), RangeError);
    assert.throws(() => encodeUdp({ ...good, payload: new Uint8Array(65528) }), RangeError);
    assert.throws(() => encodeUdp({ ...good, source: V6.source }), RangeError);
  });
});

describe("TCP", () => {
  it("is read from a captured SYN", () => {
    const segment = parseTcp(capturedPacket("syn4").payload);
    assert.equal(segment?.sourcePort, 51749);
    assert.equal(segment?.destinationPort, 443);
    assert.equal(segment?.sequence, 1467107010);
    assert.equal(segment?.acknowledgement, 0);
    assert.equal(segment?.dataOffset, 10);
    assert.equal(segment?.flags, TCP_FLAG.syn);
    assert.equal(segment?.window, 5840);
    assert.equal(segment?.checksum, 0x8bac);
    assert.deepEqual([...(segment?.options.subarray(0, 4) ?? [])], [2, 4, 0x05, 0xb4]);
    assert.equal(segment?.options.length, 20);
    assert.equal(segment?.payload.length, 0);
  });

  it("reads sequence numbers above 2^31 as positive", () => {
    assert.equal(parseTcp(capturedPacket("syn6").payload)?.sequence, 3834833008);
    assert.equal(parseTcp(capturedPacket("rst6").payload)?.acknowledgement, 3834833009);
  });

  it("tells an open port from a closed one by the flags of captured answers", () => {
    for (const name of ["rst4", "rst6"] as const) {
      assert.equal(parseTcp(capturedPacket(name).payload)?.flags, TCP_FLAG.rst | TCP_FLAG.ack, name);
    }
    for (const name of ["synAck4", "synAck6"] as const) {
      assert.equal(parseTcp(capturedPacket(name).payload)?.flags, TCP_FLAG.syn | TCP_FLAG.ack, name);
    }
  });

  it("is read in part from the 8 octets of a short quote", () => {
    const start = parseTcpStart(capturedPacket("syn4").payload.subarray(0, 8));
    assert.deepEqual(start, { sourcePort: 51749, destinationPort: 443, sequence: 1467107010 });
    for (let length = 0; length < 8; length++) assert.equal(parseTcpStart(new Uint8Array(length)), undefined);
  });

  it("is refused where its header is not whole", () => {
    const bytes = capturedPacket("syn4").payload.slice();
    for (let length = 0; length < 40; length++) assert.equal(parseTcp(bytes.subarray(0, length)), undefined);
    bytes[12] = 0x40;
    assert.equal(parseTcp(bytes), undefined);
    bytes[12] = 0xf0;
    assert.equal(parseTcp(bytes), undefined);
  });

  it("is made as captured, over both families", () => {
    for (const name of TCP_NAMES) {
      const { payload, source, destination } = capturedPacket(name);
      const segment = parseTcp(payload);
      assert.ok(segment !== undefined);
      assert.deepEqual(encodeTcp({ ...segment, source, destination }), payload, name);
    }
  });

  it("pads options to whole words and carries a payload", () => {
    const fields = { ...V6, sourcePort: 1, destinationPort: 2, sequence: 0xffffffff, flags: 0xff };
    const bytes = encodeTcp({ ...fields, options: Uint8Array.of(2, 4, 5, 0xb4, 1), payload: Uint8Array.of(7) });
    const segment = parseTcp(bytes);
    assert.deepEqual([...(segment?.options ?? [])], [2, 4, 5, 0xb4, 1, 0, 0, 0]);
    assert.deepEqual([...(segment?.payload ?? [])], [7]);
    assert.equal(segment?.sequence, 0xffffffff);
    assert.equal(segment?.flags, 0xff);
    assert.equal(segment?.window, 64240);
    assert.ok(verifyTransport(bytes, IP_PROTOCOL.tcp, V6.source, V6.destination));
  });

  it("is refused with fields out of their ranges", () => {
    const good = { ...V4, sourcePort: 1, destinationPort: 1, sequence: 0, flags: 2 };
    for (const bad of [
      { sourcePort: 65536 },
      { destinationPort: 65536 },
      { sequence: 2 ** 32 },
      { acknowledgement: -1 },
      { flags: 256 },
      { window: 65536 },
      { options: new Uint8Array(41) },
      { payload: new Uint8Array(65536) },
      { destination: V6.destination },
    ]) {
      assert.throws(() => encodeTcp({ ...good, ...bad }), RangeError);
    }
  });
});

describe("verifying transport checksums", () => {
  it("accepts what was captured and refuses it after a bit flipped", () => {
    for (const name of [...TCP_NAMES, "udpProbe4", "udpProbe6", "echoReply6", "timeExceededTcp6"] as const) {
      const { payload, protocol, source, destination } = capturedPacket(name);
      assert.equal(verifyTransport(payload, protocol, source, destination), true, name);
      payload[1] = (payload[1] ?? 0) ^ 0x80;
      assert.equal(verifyTransport(payload, protocol, source, destination), false, name);
    }
  });

  it("lets UDP's absent checksum pass over IPv4 only", () => {
    for (const [name, expected] of [
      ["udpProbe4", true],
      ["udpProbe6", false],
    ] as const) {
      const { payload, source, destination } = capturedPacket(name);
      payload.set([0, 0], 6);
      assert.equal(verifyTransport(payload, IP_PROTOCOL.udp, source, destination), expected);
    }
  });

  it("leaves what follows a UDP datagram out of the sum, and cannot verify one that is cut", () => {
    const { payload, source, destination } = capturedPacket("udpProbe4");
    const longer = Uint8Array.from([...payload, 1, 2, 3]);
    assert.equal(verifyTransport(longer, IP_PROTOCOL.udp, source, destination), true);
    assert.equal(verifyTransport(payload.subarray(0, 39), IP_PROTOCOL.udp, source, destination), false);
  });

  it("is not deceived by a cut that leaves the sum as it was", () => {
    // Two octets less in the length, and 0xfffd (-2 in one's complement) less in the data.
    const fields = { ...V4, sourcePort: 1, destinationPort: 2, payload: Uint8Array.of(1, 2, 0xff, 0xfd) };
    const bytes = encodeUdp(fields);
    assert.equal(verifyTransport(bytes, IP_PROTOCOL.udp, V4.source, V4.destination), true);
    assert.equal(verifyTransport(bytes.subarray(0, 10), IP_PROTOCOL.udp, V4.source, V4.destination), false);
  });

  it("is false for other protocols, no bytes, and addresses that are no pair", () => {
    const { payload, source, destination } = capturedPacket("udpProbe4");
    assert.equal(verifyTransport(payload, 132, source, destination), false);
    assert.equal(verifyTransport(payload, IP_PROTOCOL.udp, source, new Uint8Array(16)), false);
    for (const protocol of [6, 17, 58]) {
      assert.equal(verifyTransport(new Uint8Array(0), protocol, source, destination), false);
    }
  });
});

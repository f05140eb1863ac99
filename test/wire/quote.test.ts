import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  encodeIcmpError,
  encodeIp,
  encodeMplsExtensions,
  type MplsLabel,
  parseExtensions,
  parseIcmp,
  parseIp,
  parseQuote,
  parseTcpStart,
  parseUdp,
  type Quote,
  verifyIcmp,
} from "../../core/wire/mod.ts";
import { type CaptureName, capture, capturedPacket } from "./captures.ts";

function quoteOf(name: CaptureName): Quote {
  const { payload, version } = capturedPacket(name);
  const quote = parseQuote(payload, version);
  assert.ok(quote !== undefined, name);
  return quote;
}

const LABELS: readonly MplsLabel[] = [
  { label: 339234, trafficClass: 0, bottomOfStack: false, ttl: 1 },
  { label: 16, trafficClass: 5, bottomOfStack: true, ttl: 254 },
];
const TARGET_4 = Uint8Array.of(198, 51, 100, 3);
const ROUTER_6 = { source: new Uint8Array(16).fill(1), destination: new Uint8Array(16).fill(2) };

describe("the quote of a captured error", () => {
  it("names the probe that it answers, over both families", () => {
    const udp = quoteOf("timeExceededUdp4").packet;
    assert.deepEqual(parseUdp(udp.payload), parseUdp(capturedPacket("udpProbe4").payload));
    assert.deepEqual(udp.destination, TARGET_4);
    assert.equal(udp.hopLimit, 1);
    const udp6 = quoteOf("timeExceededUdp6").packet;
    assert.deepEqual(parseUdp(udp6.payload), parseUdp(capturedPacket("udpProbe6").payload));
    assert.equal(parseTcpStart(quoteOf("timeExceededTcp4").packet.payload)?.sequence, 1093622385);
    assert.equal(parseTcpStart(quoteOf("timeExceededTcp6").packet.payload)?.sequence, 918032732);
    assert.equal(parseIcmp(quoteOf("timeExceededEcho4").packet.payload)?.identifier, 5373);
    assert.equal(parseIcmp(quoteOf("timeExceededEcho6").packet.payload)?.identifier, 5374);
  });

  it("is read from unreachable and packet too big as well", () => {
    assert.equal(parseUdp(quoteOf("portUnreachable4").packet.payload)?.sourcePort, 41446);
    assert.equal(parseUdp(quoteOf("portUnreachable6").packet.payload)?.sourcePort, 52793);
    assert.equal(parseIcmp(quoteOf("netUnreachable4").packet.payload)?.identifier, 5385);
    assert.equal(parseIcmp(quoteOf("packetTooBig6").packet.payload)?.identifier, 5383);
  });

  it("carries no extensions where Linux sent none", () => {
    for (const name of ["timeExceededUdp4", "timeExceededUdp6", "fragmentationNeeded4", "packetTooBig6"] as const) {
      assert.deepEqual(quoteOf(name).mpls, [], name);
      assert.equal(quoteOf(name).extensions.length, 0, name);
    }
  });

  it("is longer than 128 octets without being taken apart there", () => {
    const { packet } = quoteOf("fragmentationNeeded4");
    assert.equal(packet.payload.length, 548 - 20);
    assert.equal(packet.totalLength, 1478);
    assert.equal(packet.truncated, true);
    assert.equal(quoteOf("packetTooBig6").packet.payload.length, 1232 - 40);
  });

  it("may hold IP options", () => {
    const { packet } = quoteOf("timeExceededRecordRoute4");
    assert.equal(packet.headerLength, 60);
    assert.equal(parseIcmp(packet.payload)?.identifier, 5379);
  });

  it("may hold IPv6 extension headers", () => {
    const { packet } = quoteOf("timeExceededHeaders6");
    assert.equal(packet.protocol, 17);
    assert.equal(parseUdp(packet.payload)?.destinationPort, 33434);
    assert.equal(quoteOf("timeExceededFragment6").packet.fragmentOffset, 24);
  });

  it("of exactly 28 octets still gives ports, length and checksum", () => {
    const { packet } = quoteOf("timeExceeded28");
    assert.equal(packet.payload.length, 8);
    assert.equal(packet.truncated, true);
    const datagram = parseUdp(packet.payload);
    assert.equal(datagram?.sourcePort, 40000);
    assert.equal(datagram?.destinationPort, 33434);
    assert.equal(datagram?.length, 40);
    assert.equal(datagram?.payload.length, 0);
  });
});

describe("MPLS labels behind a quote", () => {
  it("are found by the length in 32-bit words of version 4", () => {
    const quote = quoteOf("mplsLength32");
    assert.deepEqual(quote.mpls, LABELS);
    assert.equal(quote.extensions.length, 16);
    assert.equal(quote.packet.payload.length, 40);
    assert.equal(quote.packet.truncated, false);
  });

  it("are found by the length in 64-bit words of version 6", () => {
    const quote = quoteOf("mplsLength16v6");
    assert.deepEqual(quote.mpls, LABELS);
    assert.equal(parseUdp(quote.packet.payload)?.sourcePort, 40000);
    assert.equal(parseExtensions(quote.extensions)?.interfaces[0]?.role, "outgoing");
  });

  it("are found at octet 128 where the length is 0", () => {
    assert.deepEqual(quoteOf("mplsLength0").mpls, LABELS);
  });

  it("are found at octet 128 where the length counts the quote without its padding", () => {
    const quote = quoteOf("mplsLength15");
    assert.deepEqual(quote.mpls, LABELS);
    assert.equal(quote.packet.payload.length, 40);
  });

  it("are found at octet 128 where the length lies beyond the end", () => {
    const { payload } = capturedPacket("mplsLength32");
    payload[5] = 255;
    assert.deepEqual(parseQuote(payload, 4)?.mpls, LABELS);
  });

  it("do not count padding as quoted where the length says what was quoted", () => {
    const { payload } = capturedPacket("mplsLength15");
    payload[5] = 9;
    const quote = parseQuote(payload, 4);
    assert.deepEqual(quote?.mpls, LABELS);
    assert.equal(quote?.packet.payload.length, 16);
    assert.equal(quote?.packet.truncated, true);
  });

  it("are refused with a wrong checksum, wherever they are; the quote stays", () => {
    for (const name of ["mplsLength32", "mplsLength0", "mplsLength15"] as const) {
      const { payload } = capturedPacket(name);
      payload[8 + 128 + 3] = (payload[8 + 128 + 3] ?? 0) ^ 1;
      const quote = parseQuote(payload, 4);
      assert.deepEqual(quote?.mpls, [], name);
      assert.equal(quote?.extensions.length, 0, name);
      assert.equal(parseUdp(quote?.packet.payload ?? new Uint8Array(0))?.sourcePort, 40000, name);
    }
  });

  it("without a checksum are believed only where the length announces them", () => {
    for (const [name, expected] of [
      ["mplsLength32", LABELS],
      ["mplsLength0", []],
    ] as const) {
      const { payload } = capturedPacket(name);
      payload.set([0, 0], 8 + 128 + 2);
      assert.deepEqual(parseQuote(payload, 4)?.mpls, expected, name);
    }
  });

  it("are not believed before octet 128, where a quote may not end", () => {
    const original = encodeIp({
      source: TARGET_4,
      destination: TARGET_4,
      protocol: 17,
      hopLimit: 1,
      payload: Uint8Array.from([...new Uint8Array(12), ...encodeMplsExtensions(LABELS)]),
    });
    const bytes = encodeIcmpError({ version: 4, type: 11, code: 0, original });
    bytes[5] = 8;
    const quote = parseQuote(bytes, 4);
    assert.deepEqual(quote?.mpls, []);
    assert.equal(quote?.packet.payload.length, 28);
  });

  it("beside a length too small for any quote leave the quote whole", () => {
    const { payload } = capturedPacket("mplsLength32");
    payload[5] = 6;
    const quote = parseQuote(payload, 4);
    assert.deepEqual(quote?.mpls, LABELS);
    assert.equal(quote?.packet.payload.length, 40);
  });

  it("that are of no use do not count as quoted", () => {
    const original = encodeIp({
      source: TARGET_4,
      destination: TARGET_4,
      protocol: 17,
      hopLimit: 1,
      payload: new Uint8Array(300),
    });
    const extensions = encodeMplsExtensions(LABELS);
    extensions[3] = (extensions[3] ?? 0) ^ 1;
    const bytes = encodeIcmpError({ version: 4, type: 11, code: 0, original, extensions, quoteLength: 128 });
    const quote = parseQuote(bytes, 4);
    assert.deepEqual(quote?.mpls, []);
    assert.equal(quote?.packet.payload.length, 108);
  });

  it("are not sought in types that carry no extensions", () => {
    for (const type of [2, 4]) {
      const { payload } = capturedPacket("mplsLength16v6");
      payload[0] = type;
      const quote = parseQuote(payload, 6);
      assert.deepEqual(quote?.mpls, []);
      assert.equal(quote?.packet.payload.length, 40);
    }
  });

  it("follow a quote longer than 128 octets", () => {
    const original = encodeIp({
      source: TARGET_4,
      destination: TARGET_4,
      protocol: 17,
      hopLimit: 1,
      payload: new Uint8Array(300).fill(7),
    });
    const bytes = encodeIcmpError({
      version: 4,
      type: 11,
      code: 0,
      original,
      extensions: encodeMplsExtensions(LABELS),
    });
    assert.equal(bytes[5], 80);
    const quote = parseQuote(bytes, 4);
    assert.deepEqual(quote?.mpls, LABELS);
    assert.equal(quote?.packet.payload.length, 300);
  });
});

describe("what is no quote", () => {
  it("is undefined: other types, the wrong version, too few octets", () => {
    assert.equal(parseQuote(capturedPacket("echoReply4").payload, 4), undefined);
    assert.equal(parseQuote(capturedPacket("echoReply6").payload, 6), undefined);
    assert.equal(parseQuote(capturedPacket("timeExceededUdp6").payload, 4), undefined);
    const { payload } = capturedPacket("timeExceededUdp4");
    for (let length = 0; length < 28; length++) assert.equal(parseQuote(payload.subarray(0, length), 4), undefined);
    for (const type of [0, 4, 5, 8, 13]) {
      payload[0] = type;
      assert.equal(parseQuote(payload, 4), undefined, `type ${type}`);
    }
  });

  it("is undefined: an error of one version that quotes the other", () => {
    const original = capture("udpProbe6");
    assert.equal(parseQuote(encodeIcmpError({ version: 4, type: 11, code: 0, original }), 4), undefined);
    const six = encodeIcmpError({ version: 6, type: 3, code: 0, original: capture("udpProbe4"), ...ROUTER_6 });
    assert.equal(parseQuote(six, 6), undefined);
  });

  it("is undefined: IP options that are cut", () => {
    const { payload } = capturedPacket("timeExceededRecordRoute4");
    assert.equal(parseQuote(payload.subarray(0, 8 + 28), 4), undefined);
    assert.ok(parseQuote(payload.subarray(0, 8 + 68), 4) !== undefined);
  });
});

describe("making an ICMP error", () => {
  it("gives the octets that Linux sent in answer to the captured probes", () => {
    for (const [probe, answer, type, code] of [
      ["udpProbe4", "timeExceededUdp4", 11, 0],
      ["udpProbe6", "timeExceededUdp6", 3, 0],
    ] as const) {
      const { version, source, destination, payload } = capturedPacket(answer);
      const made = encodeIcmpError({ version, type, code, original: capture(probe), source, destination });
      assert.deepEqual(made, payload, answer);
    }
  });

  it("cuts the quote where Linux cuts it, and puts the MTU where it has it", () => {
    for (const [answer, type, code] of [
      ["fragmentationNeeded4", 3, 4],
      ["packetTooBig6", 2, 0],
    ] as const) {
      const { version, source, destination, payload } = capturedPacket(answer);
      const original = Uint8Array.from([...payload.subarray(8), ...new Uint8Array(200)]);
      const rest = Uint8Array.of(0, 0, 1400 >>> 8, 1400 & 0xff);
      const made = encodeIcmpError({ version, type, code, original, rest, source, destination });
      assert.deepEqual(made, payload, answer);
    }
  });

  it("with extensions gives the octets that scapy made", () => {
    const original = encodeIp(quoteOf("mplsLength32").packet);
    const extensions = encodeMplsExtensions(LABELS);
    const made = encodeIcmpError({ version: 4, type: 11, code: 0, original, extensions });
    assert.deepEqual(made, capturedPacket("mplsLength32").payload);
    const six = capturedPacket("mplsLength16v6");
    const made6 = encodeIcmpError({
      version: 6,
      type: 3,
      code: 0,
      original: encodeIp(quoteOf("mplsLength16v6").packet),
      extensions: quoteOf("mplsLength16v6").extensions,
      source: six.source,
      destination: six.destination,
    });
    assert.deepEqual(made6, six.payload);
  });

  it("quotes no more octets than it is told", () => {
    const original = capture("udpProbe4");
    const short = encodeIcmpError({ version: 4, type: 11, code: 0, original, quoteLength: 28 });
    assert.equal(short.length, 36);
    const extensions = encodeMplsExtensions(LABELS);
    const extended = encodeIcmpError({ version: 4, type: 11, code: 0, original, extensions, quoteLength: 28 });
    assert.equal(extended.length, 8 + 128 + 16);
    assert.deepEqual([...extended.subarray(36, 136)], [...new Uint8Array(100)]);
  });

  it("with extensions keeps within the limits of the reply, in whole words", () => {
    const extensions = encodeMplsExtensions([...LABELS, ...LABELS.slice(1)]);
    for (const [version, type, limit] of [
      [4, 11, 576 - 20],
      [6, 3, 1280 - 40],
    ] as const) {
      const addresses = version === 4 ? { source: TARGET_4, destination: TARGET_4 } : ROUTER_6;
      const original = encodeIp({ ...addresses, protocol: 17, hopLimit: 1, payload: new Uint8Array(1441) });
      const made = encodeIcmpError({ version, type, code: 0, original, extensions, ...addresses });
      assert.ok(made.length <= limit && made.length > limit - 16, `${made.length} octets`);
      assert.ok(verifyIcmp(made, version, addresses.source, addresses.destination));
      const quote = parseQuote(made, version);
      assert.equal(quote?.mpls.length, 3);
      assert.equal(quote?.packet.truncated, true);
    }
  });

  it("keeps the octets of `rest` that are not the length", () => {
    const original = capture("udpProbe4");
    const rest = Uint8Array.of(7, 0, 5, 120);
    const extensions = encodeMplsExtensions(LABELS);
    const made = encodeIcmpError({ version: 4, type: 12, code: 0, original, extensions, rest });
    assert.deepEqual([...made.subarray(4, 8)], [7, 32, 5, 120]);
    assert.deepEqual([...rest], [7, 0, 5, 120]);
  });

  it("refuses extensions to types that carry none, and a quote longer than the length field can say", () => {
    const original = new Uint8Array(2000);
    const extensions = encodeMplsExtensions(LABELS);
    const fields = { original, extensions, code: 0, ...ROUTER_6 };
    assert.throws(() => encodeIcmpError({ ...fields, version: 6, type: 2 }), {
      name: "RangeError",
      message: "Cannot encode an ICMP error: version 6 type 2 carries no extensions",
    });
    assert.throws(() => encodeIcmpError({ ...fields, version: 4, type: 5 }), RangeError);
    assert.throws(() => encodeIcmpError({ ...fields, version: 4, type: 11, quoteLength: 1100 }), RangeError);
    assert.throws(() => encodeIcmpError({ ...fields, version: 4, type: 11, quoteLength: -1 }), RangeError);
  });

  it("is read back whole by parseIp and parseQuote", () => {
    const original = capture("udpProbe4");
    const message = encodeIcmpError({ version: 4, type: 3, code: 13, original });
    const packet = parseIp(
      encodeIp({ source: TARGET_4, destination: TARGET_4, protocol: 1, hopLimit: 64, payload: message }),
    );
    assert.deepEqual(parseQuote(packet?.payload ?? new Uint8Array(0), 4)?.packet, parseIp(original));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeIp, IP_PROTOCOL, parseIp, parseQuotedIp, verifyIpv4Header } from "../../core/wire/mod.ts";
import { CAPTURE_NAMES, capture, capturedPacket } from "./captures.ts";

const V4 = { source: Uint8Array.of(192, 0, 2, 1), destination: Uint8Array.of(198, 51, 100, 3) };
const V6 = {
  source: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  destination: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3),
};

describe("reading IPv4", () => {
  it("reads every field of a captured packet", () => {
    const { payload, ...fields } = capturedPacket("echoRequest4");
    assert.deepEqual(fields, {
      version: 4,
      headerLength: 20,
      totalLength: 84,
      hopLimit: 64,
      protocol: IP_PROTOCOL.icmp,
      ...V4,
      identification: 54914,
      dontFragment: true,
      fragmentOffset: 0,
      moreFragments: false,
      trafficClass: 0,
      flowLabel: 0,
      truncated: false,
    });
    assert.equal(payload.length, 64);
  });

  it("reads the traffic class that Linux gives to its errors", () => {
    assert.equal(capturedPacket("timeExceededUdp4").trafficClass, 0xc0);
  });

  it("steps over options", () => {
    const packet = capturedPacket("timeExceededRecordRoute4");
    assert.equal(packet.headerLength, 60);
    assert.equal(packet.payload[0], 11);
  });

  it("reads fragment offset in octets and the more-fragments bit", () => {
    const bytes = capture("udpProbe4");
    bytes.set([0x20, 0xb9], 6);
    const packet = parseIp(bytes);
    assert.equal(packet?.fragmentOffset, 185 * 8);
    assert.equal(packet?.moreFragments, true);
    assert.equal(packet?.dontFragment, false);
  });

  it("leaves padding behind the packet out of the payload", () => {
    const bytes = new Uint8Array(100);
    bytes.set(capture("rst4"));
    assert.equal(parseIp(bytes)?.payload.length, 20);
    assert.equal(parseIp(bytes)?.truncated, false);
  });

  it("says when the packet was cut", () => {
    const packet = parseIp(capture("udpProbe4").subarray(0, 28));
    assert.equal(packet?.truncated, true);
    assert.equal(packet?.totalLength, 60);
    assert.equal(packet?.payload.length, 8);
  });

  it("gives views, not copies", () => {
    const bytes = capture("udpProbe4");
    const packet = parseIp(bytes);
    bytes[12] = 10;
    bytes[20] = 0xab;
    assert.equal(packet?.source[0], 10);
    assert.equal(packet?.payload[0], 0xab);
  });

  it("refuses what has no whole header", () => {
    const bytes = capture("udpProbe4");
    for (const length of [0, 1, 19]) assert.equal(parseIp(bytes.subarray(0, length)), undefined);
    assert.equal(parseIp(capture("timeExceededRecordRoute4").subarray(0, 59)), undefined);
    for (const first of [0x44, 0x40, 0x55, 0x05, 0xf5]) {
      bytes[0] = first;
      assert.equal(parseIp(bytes), undefined, `first octet ${first}`);
    }
  });

  it("refuses a total length below the header's, but not inside a quote", () => {
    const bytes = capture("udpProbe4");
    bytes.set([0, 8], 2);
    assert.equal(parseIp(bytes), undefined);
    assert.equal(parseQuotedIp(bytes)?.payload.length, 40);
  });
});

describe("the IPv4 header checksum", () => {
  it("is right in every captured packet", () => {
    for (const name of CAPTURE_NAMES) {
      const bytes = capture(name);
      if ((bytes[0] ?? 0) >>> 4 === 4) assert.equal(verifyIpv4Header(bytes), true, name);
    }
  });

  it("is wrong after any octet of the header changed", () => {
    for (let at = 0; at < 20; at++) {
      const bytes = capture("udpProbe4");
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      assert.equal(verifyIpv4Header(bytes), false, `octet ${at}`);
    }
  });

  it("is false for IPv6 and for headers cut short", () => {
    assert.equal(verifyIpv4Header(capture("udpProbe6")), false);
    assert.equal(verifyIpv4Header(capture("timeExceededRecordRoute4").subarray(0, 58)), false);
    assert.equal(verifyIpv4Header(new Uint8Array(0)), false);
  });

  it("is not asked for by parseIp: the record-route quote has it wrong and is read all the same", () => {
    const quote = capturedPacket("timeExceededRecordRoute4").payload.subarray(8);
    assert.equal(verifyIpv4Header(quote), false);
    assert.equal(parseIp(quote)?.headerLength, 60);
  });
});

describe("reading IPv6", () => {
  it("reads every field of a captured packet", () => {
    const { payload, ...fields } = capturedPacket("udpProbe6");
    assert.deepEqual(fields, {
      version: 6,
      headerLength: 40,
      totalLength: 80,
      hopLimit: 1,
      protocol: IP_PROTOCOL.udp,
      ...V6,
      identification: 0,
      dontFragment: true,
      fragmentOffset: 0,
      moreFragments: false,
      trafficClass: 0,
      flowLabel: 0x617b4,
      truncated: false,
    });
    assert.equal(payload.length, 40);
  });

  it("walks hop-by-hop, destination, fragment and routing headers to the upper one", () => {
    const packet = parseIp(capturedPacket("timeExceededHeaders6").payload.subarray(8));
    assert.equal(packet?.protocol, IP_PROTOCOL.udp);
    assert.equal(packet?.headerLength, 40 + 8 + 16 + 8 + 24);
    assert.equal(packet?.identification, 0xdecade);
    assert.equal(packet?.moreFragments, true);
    assert.equal(packet?.fragmentOffset, 0);
    assert.deepEqual([...(packet?.payload.subarray(0, 4) ?? [])], [0x9c, 0x40, 0x82, 0x9a]);
  });

  it("stops behind a later fragment's header", () => {
    const packet = parseIp(capturedPacket("timeExceededFragment6").payload.subarray(8));
    assert.equal(packet?.fragmentOffset, 24);
    assert.equal(packet?.moreFragments, false);
    assert.equal(new TextDecoder().decode(packet?.payload), "middle of a datagram");
  });

  it("takes a later fragment's octets for no header even where they claim to be one", () => {
    const bytes = capture("timeExceededFragment6").slice(48);
    bytes[40] = 60;
    assert.equal(parseIp(bytes)?.protocol, 60);
    assert.equal(parseIp(bytes)?.headerLength, 48);
  });

  it("refuses a header or an extension header that is cut", () => {
    const whole = capture("timeExceededHeaders6").subarray(48);
    assert.ok(parseIp(whole.subarray(0, 96)) !== undefined);
    for (let length = 0; length < 96; length++) assert.equal(parseIp(whole.subarray(0, length)), undefined);
  });

  it("refuses extension headers that go beyond the payload length", () => {
    const bytes = capture("timeExceededHeaders6").slice(48);
    bytes.set([0, 10], 4);
    assert.equal(parseIp(bytes), undefined);
  });

  it("walks 16 extension headers and no more", () => {
    const chain = (headers: number) => {
      const payload = new Uint8Array(8 * headers + 8);
      for (let at = 0; at < headers; at++) payload[8 * at] = at === headers - 1 ? 17 : 60;
      return parseIp(encodeIp({ ...V6, protocol: 60, hopLimit: 1, payload }));
    };
    assert.equal(chain(16)?.protocol, 17);
    assert.equal(chain(16)?.payload.length, 8);
    assert.equal(chain(17), undefined);
  });
});

describe("making IP packets", () => {
  it("gives the captured octets of packets without options and extension headers", () => {
    for (const name of CAPTURE_NAMES) {
      const bytes = capture(name);
      const packet = capturedPacket(name);
      if (packet.headerLength === (packet.version === 4 ? 20 : 40)) assert.deepEqual(encodeIp(packet), bytes, name);
    }
  });

  it("puts identification, don't-fragment and traffic class where they are read", () => {
    const fields = { ...V4, protocol: 6, hopLimit: 255, payload: Uint8Array.of(1, 2, 3) };
    const bytes = encodeIp({ ...fields, identification: 0xbeef, dontFragment: true, trafficClass: 0xff });
    const packet = parseIp(bytes);
    assert.ok(verifyIpv4Header(bytes));
    assert.equal(packet?.identification, 0xbeef);
    assert.equal(packet?.dontFragment, true);
    assert.equal(packet?.trafficClass, 0xff);
    assert.equal(packet?.totalLength, 23);
    const six = parseIp(encodeIp({ ...fields, ...V6, trafficClass: 0xff, flowLabel: 0xfffff }));
    assert.equal(six?.version, 6);
    assert.equal(six?.trafficClass, 0xff);
    assert.equal(six?.flowLabel, 0xfffff);
  });

  it("refuses fields out of their ranges", () => {
    const good = { ...V4, protocol: 1, hopLimit: 1, payload: new Uint8Array(0) };
    assert.throws(() => encodeIp({ ...good, hopLimit: 300 }), {
      name: "RangeError",
      message: "Cannot encode an IP packet: hop limit 300 is not an integer of 0-255",
    });
    for (const bad of [
      { hopLimit: -1 },
      { hopLimit: 1.5 },
      { hopLimit: Number.NaN },
      { protocol: 256 },
      { trafficClass: 256 },
      { identification: 65536 },
      { payload: new Uint8Array(65516) },
      { source: V6.source },
      { source: new Uint8Array(0), destination: new Uint8Array(0) },
    ]) {
      assert.throws(() => encodeIp({ ...good, ...bad }), RangeError);
    }
    assert.throws(() => encodeIp({ ...good, ...V6, flowLabel: 0x100000 }), RangeError);
    assert.throws(() => encodeIp({ ...good, ...V6, payload: new Uint8Array(65536) }), RangeError);
  });
});

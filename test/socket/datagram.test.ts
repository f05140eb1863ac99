import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Family } from "../../core/address.ts";
import { SocketError } from "../../core/errors.ts";
import type { Arrival, Network, PacketArrival, ProbeSocket, SocketSpec } from "../../core/network.ts";
import { encodeEcho, encodeTcp, encodeUdp, isIcmpError, parseIcmp, TCP_FLAG } from "../../core/wire/mod.ts";
import { address, collectGarbage, FAMILIES, hasRoot, isKind, LOOPBACK, loopback, openNetwork, until } from "./host.ts";

function echo(version: Family, sequence: number): Uint8Array {
  const { bytes } = LOOPBACK[version];
  const payload = new Uint8Array(16).fill(sequence);
  return encodeEcho({ version, request: true, identifier: 4711, sequence, payload, source: bytes, destination: bytes });
}

/** A raw ICMP socket that heard no ICMP error for a quarter of a second: other programs' errors on this host count too. */
async function openTapped(network: Network, spec: SocketSpec, family: Family): Promise<ProbeSocket> {
  for (let tries = 0; tries < 20; tries += 1) {
    const socket = network.open(spec, family);
    const untilMs = network.nowMs() + 250;
    let arrival = await network.receive(untilMs);
    while (arrival !== undefined && !(arrival.kind === "packet" && isIcmpError(family, arrival.bytes[0] ?? 0))) {
      arrival = await network.receive(untilMs);
    }
    if (arrival === undefined) return socket;
    socket[Symbol.dispose]();
  }
  assert.fail("this host is never without ICMP errors");
}

const UNREACHABLE = { 4: { type: 3, code: 3 }, 6: { type: 1, code: 4 } } as const;

for (const family of FAMILIES) {
  describe(`Linux sockets over the loopback interface, IPv${family}`, () => {
    const icmp = { type: "raw", protocol: family === 4 ? 1 : 58 } as const;

    it("a raw ICMP socket that heard no ICMP error for a while gets a tap; both get the reply without its IP header", async (t) => {
      if (!hasRoot(t)) return;
      using network = openNetwork();
      using socket = await openTapped(network, icmp, family);
      assert.equal(socket.localPort, 0);
      const copies: PacketArrival[] = [];
      socket.send(echo(family, 5), loopback(family), 9, 5);
      const isOurs = (arrival: Arrival): arrival is PacketArrival =>
        arrival.kind === "packet" && parseIcmp(arrival.bytes)?.identifier === 4711;
      while (copies.length < 2) {
        const packet = await until(network, isOurs);
        const message = parseIcmp(packet.bytes);
        assert.deepEqual([message?.type, message?.sequence], [family === 4 ? 0 : 129, 5]);
        assert.deepEqual([packet.from.text, packet.fromPort], [LOOPBACK[family].text, 0]);
        assert.deepEqual([packet.protocol, packet.hopLimit], [icmp.protocol, 64]);
        copies.push({ ...packet, bytes: packet.bytes.slice() });
      }
      assert.deepEqual(copies.map(({ tapped }) => tapped).sort(), [false, true]);
      assert.deepEqual(copies[0]?.bytes, copies[1]?.bytes);
    });

    it("a UDP socket gets datagrams with their port and the hop limit each was sent with", async () => {
      using network = openNetwork();
      using from = network.open({ type: "udp" }, family);
      using to = network.open({ type: "udp" }, family);
      for (const hopLimit of [1, 7, 255]) {
        from.send(Uint8Array.of(hopLimit), loopback(family, to.localPort), hopLimit, 0);
        const packet = await until(network, isKind(to, "packet"));
        assert.deepEqual([...packet.bytes], [hopLimit]);
        assert.deepEqual([packet.hopLimit, packet.fromPort, packet.protocol], [hopLimit, from.localPort, 17]);
        assert.equal(packet.tapped, false);
      }
    });

    it("a closed UDP port is an error that names target, port and quoted payload, and is not local", async () => {
      using network = openNetwork();
      using socket = network.open({ type: "udp" }, family);
      using reserved = network.open({ type: "udp" }, family);
      const port = reserved.localPort;
      reserved[Symbol.dispose]();
      socket.send(new TextEncoder().encode("quoted back"), loopback(family, port), 3, 1);
      const error = await until(network, isKind(socket, "error"));
      assert.deepEqual(error.icmp, UNREACHABLE[family]);
      assert.deepEqual([error.offender.text, error.toPort], [LOOPBACK[family].text, port]);
      assert.equal(new TextDecoder().decode(error.quoted), "quoted back");
      assert.deepEqual([error.extensions.length, error.replyHopLimit], [0, 64]);
      assert.deepEqual([error.local, error.retransmitted, error.mtu], [false, false, undefined]);
    });

    it("sends go on while earlier errors are pending, and every departure and error is told", async () => {
      using network = openNetwork();
      using socket = network.open({ type: "udp" }, family);
      const total = 300;
      const bytes = new Uint8Array(32);
      for (let tag = 0; tag < total; tag++) {
        new DataView(bytes.buffer).setUint32(0, tag);
        socket.send(bytes, loopback(family, 9), 1, tag);
      }
      const departures = new Map<number, number>();
      const errors = new Map<number, number>();
      while (departures.size < total || errors.size < total) {
        const arrival = await until(network, (a): a is Arrival => a.socket === socket);
        if (arrival.kind === "departure") departures.set(arrival.tag, arrival.atMs);
        if (arrival.kind !== "error") continue;
        const { quoted } = arrival;
        errors.set(new DataView(quoted.buffer, quoted.byteOffset).getUint32(0), arrival.atMs);
      }
      for (const [tag, atMs] of errors) assert.ok(atMs >= (departures.get(tag) ?? Number.NaN), `probe ${tag}`);
    });

    it("quotes stay whole while garbage is collected between sends and receives", async () => {
      using network = openNetwork();
      using socket = network.open({ type: "udp" }, family);
      const litter: unknown[] = [];
      for (let i = 0; i < 3000; i++) {
        // A small array of its own each time: these are what moves in memory.
        const bytes = new Uint8Array(24).fill(i & 0xff);
        socket.send(bytes, loopback(family, 9), 1, i);
        for (let k = 0; k < 20; k++) litter.push(new Uint8Array(k), { k });
        if (i % 500 === 0) collectGarbage();
        const { quoted } = await until(network, isKind(socket, "error"));
        assert.equal(quoted.length, 24);
        assert.ok(quoted.every((octet) => octet === (i & 0xff)));
      }
    });

    it("a raw socket's port filter passes the remote port's segments to the local port only", async (t) => {
      if (!hasRoot(t)) return;
      using network = openNetwork();
      using filtered = network.open({ type: "raw", protocol: 6, ports: { local: 4001, remote: 4002 } }, family);
      using sender = network.open({ type: "raw", protocol: 6, ports: { local: 1, remote: 1 } }, family);
      const { bytes } = LOOPBACK[family];
      const ends = { source: bytes, destination: bytes, flags: TCP_FLAG.rst };
      for (const [sourcePort, destinationPort, sequence] of [
        [4001, 4002, 1],
        [4002, 4003, 2],
        [4002, 4001, 3],
      ] as const) {
        sender.send(encodeTcp({ ...ends, sourcePort, destinationPort, sequence }), loopback(family), 5, 0);
      }
      const { bytes: segment, hopLimit } = await until(network, isKind(filtered, "packet"));
      assert.equal(new DataView(segment.buffer, segment.byteOffset).getUint32(4), 3);
      assert.equal(hopLimit, 5);
    });

    it("a raw UDP socket sends what a UDP socket receives", async (t) => {
      if (!hasRoot(t)) return;
      using network = openNetwork();
      using raw = network.open({ type: "raw", protocol: 17 }, family);
      using udp = network.open({ type: "udp" }, family);
      const { bytes } = LOOPBACK[family];
      const payload = Uint8Array.of(1, 2, 3);
      const ends = { source: bytes, destination: bytes, sourcePort: 4004, destinationPort: udp.localPort };
      raw.send(encodeUdp({ ...ends, payload }), loopback(family, 4005), 5, 0);
      const packet = await until(network, isKind(udp, "packet"));
      assert.deepEqual([[...packet.bytes], packet.fromPort, packet.hopLimit], [[1, 2, 3], 4004, 5]);
    });

    it("the route to the loopback address is the loopback interface", () => {
      using network = openNetwork();
      const route = network.route(LOOPBACK[family]);
      assert.deepEqual([route.source.text, route.interface], [LOOPBACK[family].text, "lo"]);
    });

    it("binds to source and interface where they exist", async () => {
      using network = openNetwork({ source: LOOPBACK[family], interface: "lo" });
      using socket = network.open({ type: "udp" }, family);
      socket.send(Uint8Array.of(1), loopback(family, socket.localPort), 1, 1);
      const packet = await until(network, isKind(socket, "packet"));
      assert.equal(packet.from.text, LOOPBACK[family].text);
    });
  });
}

describe("refusals of Linux sockets", () => {
  const refused = (errno: string, stage: string) => (error: unknown) =>
    error instanceof SocketError && error.errno === errno && error.stage === stage;

  it("a source that is not this host's is refused when binding", () => {
    using network = openNetwork({ source: address("203.0.113.9") });
    assert.throws(() => network.open({ type: "udp" }, 4), refused("EADDRNOTAVAIL", "bind"));
    assert.throws(() => network.dial(loopback(4, 9), 1, 0), refused("EADDRNOTAVAIL", "bind"));
    assert.throws(() => network.route(LOOPBACK[4]), refused("EADDRNOTAVAIL", "bind"));
    assert.throws(() => network.open({ type: "udp" }, 6), refused("EAFNOSUPPORT", "bind"));
  });

  it("an interface that does not exist is refused when binding, however long its name", () => {
    for (const name of ["nettrace-none", "n".repeat(40)]) {
      using network = openNetwork({ interface: name });
      assert.throws(() => network.open({ type: "udp" }, 4), refused("ENODEV", "bind"));
      assert.throws(() => network.route(LOOPBACK[4]), refused("ENODEV", "bind"));
    }
  });

  it("a zone that does not exist is refused", () => {
    using network = openNetwork();
    assert.throws(() => network.route(address("fe80::1%nettrace-none")), refused("ENODEV", "route"));
    using socket = network.open({ type: "udp" }, 6);
    const to = { address: address("fe80::1%nettrace-none"), port: 9 };
    assert.throws(() => socket.send(new Uint8Array(1), to, 1, 0), refused("ENODEV", "send"));
  });

  it("a datagram that no IP packet holds is refused, and the socket works on", async () => {
    using network = openNetwork();
    using socket = network.open({ type: "udp" }, 4);
    for (const length of [65_508, 70_000]) {
      assert.throws(() => socket.send(new Uint8Array(length), loopback(4, 9), 1, 0), refused("EMSGSIZE", "send"));
    }
    socket.send(new Uint8Array(4), loopback(4, 9), 1, 77);
    assert.equal((await until(network, isKind(socket, "departure"))).tag, 77);
    assert.equal((await until(network, isKind(socket, "error"))).quoted.length, 4);
  });

  it("a hop limit that no packet has is refused when sending", () => {
    using network = openNetwork();
    using socket = network.open({ type: "udp" }, 4);
    assert.throws(() => socket.send(new Uint8Array(1), loopback(4, 9), 256, 0), refused("EINVAL", "send"));
  });

  it("a port in use is refused, and a closed socket sends nothing", () => {
    using network = openNetwork();
    const socket = network.open({ type: "udp" }, 4);
    assert.throws(() => network.open({ type: "udp", localPort: socket.localPort }, 4), refused("EADDRINUSE", "bind"));
    socket[Symbol.dispose]();
    socket[Symbol.dispose]();
    assert.throws(() => socket.send(new Uint8Array(1), loopback(4, 9), 1, 0), refused("EBADF", "send"));
  });

  it("a reserved TCP port and a handshake send nothing", () => {
    using network = openNetwork();
    using port = network.open({ type: "tcp-port" }, 4);
    assert.throws(() => port.send(new Uint8Array(1), loopback(4, 9), 1, 0), refused("EOPNOTSUPP", "send"));
  });
});

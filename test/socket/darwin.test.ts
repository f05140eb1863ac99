import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Family, parseAddress } from "../../core/address.ts";
import type { Bench, PluginBenches } from "../../core/conformance/bench.ts";
import { SocketError } from "../../core/errors.ts";
import { closed, endpointOf, mpls, plain, respondersOf, silent, unreachable } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { HEADS } from "../../core/socket/darwin/abi.ts";
import { errnoName } from "../../core/socket/darwin/errno.ts";
import { parseControl } from "../../core/socket/darwin/message.ts";
import { stripIpv4 } from "../../core/socket/darwin/received-icmp.ts";
import { createDarwinNetwork } from "../../core/socket/darwin.ts";
import { Arena } from "../../core/socket/linux/arena.ts";
import { readSockaddr, writeSockaddr } from "../../core/socket/linux/sockaddr.ts";
import { encodeIcmp, encodeIp, verifyIcmp } from "../../core/wire/mod.ts";
import { icmp } from "../../plugins/icmp.ts";
import { tcpConnect } from "../../plugins/tcp-connect.ts";
import { udp } from "../../plugins/udp.ts";
import { echoAnswer } from "../contract/echo.ts";
import { networkContract, pluginContract } from "../contract.ts";
import { writeControl } from "./fakes/darwin-layout.ts";
import { type DarwinHost, FakeDarwin } from "./fakes/darwin-libc.ts";
import { createMemory } from "./fakes/memory.ts";
import { address } from "./host.ts";

const region = new Arena(createMemory(), 512).take(256);

/** Behind port 443 is the program that the suite of networks speaks with. */
function speaking(topology: Topology): Topology {
  return { ...topology, target: { ...topology.target, tcp: { ports: { 443: echoAnswer } } } };
}

function bench(topology: Topology, family: Family, port: number, host: DarwinHost): Bench {
  const libc = new FakeDarwin(topology, host);
  return {
    network: createDarwinNetwork(libc, {}),
    target: endpointOf(topology, family, port),
    responders: respondersOf(topology, family),
    sent: () => libc.wire.sent,
    openSockets: () => libc.openDescriptors,
  };
}

function benches(port: number, host: DarwinHost): PluginBenches {
  const labels = mpls().hops.map(({ routers: [router] }) => router.mpls ?? []);
  return {
    families: [4, 6],
    recordsSent: true,
    serves: { datagrams: false, streams: false },
    plain: (family) => bench(plain(7), family, port, host),
    closed: (family) => bench(closed(), family, port, host),
    unreachable: (family) => ({ ...bench(unreachable(), family, port, host), unreachableAt: 3 }),
    silent: (family) => bench(silent(), family, port, host),
    mpls: (family) => ({
      ...bench(mpls(), family, port, host),
      mpls: Object.fromEntries(labels.map((stack, at) => [at + 1, stack])),
    }),
    noSockets: (family) => bench(plain(4), family, port, { ...host, noSockets: true }),
  };
}

for (const root of [true, false]) {
  const title = `the Darwin network on a fake kernel as ${root ? "root" : "nobody"}`;
  const unroutable = (family: Family): string => (family === 4 ? "203.0.113.99" : "2001:db8:dead::99");
  networkContract(
    title,
    (family) => {
      const nowhere = parseAddress(unroutable(family));
      const made = bench(speaking(plain(5)), family, 0, { root, unroutable: unroutable(family) });
      const ports = { openPort: 443, closedPort: 81, closedUdpPort: 33_434 };
      return { ...made, target: made.target.address, ...ports, ...(nowhere && { unroutable: nowhere }) };
    },
    { families: [4, 6], raw: root, ping: true, departures: false, rawTcp: false },
  );
}

const TCP_MARKS = { marks: { plain: "open", closed: "closed" } };
const UDP_MARKS = { marks: { plain: "closed", closed: "closed" } };

pluginContract("icmp on Darwin as root", icmp, benches(0, { root: true }), { mode: "raw" });
pluginContract("icmp on Darwin as nobody", icmp, benches(0, { root: false }), { mode: "ping-socket" });
pluginContract("udp on Darwin as root", udp, benches(33_434, { root: true }), { ...UDP_MARKS, mode: "udp+raw-icmp" });
pluginContract("udp on Darwin as nobody", udp, benches(33_434, { root: false }), { ...UDP_MARKS, mode: "error-queue" });
pluginContract("tcp-connect on Darwin as nobody", tcpConnect, benches(443, { root: false }), {
  ...TCP_MARKS,
  mode: "connect",
});

describe("Darwin's structures", () => {
  it("have addresses whose first octet is their length", () => {
    assert.equal(writeSockaddr(region, address("198.51.100.7"), 443, 0, HEADS), 16);
    assert.deepEqual([...region.bytes.subarray(0, 16)], [16, 2, 0x01, 0xbb, 198, 51, 100, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(writeSockaddr(region, address("2001:db8::7"), 33_434, 4, HEADS), 28);
    assert.deepEqual([...region.bytes.subarray(0, 8)], [28, 30, 0x82, 0x9a, 0, 0, 0, 0]);
    assert.deepEqual([...region.bytes.subarray(24, 28)], [4, 0, 0, 0]);
    const name = readSockaddr(region, 0, (index) => `en${index}`, HEADS);
    assert.deepEqual([name?.address.text, name?.address.zone, name?.port], ["2001:db8::7", "en4", 33_434]);
  });

  it("are not taken for Linux's", () => {
    writeSockaddr(region, address("198.51.100.7"), 443, 0);
    assert.equal(readSockaddr(region, 0, String, HEADS), undefined);
  });

  it("have ancillary data with headers of 12 octets, aligned to 4", () => {
    const ticks = Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0);
    const length = writeControl(region.bytes, [
      [0, 24, Uint8Array.of(61)],
      [0xffff, 4, ticks],
    ]);
    assert.equal(length, 16 + 20);
    assert.deepEqual(parseControl(region, length), { hopLimit: 61, stamp: 513n });
    const v6 = writeControl(region.bytes, [[41, 47, Uint8Array.of(62, 0, 0, 0)]]);
    assert.deepEqual(parseControl(region, v6), { hopLimit: 62 });
  });

  it("are read without an exception however they are cut or garbled", () => {
    for (let seed = 0; seed < 5000; seed++) {
      const length = writeControl(region.bytes, [
        [0, 24, Uint8Array.of(61)],
        [0xffff, 4, new Uint8Array(8)],
      ]);
      region.bytes[(seed * 7) % length] = (seed * 31) & 0xff;
      parseControl(region, (seed * 13) % 256);
    }
  });

  it("have error numbers of their own", () => {
    assert.deepEqual([35, 36, 48, 51, 61, 64, 65].map(errnoName), [
      "EAGAIN",
      "EINPROGRESS",
      "EADDRINUSE",
      "ENETUNREACH",
      "ECONNREFUSED",
      "EHOSTDOWN",
      "EHOSTUNREACH",
    ]);
    assert.equal(errnoName(4711), "errno 4711");
  });
});

describe("ICMP as Darwin hands it over", () => {
  const source = address("10.0.3.1").bytes;
  const destination = address("192.0.2.1").bytes;
  const quoted = encodeIp({
    source: destination,
    destination: source,
    protocol: 17,
    hopLimit: 1,
    payload: new Uint8Array(24),
  });
  const error = encodeIcmp({ version: 4, type: 11, code: 0, body: quoted });
  const received = encodeIp({ source, destination, protocol: 1, hopLimit: 61, payload: error });

  it("is read without the IP header before it, whatever the header's own length says", () => {
    const packet = Uint8Array.from(received);
    packet.set([error.length & 0xff, error.length >> 8], 2);
    assert.deepEqual(stripIpv4(packet), { hopLimit: 61, bytes: error });
  });

  it("gets back the quoted length whose octets the kernel swapped", () => {
    const packet = Uint8Array.from(received);
    packet.set([packet[31] ?? 0, packet[30] ?? 0], 30);
    assert.ok(!verifyIcmp(packet.subarray(20), 4));
    assert.deepEqual(stripIpv4(packet)?.bytes, error);
  });

  it("is refused where its checksum is wrong all the same, or it is cut short", () => {
    const packet = Uint8Array.from(received);
    packet[packet.length - 1] = (packet[packet.length - 1] ?? 0) ^ 1;
    assert.equal(stripIpv4(packet), undefined);
    for (let length = 0; length < 28; length++) assert.equal(stripIpv4(received.slice(0, length)), undefined);
  });
});

describe("what Darwin cannot do", () => {
  it("is refused with the reason: raw TCP and UDP", () => {
    using network = createDarwinNetwork(new FakeDarwin(plain(3), { root: true }), {});
    for (const protocol of [6, 17]) {
      assert.throws(
        () => network.open({ type: "raw", protocol }, 4),
        (error) =>
          error instanceof SocketError &&
          error.errno === "ESOCKTNOSUPPORT" &&
          /gives raw sockets no received/.test(error.evidence ?? ""),
      );
    }
  });

  it("is refused with the kernel's errno: raw sockets without root, interfaces that are not there", () => {
    const libc = new FakeDarwin(plain(3), { root: false });
    using network = createDarwinNetwork(libc, {});
    assert.throws(() => network.open({ type: "raw", protocol: 1 }, 4), { stage: "socket", errno: "EPERM" });
    using elsewhere = createDarwinNetwork(libc, { interface: "en7" });
    assert.throws(() => elsewhere.open({ type: "udp" }, 4), { stage: "bind", errno: "ENODEV" });
    assert.equal(libc.openDescriptors, 0);
    using bound = createDarwinNetwork(libc, { interface: "en0" });
    using _socket = bound.open({ type: "udp" }, 4);
  });

  it("falls to a raw socket where root may set no hop limit on an ICMPv6 datagram socket", () => {
    const libc = new FakeDarwin(plain(3), { root: true });
    using network = createDarwinNetwork(libc, {});
    using _socket = network.open({ type: "ping" }, 6);
    assert.equal(libc.openDescriptors, 1);
  });
});

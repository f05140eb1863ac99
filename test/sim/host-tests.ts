import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Endpoint } from "../../core/address.ts";
import { copyOf } from "../../core/conformance/session.ts";
import { SocketError, type Stage } from "../../core/errors.ts";
import type { Arrival, Network } from "../../core/network.ts";
import { type HostProfile, RESTRICTED, UNPRIVILEGED } from "../../core/sim/host.ts";
import { createSimNetwork, type SimNetwork } from "../../core/sim/network.ts";
import { echoPacket, parsed, udpPacket } from "../../core/sim/packets.ts";
import * as topologies from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { parseIp, parseTcp, TCP_FLAG } from "../../core/wire/mod.ts";

const PLAIN = topologies.plain(4);

function network(host: HostProfile = {}, topology: Topology = PLAIN, seed = 1): SimNetwork {
  return createSimNetwork(topology, { host: { departures: false, ...host }, seed });
}

const to = (port: number, family: 4 | 6 = 4): Endpoint => topologies.endpointOf(PLAIN, family, port);
/** What a raw ICMP socket is handed: the packet behind its IP header. */
const ECHO = parsed(echoPacket()).payload;
const BYTES = Uint8Array.of(1, 2, 3, 4);

/** Copies of all that arrives within so many milliseconds. */
async function arrivalsWithin(from: Network, ms: number): Promise<readonly Arrival[]> {
  const found: Arrival[] = [];
  const untilMs = from.nowMs() + ms;
  for (let arrival = await from.receive(untilMs); arrival; arrival = await from.receive(untilMs))
    found.push(copyOf(arrival));
  return found;
}

function refuses(action: () => unknown, stage: Stage, errno: string): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SocketError, String(error));
    assert.deepEqual([error.stage, error.errno], [stage, errno]);
    return true;
  });
}

export function hostTests(): void {
  describe("the simulated host", () => {
    timeTests();
    firewallTests();
    rejectTests();
    handshakeTests();
    inputTests();
    errorQueueTests();
  });
}

function timeTests(): void {
  it("gives the same arrivals for the same seed", async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const net = network({ departures: true }, topologies.lossy(0.5), seed);
      const socket = net.open({ type: "udp" }, 4);
      for (let sent = 0; sent < 50; sent++) socket.send(BYTES, to(33_434), 1 + (sent % 6), sent);
      return (await arrivalsWithin(net, 1000)).map(({ kind, atMs }) => `${kind} ${atMs}`);
    };
    assert.deepEqual(await run(4), await run(4));
    assert.notDeepEqual(await run(4), await run(5));
  });

  it("jumps to the next arrival, and to the end of the wait where there is none", async () => {
    const net = network();
    using socket = net.open({ type: "udp" }, 4);
    socket.send(BYTES, to(33_434), 3, 1);
    const arrival = await net.receive(3_600_000);
    assert.deepEqual([arrival?.atMs, net.nowMs()], [6, 6]);
    assert.equal(await net.receive(3_600_000), undefined);
    assert.equal(net.nowMs(), 3_600_000);
  });

  it("stamps departures when packets really leave, and none if told so", async () => {
    const net = network({ departures: true, departureDelayMs: 0.5 });
    using socket = net.open({ type: "udp" }, 4);
    socket.send(BYTES, to(33_434), 1, 42);
    const [departure, error] = await arrivalsWithin(net, 100);
    assert.deepEqual([departure?.kind, departure?.atMs, error?.atMs], ["departure", 0.5, 2.5]);
    const quiet = network();
    quiet.open({ type: "udp" }, 4).send(BYTES, to(33_434), 1, 42);
    assert.deepEqual(
      (await arrivalsWithin(quiet, 100)).map(({ kind }) => kind),
      ["error"],
    );
  });

  it("overwrites what it lent at the next call, so that views kept without a copy show", async () => {
    const net = network();
    using socket = net.open({ type: "raw", protocol: 1 }, 4);
    socket.send(ECHO, to(0), 64, 1);
    const arrival = await net.receive(100);
    assert.ok(arrival?.kind === "packet" && arrival.bytes[0] === 0);
    await net.receive(100);
    assert.equal(arrival.bytes[0], 0xaa);
  });

  it("wakes a wait without end for what is sent meanwhile, and takes one wait at a time", async () => {
    const net = network();
    using socket = net.open({ type: "udp" }, 4);
    const waiting = net.receive(Number.POSITIVE_INFINITY);
    await assert.rejects(net.receive(1), /another call of receive/);
    setTimeout(() => socket.send(BYTES, to(33_434), 1, 1), 1);
    assert.equal((await waiting)?.kind, "error");
  });

  it("records what left, and takes in what others inject", async () => {
    const net = network();
    using socket = net.open({ type: "raw", protocol: 1 }, 4);
    socket.send(ECHO, to(0), 9, 1);
    assert.deepEqual(
      net.sent.map(({ atMs, hopLimit, retransmission }) => ({ atMs, hopLimit, retransmission })),
      [{ atMs: 0, hopLimit: 9, retransmission: false }],
    );
    net.inject(net.sent[0]?.packet ?? new Uint8Array(0), 5);
    const toOthers = await arrivalsWithin(net, 5);
    assert.equal(toOthers.length, 0, "a packet to somebody else is not delivered");
  });
}

function firewallTests(): void {
  it("refuses sockets with the errno told, and counts those that are open", () => {
    const net = network({ ...UNPRIVILEGED, maxSockets: 1 });
    refuses(() => net.open({ type: "raw", protocol: 1 }, 4), "socket", "EPERM");
    refuses(() => net.open({ type: "ping" }, 6), "socket", "EACCES");
    const socket = net.open({ type: "udp" }, 4);
    assert.equal(net.openSockets, 1);
    refuses(() => net.dial(to(443), 1, 0), "socket", "EMFILE");
    socket[Symbol.dispose]();
    assert.equal(net.openSockets, 0);
  });

  it("lets nothing out but what the rules accept, and says EPERM to every sender", () => {
    const net = network(RESTRICTED);
    refuses(() => net.open({ type: "raw", protocol: 1 }, 4).send(ECHO, to(0), 1, 1), "send", "EPERM");
    refuses(() => net.open({ type: "ping" }, 4).send(ECHO, to(0), 1, 1), "send", "EPERM");
    refuses(() => net.open({ type: "udp" }, 4).send(BYTES, to(443), 1, 1), "send", "EPERM");
    net.dial(to(81), 1, 0);
    assert.equal(net.sent.length, 0);
    net.dial(to(443), 1, 0);
    assert.equal(net.sent.length, 1);
  });

  it("drops by count and by hop limit", () => {
    const nth = network({ output: [{ protocols: ["udp"], action: { do: "drop", everyNth: 3 } }] });
    using socket = nth.open({ type: "udp" }, 4);
    const outcomes = Array.from({ length: 6 }, () => {
      try {
        socket.send(BYTES, to(33_434), 1, 1);
        return "sent";
      } catch (error) {
        return error instanceof SocketError ? error.errno : error;
      }
    });
    assert.deepEqual(outcomes, ["sent", "sent", "EPERM", "sent", "sent", "EPERM"]);
    const byHop = network({ output: [{ hopLimits: [1], action: { do: "drop" } }] });
    using other = byHop.open({ type: "udp" }, 4);
    refuses(() => other.send(BYTES, to(33_434), 1, 1), "send", "EPERM");
    other.send(BYTES, to(33_434), 2, 1);
  });

  it("has prohibited, black-holed and missing routes", () => {
    for (const errno of ["EACCES", "EINVAL", "ENETUNREACH"] as const) {
      const net = network({ refusedRoutes: [{ families: [4], errno }] });
      refuses(() => net.route(to(0).address), "route", errno);
      refuses(() => net.dial(to(443), 1, 0), "connect", errno);
      refuses(() => net.open({ type: "udp" }, 4).send(BYTES, to(9), 1, 1), "send", errno);
      assert.equal(net.route(to(0, 6).address).source.text, "2001:db8::1");
    }
    refuses(() => network({ v6: null }).route(to(0, 6).address), "route", "ENETUNREACH");
  });

  it("keeps a reserved TCP port from other programs, but not from its own connections", () => {
    const net = network();
    const { localPort } = net.open({ type: "tcp-port" }, 4);
    refuses(() => net.open({ type: "tcp-port", localPort }, 4), "bind", "EADDRINUSE");
    assert.equal(net.dial(to(443), 1, localPort).localPort, localPort);
  });

  it("takes no nonsense from programs", () => {
    const net = network();
    refuses(() => net.open({ type: "udp" }, 4).send(BYTES, to(9), 0, 1), "send", "EINVAL");
    refuses(() => net.open({ type: "udp" }, 4).send(BYTES, to(9, 6), 1, 1), "send", "EAFNOSUPPORT");
    refuses(() => net.open({ type: "ping" }, 4).send(BYTES, to(0), 1, 1), "send", "EINVAL");
    refuses(() => net.dial(to(443), 300, 0), "connect", "EINVAL");
    refuses(() => net.dial(to(443), 1, 0).send(BYTES, to(443), 1, 1), "send", "ENOTCONN");
  });
}

function rejectTests(): void {
  const reject = (by: "icmp" | "admin-prohibited" | "tcp-reset"): SimNetwork =>
    network({ output: [{ action: { do: "reject", with: by } }] });

  it("tells a dialler of a REJECT in its own name, at once", async () => {
    for (const [by, code] of [
      ["icmp", 3],
      ["admin-prohibited", 13],
    ] as const) {
      const net = reject(by);
      using socket = net.dial(to(443), 5, 0);
      const [error] = await arrivalsWithin(net, 5000);
      assert.ok(error?.kind === "error" && error.socket === socket);
      assert.deepEqual(
        [error.offender.text, error.icmp, error.local, error.atMs],
        ["192.0.2.1", { type: 3, code }, true, 0],
      );
      assert.equal(net.sent.length, 0);
    }
  });

  it("forges a reset that looks like the target's, and is local", async () => {
    const net = reject("tcp-reset");
    using _socket = net.dial(to(443), 5, 0);
    const arrivals = await arrivalsWithin(net, 5000);
    assert.deepEqual(
      arrivals.map((each) => each.kind === "handshake" && [each.state, each.from.text, each.local]),
      [["closed", "198.51.100.10", true]],
    );
  });

  it("refuses other senders with EPERM, and shows them the answer all the same", async () => {
    const net = reject("icmp");
    using socket = net.open({ type: "udp" }, 4);
    refuses(() => socket.send(BYTES, to(33_434), 1, 1), "send", "EPERM");
    const [error] = await arrivalsWithin(net, 100);
    assert.ok(error?.kind === "error" && error.local);
  });
}

function handshakeTests(): void {
  it("repeats an unanswered SYN, and counts no failure", async () => {
    const net = network({}, topologies.silent());
    using _socket = net.dial(to(443), 64, 0);
    assert.deepEqual(await arrivalsWithin(net, 4000), []);
    assert.deepEqual(
      net.sent.map(({ atMs, retransmission }) => [atMs, retransmission]),
      [
        [0, false],
        [1000, true],
        [3000, true],
      ],
    );
    assert.equal(new Set(net.sent.map(({ packet }) => parseTcp(parsed(packet).payload)?.sequence)).size, 1);
    assert.equal(net.retransmitFailures(), 0);
  });

  it("swallows a SYN that OUTPUT drops, and counts one failure for each repetition", async () => {
    const net = network({ output: [{ action: { do: "drop" } }] });
    using _socket = net.dial(to(443), 64, 0);
    const counts: (number | undefined)[] = [];
    for (const untilMs of [999, 1001, 2999, 3001]) {
      assert.equal(await net.receive(untilMs), undefined);
      counts.push(net.retransmitFailures());
    }
    assert.deepEqual(counts, [0, 1, 1, 2]);
    assert.equal(net.sent.length, 0);
    assert.equal(network({ countsRetransmitFailures: false }).retransmitFailures(), undefined);
  });

  it("marks an answer that came after a repetition, and ends with the first answer", async () => {
    const net = network({}, topologies.late());
    using _socket = net.dial(to(443), 2, 0);
    const arrivals = await arrivalsWithin(net, 60_000);
    assert.deepEqual(
      arrivals.map((each) => each.kind === "error" && each.retransmitted),
      [true],
    );
    assert.equal(net.sent.length, 2);
  });

  it("stops repeating when the socket is closed", async () => {
    const net = network({}, topologies.silent());
    net.dial(to(443), 64, 0)[Symbol.dispose]();
    await arrivalsWithin(net, 10_000);
    assert.equal(net.sent.length, 1);
  });

  it("gives one pair of ports to one connection at a time", async () => {
    const net = network();
    using first = net.dial(to(443), 1, 0);
    refuses(() => net.dial(to(443), 2, first.localPort), "connect", "EADDRNOTAVAIL");
    await arrivalsWithin(net, 100);
    using again = net.dial(to(443), 2, first.localPort);
    assert.equal(again.localPort, first.localPort);
  });

  it("sends a SYN as a kernel does", () => {
    const net = network();
    using socket = net.dial(to(443), 7, 0);
    const segment = parseTcp(parseIp(net.sent[0]?.packet ?? new Uint8Array(0))?.payload ?? new Uint8Array(0));
    assert.deepEqual(
      [segment?.sourcePort, segment?.destinationPort, segment?.flags],
      [socket.localPort, 443, TCP_FLAG.syn],
    );
  });
}

function inputTests(): void {
  const kinds = (arrivals: readonly Arrival[]) => arrivals.map((each) => each.kind === "packet" && each.tapped);

  it("shows errors that INPUT drops to the tap only, and nothing to error queues", async () => {
    const net = network({ inputDropsIcmpErrors: true });
    using raw = net.open({ type: "raw", protocol: 1 }, 4);
    using udp = net.open({ type: "udp" }, 4);
    using _dialled = net.dial(to(443), 1, 0);
    udp.send(BYTES, to(33_434), 1, 1);
    raw.send(ECHO, to(0), 1, 1);
    const arrivals = await arrivalsWithin(net, 100);
    assert.deepEqual(kinds(arrivals), [true, true, true]);
    assert.ok(arrivals.every(({ socket }) => socket === raw));
    raw.send(ECHO, to(0), 64, 1);
    assert.deepEqual(kinds(await arrivalsWithin(net, 100)).toSorted(), [false, true], "an echo reply is no error");
  });

  it("shows what gets in twice where a tap listens, in either order", async () => {
    const net = network({ tap: true });
    using raw = net.open({ type: "raw", protocol: 1 }, 4);
    const orders = new Set<string>();
    for (let sent = 0; sent < 50; sent++) {
      raw.send(ECHO, to(0), 1, 1);
      orders.add(kinds(await arrivalsWithin(net, 100)).join());
    }
    assert.deepEqual([...orders].toSorted(), ["false,true", "true,false"]);
  });
}

function errorQueueTests(): void {
  it("quotes nothing behind the UDP header where a router quotes 28 octets, but the port", async () => {
    const net = network({}, topologies.minimalQuotes(4));
    using socket = net.open({ type: "udp" }, 4);
    socket.send(BYTES, to(33_437), 2, 1);
    const [error] = await arrivalsWithin(net, 100);
    assert.ok(error?.kind === "error");
    assert.deepEqual([error.quoted.length, error.toPort], [0, 33_437]);
  });

  it("finds no socket for a quote that a NAT left rewritten; a raw socket sees it", async () => {
    const net = network({}, topologies.nat(false));
    using udp = net.open({ type: "udp" }, 4);
    using raw = net.open({ type: "raw", protocol: 1 }, 4);
    udp.send(BYTES, to(33_434), 4, 1);
    assert.deepEqual(
      (await arrivalsWithin(net, 100)).map(({ socket }) => socket),
      [raw],
    );
  });

  it("believes no ICMP error with a wrong checksum; a raw IPv4 socket sees it", async () => {
    const [first, ...rest] = PLAIN.hops;
    const routers = [{ ...first?.routers[0], corrupt: { ways: ["icmp-checksum"] } }] as const;
    const net = network({}, { ...PLAIN, hops: [{ routers }, ...rest] });
    const sockets = ([4, 6] as const).map((family) => {
      const raw = net.open({ type: "raw", protocol: family === 4 ? 1 : 58 }, family);
      net.open({ type: "udp" }, family).send(BYTES, to(33_434, family), 1, 1);
      return raw;
    });
    assert.deepEqual(
      (await arrivalsWithin(net, 100)).map(({ socket }) => socket),
      [sockets[0]],
    );
  });

  it("brings datagrams to the socket of their port", async () => {
    const topology: Topology = { ...PLAIN, target: topologies.target({ udp: "answer" }) };
    const net = network({}, topology);
    using _other = net.open({ type: "udp" }, 4);
    using socket = net.open({ type: "udp", localPort: 40_000 }, 4);
    socket.send(BYTES, to(53), 64, 1);
    const [answer] = await arrivalsWithin(net, 100);
    assert.ok(answer?.kind === "packet" && answer.socket === socket);
    assert.deepEqual([answer.fromPort, Array.from(answer.bytes), answer.protocol], [53, Array.from(BYTES), 17]);
  });

  it("tells the MTU that an error carries, over both families", async () => {
    const [first, ...rest] = PLAIN.hops;
    const net = network({}, { ...PLAIN, hops: [{ routers: [{ ...first?.routers[0], mtu: 1300 }] }, ...rest] });
    for (const family of [4, 6] as const) {
      using socket = net.open({ type: "udp" }, family);
      socket.send(new Uint8Array(1400), to(33_434, family), 64, 1);
      const [error] = await arrivalsWithin(net, 100);
      assert.equal(error?.kind === "error" && error.mtu, 1300);
    }
  });

  it("takes packets cut short, fragments and foreign destinations for nothing", async () => {
    const net = network();
    using _raw = net.open({ type: "raw", protocol: 17 }, 4);
    const packet = udpPacket();
    net.inject(packet.subarray(0, 25));
    net.inject(packet);
    net.inject(new Uint8Array(0));
    assert.deepEqual(await arrivalsWithin(net, 100), []);
  });
}

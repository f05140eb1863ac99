import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { type Family, parseAddress } from "../../core/address.ts";
import type { Bench, PluginBenches } from "../../core/conformance/bench.ts";
import type { Arrival } from "../../core/network.ts";
import { closed, endpointOf, plain, respondersOf, silent, unreachable } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { Arena, type Region } from "../../core/socket/linux/arena.ts";
import { writeSockaddr } from "../../core/socket/linux/sockaddr.ts";
import { readIcmpErrorInfo } from "../../core/socket/windows/dial-socket.ts";
import { icmpOfStatus, parseEchoReply, replySpace } from "../../core/socket/windows/echo-reply.ts";
import { windowsErrorName } from "../../core/socket/windows/errors.ts";
import { HEADS } from "../../core/socket/windows/winsock.ts";
import { createWindowsNetwork } from "../../core/socket/windows.ts";
import { encodeEcho } from "../../core/wire/mod.ts";
import { icmp } from "../../plugins/icmp.ts";
import { tcpConnect } from "../../plugins/tcp-connect.ts";
import { echoAnswer } from "../contract/echo.ts";
import { networkContract, pluginContract } from "../contract.ts";
import { createMemory } from "./fakes/memory.ts";
import { FakeWindows, type WindowsHost } from "./fakes/winapi.ts";
import { address } from "./host.ts";

/** Behind port 443 is the program that the suite of networks speaks with. */
function speaking(topology: Topology): Topology {
  return { ...topology, target: { ...topology.target, tcp: { ports: { 443: echoAnswer } } } };
}

function bench(topology: Topology, family: Family, port: number, host: WindowsHost = {}): Bench {
  const api = new FakeWindows(topology, host);
  return {
    network: createWindowsNetwork(api, {}),
    target: endpointOf(topology, family, port),
    responders: respondersOf(topology, family),
    openSockets: () => api.openHandles,
  };
}

/** Windows' echo requests have checksums and sequence numbers of its own: what leaves is not compared. */
function benches(port: number): PluginBenches {
  return {
    families: [4, 6],
    recordsSent: false,
    serves: { datagrams: false, streams: false },
    plain: (family) => bench(plain(7), family, port),
    closed: (family) => bench(closed(), family, port),
    unreachable: (family) => ({ ...bench(unreachable(), family, port), unreachableAt: 3 }),
    silent: (family) => bench(silent(), family, port),
    noSockets: (family) => bench(plain(4), family, port, { noSockets: true }),
  };
}

networkContract(
  "the Windows network on a fake Windows",
  (family) => {
    const unroutable = family === 4 ? "203.0.113.99" : "2001:db8:dead::99";
    const nowhere = parseAddress(unroutable);
    const made = bench(speaking(plain(5)), family, 0, { unroutable });
    const ports = { openPort: 443, closedPort: 81, closedUdpPort: 33_434 };
    return { ...made, target: made.target.address, ...ports, ...(nowhere && { unroutable: nowhere }) };
  },
  { families: [4, 6], raw: false, ping: true, departures: false, udp: false },
);

describe("a thousand echo requests", () => {
  it("are more than Windows is asked for at once, which is told", () => {
    using network = createWindowsNetwork(new FakeWindows(silent()), {});
    using socket = network.open({ type: "ping" }, 4);
    const to = endpointOf(silent(), 4, 0);
    const send = (sequence: number): void => socket.send(request(4, sequence), to, 64, sequence);
    for (let sequence = 0; sequence < 512; sequence++) send(sequence);
    assert.throws(() => send(512), { stage: "send", errno: "ENOBUFS" });
  });
});

pluginContract("tcp-connect on Windows", tcpConnect, benches(443), {
  marks: { plain: "open", closed: "closed" },
  mode: "connect",
});

describe("icmp on Windows", () => {
  for (const family of [4, 6] as const) {
    it(`sees each hop and then the target, over IPv${family}`, async () => {
      const { network, target, responders } = bench(plain(6), family, 0);
      using _network = network;
      using session = icmp.open(network, target, {});
      assert.equal(session.mode, "ping-socket");
      for (let hopLimit = 1; hopLimit <= 6; hopLimit++)
        session.send({ sequence: hopLimit, hopLimit, flow: 0, round: 0 });
      const seen = new Map<number, string>();
      const untilMs = network.nowMs() + 3000;
      while (seen.size < 6) {
        const arrival = await network.receive(untilMs);
        assert.ok(arrival, "an arrival in time");
        const reply = session.match(arrival);
        if (reply === undefined) continue;
        assert.equal(reply.effect, reply.sequence === 6 ? "reached" : "transit");
        seen.set(reply.sequence, reply.from.text);
      }
      for (const [hop, from] of seen) assert.ok(responders[hop - 1]?.includes(from), `${from} at hop ${hop}`);
    });

    it(`tells that a router knows no way on, over IPv${family}`, async () => {
      const { network, target } = bench(unreachable(), family, 0);
      using _network = network;
      using session = icmp.open(network, target, {});
      session.send({ sequence: 7, hopLimit: 30, flow: 0, round: 0 });
      const arrival = await network.receive(network.nowMs() + 3000);
      const reply = arrival && session.match(arrival);
      assert.equal(reply?.effect, "unreachable");
      assert.deepEqual(reply?.icmp, family === 4 ? { type: 3, code: 1 } : { type: 1, code: 3 });
    });
  }
});

describe("a handshake on Windows before version 2004", () => {
  it("tells nothing of the routers, and of the target whether it is reached", async () => {
    const { network, target } = bench(plain(4), 4, 443, { tellsIcmpErrors: false });
    using _network = network;
    using near = network.dial(target, 2, 0);
    using far = network.dial(target, 64, 0);
    const arrivals: Arrival[] = [];
    const untilMs = network.nowMs() + 100;
    for (let next = await network.receive(untilMs); next; next = await network.receive(untilMs)) arrivals.push(next);
    assert.deepEqual(
      arrivals.map(({ kind, socket }) => [kind, socket === far, socket === near]),
      [["handshake", true, false]],
    );
  });
});

describe("what Windows cannot do", () => {
  it("is refused with the reason", () => {
    using network = createWindowsNetwork(new FakeWindows(plain(3)), {});
    for (const spec of [{ type: "udp" }, { type: "raw", protocol: 1 }, { type: "raw", protocol: 6 }] as const) {
      assert.throws(() => network.open(spec, 4), { stage: "socket", errno: "ESOCKTNOSUPPORT" });
    }
  });

  it("is told at the next send where Windows says so only after the first", async () => {
    using network = createWindowsNetwork(new FakeWindows(plain(3), { failure: 11_050 }), {});
    using socket = network.open({ type: "ping" }, 4);
    const to = endpointOf(plain(3), 4, 0);
    socket.send(request(4, 1), to, 1, 1);
    assert.equal(await network.receive(network.nowMs() + 20), undefined);
    assert.throws(() => socket.send(request(4, 2), to, 1, 2), { stage: "send", errno: "IP_GENERAL_FAILURE" });
    socket.send(request(4, 3), to, 1, 3);
  });

  it("is no echo socket that sends what is no echo request, or after it was closed", () => {
    using network = createWindowsNetwork(new FakeWindows(plain(3)), {});
    const socket = network.open({ type: "ping" }, 4);
    const to = endpointOf(plain(3), 4, 0);
    assert.throws(() => socket.send(new Uint8Array(8), to, 1, 1), { errno: "EINVAL" });
    assert.throws(() => socket.send(request(4, 1), to, 256, 1), { errno: "EINVAL" });
    assert.throws(() => socket.send(request(4, 1), endpointOf(plain(3), 6, 0), 1, 1), { errno: "EAFNOSUPPORT" });
    socket[Symbol.dispose]();
    socket[Symbol.dispose]();
    assert.throws(() => socket.send(request(4, 1), to, 1, 1), { errno: "EBADF" });
  });
});

describe("the Windows network, closed", () => {
  it("gives back its sockets and events, brings nothing and opens nothing", async () => {
    const api = new FakeWindows(plain(3));
    const network = createWindowsNetwork(api, {});
    const to = endpointOf(plain(3), 4, 443);
    network.open({ type: "ping" }, 4).send(request(4, 1), to, 64, 1);
    network.dial(to, 64, 0);
    assert.ok(await network.receive(network.nowMs() + 1000));
    network[Symbol.dispose]();
    network[Symbol.dispose]();
    assert.equal(await network.receive(network.nowMs() + 20), undefined);
    assert.equal(api.openHandles, 0);
    assert.throws(() => network.open({ type: "ping" }, 4), /closed network/);
    assert.throws(() => network.dial(to, 64, 0), /closed network/);
  });
});

function request(version: Family, sequence: number): Uint8Array {
  const payload = new Uint8Array(32);
  return encodeEcho({ version, request: true, identifier: 7, sequence, payload });
}

describe("Windows' structures", () => {
  const memory = createMemory();
  const regionOf = (hex: string, capacity = hex.length / 2): Region => {
    const region = new Arena(memory, capacity + 16).take(capacity);
    region.bytes.set(Buffer.from(hex, "hex"));
    return region;
  };

  it("have echo replies whose data lie where a pointer says", () => {
    // What IcmpSendEcho2Ex of Wine 8.0 wrote for an echo of 32 octets to 127.0.0.1; its pointers are set anew.
    const region = regionOf(
      "7f000001000000000100000020000000a8b07803000000004000000002000000a8b07803000000004141414141414141" +
        "414141414141414141414141414141414141414141414141",
      replySpace(4, 32),
    );
    region.view.setBigUint64(16, region.address + 40n, true);
    const reply = parseEchoReply(4, region, 32);
    assert.deepEqual(
      [
        reply?.status,
        reply?.from.text,
        reply?.hopLimit,
        reply?.data.length,
        reply?.data.every((octet) => octet === 65),
      ],
      [0, "127.0.0.1", 64, 32, true],
    );
    for (const outside of [39n, BigInt(region.bytes.length - 31), -8n]) {
      region.view.setBigUint64(16, BigInt.asUintN(64, region.address + outside), true);
      assert.equal(parseEchoReply(4, region, 32), undefined);
    }
  });

  it("have errors that name their sender, and no data", () => {
    const region = regionOf("0a00030105".padEnd(8, "0"), replySpace(4, 32));
    region.bytes.set([10, 0, 3, 1]);
    region.view.setUint32(4, 11_013, true);
    const reply = parseEchoReply(4, region, 32);
    assert.deepEqual(
      [reply?.status, reply?.from.text, reply?.hopLimit, reply?.data.length],
      [11_013, "10.0.3.1", undefined, 0],
    );
  });

  it("have IPv6 replies with a packed address of 26 octets, and data behind", () => {
    // ICMPV6_ECHO_REPLY (ipexport.h): port, flow, address, scope without padding, then status and round trip aligned.
    const region = regionOf(
      `0000${"00000000"}20010db8${"00".repeat(10)}0007${"0c000000"}0000${"00000000"}05000000aabbcc`,
      96,
    );
    const reply = parseEchoReply(6, region, 3);
    assert.deepEqual([reply?.status, reply?.from.text, reply?.from.zone], [0, "2001:db8::7", "12"]);
    assert.deepEqual([...(reply?.data ?? [])], [0xaa, 0xbb, 0xcc]);
  });

  it("have statuses for ICMP errors, which differ by family", () => {
    const both = (status: number): unknown => [icmpOfStatus(status, 4), icmpOfStatus(status, 6)];
    assert.deepEqual(both(11_013), [
      { type: 11, code: 0 },
      { type: 3, code: 0 },
    ]);
    assert.deepEqual(both(11_004), [
      { type: 3, code: 2 },
      { type: 1, code: 1 },
    ]);
    assert.deepEqual(both(11_005), [
      { type: 3, code: 3 },
      { type: 1, code: 4 },
    ]);
    assert.deepEqual(both(11_010), [undefined, undefined]);
    assert.deepEqual(both(11_050), [undefined, undefined]);
  });

  it("have ICMP errors of a handshake behind a SOCKADDR_INET", () => {
    const v4 = regionOf(`${"020000000a000301".padEnd(56, "0")}010000000b000000`, 64);
    assert.deepEqual(readIcmpErrorInfo(v4)?.icmp, { type: 11, code: 0 });
    assert.equal(readIcmpErrorInfo(v4)?.offender.text, "10.0.3.1");
    assert.equal(readIcmpErrorInfo(regionOf("00".repeat(36), 64)), undefined);
    writeSockaddr(v4, address("2001:db8::7"), 0, 0, HEADS);
    assert.deepEqual([...v4.bytes.subarray(0, 2)], [23, 0]);
    assert.equal(readIcmpErrorInfo(v4)?.offender.text, "2001:db8::7");
  });

  it("have error numbers that are told by the names that everybody knows", () => {
    assert.deepEqual([10_048, 10_061, 1231, 5, 11_050, 4711].map(windowsErrorName), [
      "EADDRINUSE",
      "ECONNREFUSED",
      "ENETUNREACH",
      "EACCES",
      "IP_GENERAL_FAILURE",
      "error 4711",
    ]);
  });
});

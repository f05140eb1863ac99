import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { copyOf } from "../../core/conformance/session.ts";
import type { Arrival, ProbeSocket } from "../../core/network.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork, type SimNetwork } from "../../core/sim/network.ts";
import * as topologies from "../../core/sim/topologies.ts";
import type { Router, StreamService, Topology } from "../../core/sim/topology.ts";
import { encodeIp, encodeTcp, parseIp, parseTcp, TCP_FLAG } from "../../core/wire/mod.ts";

const PORT = 443;
const PLAIN = topologies.plain(4);
const TO = topologies.endpointOf(PLAIN, 4, PORT);
const LONG = Uint8Array.from({ length: 6000 }, (_, at) => at & 0xff);

function network(service: StreamService, first: Partial<Router> = {}, host: HostProfile = {}): SimNetwork {
  const [hop, ...rest] = PLAIN.hops;
  const routers = [{ ...hop?.routers[0], ...first }] as const;
  const target = topologies.target({ tcp: { ports: { [PORT]: service } } });
  const topology: Topology = { ...PLAIN, hops: [{ routers }, ...rest], target };
  return createSimNetwork(topology, { host: { departures: false, ...host }, seed: 2 });
}

async function connected(net: SimNetwork): Promise<ProbeSocket> {
  const socket = net.dial(TO, 64, 0);
  for (let arrival = await net.receive(60_000); arrival; arrival = await net.receive(60_000)) {
    if (arrival.kind === "handshake") return socket;
  }
  return assert.fail("no handshake");
}

async function arrivalsWithin(net: SimNetwork, ms: number): Promise<readonly Arrival[]> {
  const found: Arrival[] = [];
  const untilMs = net.nowMs() + ms;
  for (let arrival = await net.receive(untilMs); arrival; arrival = await net.receive(untilMs)) {
    found.push(copyOf(arrival));
  }
  return found;
}

function octets(arrivals: readonly Arrival[]): readonly number[] {
  return arrivals.flatMap((each) => (each.kind === "data" ? Array.from(each.bytes) : []));
}

/** The segments that left after the SYN. */
const segments = (net: SimNetwork) =>
  net.sent.flatMap(({ packet, retransmission }) => {
    const tcp = parseTcp(parseIp(packet)?.payload ?? packet);
    return tcp === undefined || (tcp.flags & TCP_FLAG.syn) !== 0 ? [] : [{ ...tcp, retransmission }];
  });

export function streamTests(): void {
  describe("a connection on the simulated network", () => {
    it("carries segments with the numbers of its handshake", async () => {
      const net = network(() => ({ bytes: LONG.slice(0, 10) }));
      using socket = await connected(net);
      for (let turn = 0; turn < 2; turn++) {
        socket.send(Uint8Array.of(1, 2, 3), TO, 64, 0);
        await arrivalsWithin(net, 100);
      }
      const syn = parseTcp(parseIp(net.sent[0]?.packet ?? LONG)?.payload ?? LONG);
      const [one, two] = segments(net);
      assert.ok(syn && one && two);
      assert.deepEqual([one.sequence - syn.sequence, two.sequence - one.sequence], [1, 3]);
      assert.equal(two.acknowledgement - one.acknowledgement, 10);
      assert.equal(segments(net).length, 2, "nothing is said twice that was heard");
    });

    it("listens by a bare acknowledgement, which is what a service that speaks first waits for", async () => {
      const net = network((said) => (said.length === 0 ? { bytes: LONG.slice(0, 4), end: "closed" } : undefined));
      using socket = await connected(net);
      assert.deepEqual(await arrivalsWithin(net, 100), []);
      socket.send(new Uint8Array(0), TO, 64, 0);
      const [data, end] = await arrivalsWithin(net, 100);
      assert.ok(data?.kind === "data" && end?.kind === "data");
      assert.deepEqual([Array.from(data.bytes), end.end], [[0, 1, 2, 3], "closed"]);
    });

    it("hears everything once and in order, whatever the network loses, delays or sends twice", async () => {
      for (const trouble of [{ loss: 0.4 }, { returnLoss: 0.4 }, { jitterMs: 30 }] as const) {
        const net = network(() => ({ bytes: LONG, end: "closed" }), trouble);
        using socket = await connected(net);
        socket.send(Uint8Array.of(1), TO, 64, 0);
        const arrivals = await arrivalsWithin(net, 20_000);
        const heard = octets(arrivals);
        assert.deepEqual(heard, Array.from(LONG.subarray(0, heard.length)), JSON.stringify(trouble));
        if (!("returnLoss" in trouble)) assert.equal(heard.length, LONG.length);
        const last = arrivals.at(-1);
        if (!("returnLoss" in trouble)) assert.ok(last?.kind === "data" && last.end === "closed");
      }
      const target = topologies.target({ tcp: { ports: { [PORT]: () => ({ bytes: LONG }) } }, duplicates: 2 });
      const net = createSimNetwork({ ...PLAIN, target });
      using socket = await connected(net);
      socket.send(Uint8Array.of(1), TO, 64, 0);
      assert.deepEqual(octets(await arrivalsWithin(net, 1000)), Array.from(LONG));
    });

    it("repeats what nobody acknowledged, and what OUTPUT drops as well, without a word to the program", async () => {
      const drops = { ports: [PORT], action: { do: "drop", everyNth: 2 } } as const;
      const net = network((said) => ({ bytes: said }), {}, { output: [drops] });
      using socket = await connected(net);
      socket.send(Uint8Array.of(7), TO, 64, 0);
      assert.deepEqual(octets(await arrivalsWithin(net, 1000)), [7]);
      assert.deepEqual(
        segments(net).map(({ retransmission }) => retransmission),
        [true],
      );
    });

    it("believes a reset of the very next octet only", async () => {
      const net = network(() => undefined);
      using socket = await connected(net);
      socket.send(new Uint8Array(0), TO, 64, 0);
      const [spoken] = segments(net);
      assert.ok(spoken);
      const reset = (sequence: number): Uint8Array => {
        const source = TO.address.bytes;
        const destination = net.route(TO.address).source.bytes;
        const ports = { sourcePort: PORT, destinationPort: socket.localPort };
        const payload = encodeTcp({ source, destination, ...ports, sequence, flags: TCP_FLAG.rst });
        return encodeIp({ source, destination, protocol: 6, hopLimit: 60, payload });
      };
      net.inject(reset(spoken.acknowledgement + 1));
      assert.deepEqual(await arrivalsWithin(net, 10), []);
      net.inject(reset(spoken.acknowledgement));
      const [end] = await arrivalsWithin(net, 10);
      assert.ok(end?.kind === "data" && end.end === "reset");
    });

    it("overwrites what it lent at the next call", async () => {
      const net = network(() => ({ bytes: Uint8Array.of(1, 2) }));
      using socket = await connected(net);
      socket.send(Uint8Array.of(1), TO, 64, 0);
      const data = await net.receive(net.nowMs() + 100);
      assert.ok(data?.kind === "data" && data.bytes[0] === 1);
      await net.receive(net.nowMs() + 1);
      assert.equal(data.bytes[0], 0xaa);
    });
  });
}

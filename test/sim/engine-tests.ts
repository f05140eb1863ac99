import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Family } from "../../core/address.ts";
import { ask, heard } from "../../core/sim/asking.ts";
import { createEngine } from "../../core/sim/engine.ts";
import { payloadIsSound } from "../../core/sim/node.ts";
import { echoPacket, type PacketOptions, parsed, tcpPacket, textOf, udpPacket } from "../../core/sim/packets.ts";
import * as topologies from "../../core/sim/topologies.ts";
import type { Router, Topology } from "../../core/sim/topology.ts";
import { parseIcmp, parseQuote, parseTcp, parseUdp, TCP_FLAG, verifyTransport } from "../../core/wire/mod.ts";
import { targetTests } from "./target-tests.ts";

type Make = (options: PacketOptions) => Uint8Array;

function quoteOf(topology: Topology, packet: Uint8Array) {
  const ip = parsed(ask(topology, packet)[0]?.packet);
  const quote = parseQuote(ip.payload, ip.version);
  assert.ok(quote, "an ICMP error came back");
  return quote;
}

const withRouter = (hop: number, more: Omit<Router, "v4" | "v6">, hops = 5): Topology => {
  const { hops: all, target } = topologies.plain(hops);
  return { target, hops: all.map((each, at) => (at + 1 === hop ? { routers: [topologies.router(hop, more)] } : each)) };
};

export function engineTests(): void {
  describe("the topology engine", () => {
    transitTests();
    refusalTests();
    translationTests();
    chanceTests();
    balanceTests();
    targetTests();
  });
}

function transitTests(): void {
  for (const [name, make] of Object.entries<Make>({ udpPacket, tcpPacket, echoPacket })) {
    it(`answers from each hop in turn over both families (${name})`, () => {
      for (const family of [4, 6] as const) {
        const responders = topologies.respondersOf(topologies.plain(5), family);
        const answers = responders.map((_, at) => heard(topologies.plain(5), make({ family, hopLimit: at + 1 })));
        assert.deepEqual(
          answers.map((each) => each?.split(" ")[0]),
          responders.map(([address]) => address),
        );
        assert.ok(answers.slice(0, -1).every((each) => each?.endsWith(family === 4 ? " 11/0" : " 3/0")));
      }
    });
  }

  it("quotes packets as they reached the router, hop limit 1 and all", () => {
    for (const family of [4, 6] as const) {
      const sent = udpPacket({ family, hopLimit: 3 });
      const { packet } = quoteOf(topologies.plain(5), sent);
      assert.equal(packet.hopLimit, 1);
      assert.deepEqual(Array.from(packet.payload), Array.from(parsed(sent).payload));
      assert.equal(quoteOf(withRouter(3, { quotedHopLimit: 5 }), sent).packet.hopLimit, 5);
    }
  });

  it("leaves the bytes that it is handed alone", () => {
    const sent = udpPacket();
    ask(topologies.nat(true), sent);
    assert.deepEqual(sent, udpPacket());
  });

  it("lets answers take the way back, hop by hop", () => {
    const topology = withRouter(2, { delayMs: 10 });
    for (const [hopLimit, atMs, left] of [
      [1, 102, 255],
      [2, 122, 254],
      [3, 124, 253],
      [5, 128, 60],
    ] as const) {
      const [delivery] = ask(topology, udpPacket({ hopLimit }));
      assert.equal(delivery?.atMs, atMs);
      assert.equal(parsed(delivery?.packet).hopLimit, left);
    }
  });

  it("expires packets in a loop at the routers that form it", () => {
    const seen = [3, 4, 5, 6, 7].map((hopLimit) => heard(topologies.loop(), udpPacket({ hopLimit }))?.split(" ")[0]);
    assert.deepEqual(seen, ["10.0.3.1", "10.0.4.1", "10.0.3.1", "10.0.4.1", "10.0.3.1"]);
  });

  it("shows the next router twice, quoting hop limit 0, behind one that forwards the last one", () => {
    const topology = withRouter(2, { zeroTtlForward: true });
    assert.equal(heard(topology, udpPacket({ hopLimit: 2 })), "10.0.3.1 11/0");
    assert.equal(quoteOf(topology, udpPacket({ hopLimit: 2 })).packet.hopLimit, 0);
    assert.equal(heard(topology, udpPacket({ hopLimit: 3 })), "10.0.3.1 11/0");
  });

  it("keeps silent where it is told to", () => {
    assert.equal(heard(withRouter(2, { silent: true }), udpPacket({ hopLimit: 2 })), undefined);
    assert.equal(heard(withRouter(2, { silent: true }), udpPacket({ hopLimit: 3 })), "10.0.3.1 11/0");
    const silentForUdp = withRouter(2, { silentFor: ["udp"] });
    assert.equal(heard(silentForUdp, udpPacket({ hopLimit: 2 })), undefined);
    assert.equal(heard(silentForUdp, tcpPacket({ hopLimit: 2 })), "10.0.2.1 11/0");
  });

  it("reports MPLS labels where a router has them, in both families", () => {
    for (const family of [4, 6] as const) {
      const labels = [2, 3, 4].map((hopLimit) => quoteOf(topologies.mpls(), udpPacket({ family, hopLimit })).mpls);
      assert.deepEqual(
        labels.map((stack) => stack.map(({ label }) => label)),
        [[339_234, 16], [24_001], []],
      );
    }
  });

  it("quotes no more than it is told to", () => {
    for (const [family, length] of [
      [4, 28],
      [6, 48],
    ] as const) {
      const { packet } = quoteOf(topologies.minimalQuotes(family), udpPacket({ family, hopLimit: 2 }));
      assert.equal(packet.headerLength + packet.payload.length, length);
      assert.ok(packet.truncated);
    }
  });

  it("answers in the name of another address, and for its own", () => {
    const other = withRouter(2, { answersFrom: { v4: "10.9.9.9" } });
    assert.equal(heard(other, udpPacket({ hopLimit: 2 })), "10.9.9.9 11/0");
    assert.equal(heard(topologies.plain(5), echoPacket({ to: "10.0.2.1" })), "10.0.2.1");
    assert.equal(heard(topologies.plain(5), udpPacket({ to: "10.0.2.1" })), "10.0.2.1 3/3");
    assert.equal(heard(topologies.plain(5), udpPacket({ to: "203.0.113.200" })), "10.0.4.1 3/1");
  });
}

function refusalTests(): void {
  it("filters behind a router that itself is still seen", () => {
    const topology = topologies.filtered();
    for (const make of [udpPacket, echoPacket]) {
      assert.equal(heard(topology, make({ hopLimit: 4 })), "10.0.4.1 11/0");
      assert.equal(heard(topology, make({ hopLimit: 5 })), undefined);
    }
    assert.equal(heard(topology, tcpPacket({ hopLimit: 5 })), "10.0.5.1 11/0");
  });

  it("prohibits and resets by rule, by protocol and port", () => {
    const prohibits = withRouter(2, { rules: [{ protocols: ["tcp"], exceptPorts: [443], action: "prohibited" }] });
    assert.equal(heard(prohibits, tcpPacket({ port: 80 })), "10.0.2.1 3/13");
    assert.equal(heard(prohibits, tcpPacket({ port: 80, family: 6 })), "2001:db8:2::1 1/1");
    assert.equal(heard(prohibits, tcpPacket({ port: 443 })), "198.51.100.10");
    const resets = withRouter(2, { rules: [{ protocols: ["tcp"], action: "tcp-reset" }] });
    const [reset] = ask(resets, tcpPacket());
    assert.equal(reset?.atMs, 104);
    const ip = parsed(reset?.packet);
    assert.equal(textOf(ip.source), "198.51.100.10");
    assert.equal((parseTcp(ip.payload)?.flags ?? 0) & TCP_FLAG.rst, TCP_FLAG.rst);
  });

  it("drops replies on their way back by rule", () => {
    const topology = withRouter(2, { rules: [{ direction: "back", protocols: ["icmp"], action: "drop" }] });
    assert.equal(heard(topology, udpPacket({ hopLimit: 2 })), "10.0.2.1 11/0");
    assert.equal(heard(topology, udpPacket({ hopLimit: 3 })), undefined);
    assert.equal(heard(topology, tcpPacket({ hopLimit: 9 })), "198.51.100.10");
  });

  it("says which way is unreachable", () => {
    assert.equal(heard(topologies.unreachable(), udpPacket()), "10.0.3.1 3/1");
    assert.equal(heard(topologies.unreachable(), udpPacket({ family: 6 })), "2001:db8:3::1 1/3");
    assert.equal(heard(topologies.unreachable(), udpPacket({ hopLimit: 3 })), "10.0.3.1 11/0");
  });

  it("tells the MTU of a narrow link", () => {
    const topology = withRouter(2, { mtu: 1300 });
    for (const [family, kind] of [
      [4, "3/4"],
      [6, "2/0"],
    ] as const) {
      const packet = udpPacket({ family, size: 1300 });
      assert.ok(heard(topology, packet)?.endsWith(kind));
      const message = parseIcmp(parsed(ask(topology, packet)[0]?.packet).payload);
      assert.deepEqual(Array.from(message?.rest ?? []), [0, 0, 1300 >> 8, 1300 & 0xff]);
      assert.equal(heard(topology, udpPacket({ family, size: 1200 }))?.includes(kind), false);
    }
  });

  it("never answers an ICMP error, nor what is no sound packet", () => {
    const [error] = ask(topologies.plain(5), udpPacket({ hopLimit: 2 }));
    const back = Uint8Array.from(error?.packet ?? []);
    back[8] = 1;
    assert.deepEqual(ask(topologies.plain(5), back), []);
    const broken = udpPacket();
    broken[11] = (broken[11] ?? 0) ^ 1;
    assert.deepEqual(ask(topologies.plain(5), broken), []);
    assert.deepEqual(ask(topologies.plain(5), udpPacket().subarray(0, 30)), []);
    assert.deepEqual(ask(topologies.plain(5), new Uint8Array(0)), []);
  });
}

function translationTests(): void {
  for (const family of [4, 6] as const satisfies Family[]) {
    it(`rewrites IPv${family} sources behind a NAT and puts them back, in quotes too`, () => {
      for (const make of [udpPacket, tcpPacket, echoPacket]) {
        const sent = parsed(make({ family }));
        const beyond = quoteOf(topologies.nat(true), make({ family, hopLimit: 4 })).packet;
        assert.deepEqual(Array.from(beyond.source), Array.from(sent.source));
        assert.deepEqual(Array.from(beyond.payload), Array.from(sent.payload));
        const [answer] = ask(topologies.nat(true), make({ family }));
        const ip = parsed(answer?.packet);
        assert.deepEqual(Array.from(ip.destination), Array.from(sent.source));
        assert.ok(payloadIsSound(ip));
      }
    });

    it(`leaves IPv${family} quotes as the NAT made them where it does not put them back`, () => {
      const before = quoteOf(topologies.nat(false), udpPacket({ family, hopLimit: 2 })).packet;
      assert.equal(textOf(before.source), family === 4 ? "192.0.2.1" : "2001:db8::1");
      const [delivery] = ask(topologies.nat(false), udpPacket({ family, hopLimit: 4 }));
      const ip = parsed(delivery?.packet);
      assert.ok(payloadIsSound(ip));
      const { packet } = parseQuote(ip.payload, family) ?? assert.fail("an ICMP error came back");
      assert.equal(textOf(packet.source), family === 4 ? "203.0.113.7" : "2001:db8:face::7");
      assert.equal(parseUdp(packet.payload)?.sourcePort, 41_000);
      assert.ok(verifyTransport(packet.payload, 17, packet.source, packet.destination), "as the NAT sent it on");
    });
  }
}

function chanceTests(): void {
  const many = (topology: Topology, seed: number): readonly (string | undefined)[] => {
    const engine = createEngine(topology, seed);
    return Array.from({ length: 300 }, (_, at) => engine.send(udpPacket({ hopLimit: 4 }), at * 10)).map((answers) =>
      answers.map(({ atMs, packet }) => `${atMs} ${packet.join()}`).join("; "),
    );
  };

  it("gives the same trace for the same seed, and another one for another", () => {
    const { hops, target } = topologies.lossy();
    const topology = {
      target,
      hops: hops.map(({ routers: [only] }) => ({ routers: [{ ...only, jitterMs: 3 }] as const })),
    };
    assert.deepEqual(many(topology, 5), many(topology, 5));
    assert.notDeepEqual(many(topology, 5), many(topology, 6));
  });

  it("loses about as much as it is told to, behind the router only", () => {
    const answered = many(topologies.lossy(0.25), 3).filter((each) => each !== "").length;
    assert.ok(answered > 300 * 0.65 && answered < 300 * 0.85, `${answered} of 300`);
    const engine = createEngine(topologies.lossy(1), 3);
    assert.equal(engine.send(udpPacket({ hopLimit: 2 }), 0).length, 1);
    assert.equal(engine.send(udpPacket({ hopLimit: 3 }), 0).length, 0);
  });

  it("limits the rate of ICMP errors of one router", () => {
    const engine = createEngine(topologies.rateLimited(), 1);
    const answersAt = (atMs: number, count: number): number =>
      Array.from({ length: count }, () => engine.send(udpPacket({ hopLimit: 3 }), atMs).length).filter(
        (each) => each > 0,
      ).length;
    assert.equal(answersAt(0, 10), 3);
    assert.equal(answersAt(400, 10), 2);
    assert.equal(answersAt(60_000, 10), 3);
    assert.equal(engine.send(udpPacket({ hopLimit: 4 }), 60_000).length, 1);
  });

  it("answers late and more than once", () => {
    assert.equal(ask(topologies.late(), udpPacket({ hopLimit: 2 }))[0]?.atMs, 1604);
    assert.equal(ask(withRouter(2, { duplicates: 2 }), udpPacket({ hopLimit: 2 })).length, 3);
  });

  it("spoils answers in every way without ever failing", () => {
    const engine = createEngine(topologies.hostile(), 11);
    const spoilt = new Set<string>();
    for (let count = 0; count < 1000; count++) {
      for (const make of [udpPacket, tcpPacket, echoPacket]) {
        const family = count % 2 === 0 ? 4 : 6;
        for (const { packet } of engine.send(make({ family, hopLimit: 1 + (count % 4) }), count))
          spoilt.add(packet.join());
      }
    }
    assert.ok(spoilt.size > 1000);
  });
}

function balanceTests(): void {
  const seen = (topology: Topology, packets: readonly Uint8Array[]): number => {
    const engine = createEngine(topology, 2);
    const sources = packets.flatMap((packet) =>
      engine.send(packet, 0).map((each) => textOf(parsed(each.packet).source)),
    );
    return new Set(sources).size;
  };
  const branches = {
    routers: [topologies.router(1), topologies.router(1, {}, 1), topologies.router(1, {}, 2)],
  } as const;
  const range = Array.from({ length: 64 }, (_, at) => at);
  const diamond = (more: object): Topology => ({ ...topologies.plain(2), hops: [{ ...branches, ...more }] });

  it("keeps a flow on one router and spreads flows over all of them", () => {
    for (const make of [udpPacket, tcpPacket]) {
      assert.equal(
        seen(
          diamond({}),
          range.map(() => make({ hopLimit: 1 })),
        ),
        1,
      );
      assert.equal(
        seen(
          diamond({}),
          range.map((at) => make({ hopLimit: 1, sourcePort: 41_000 + at })),
        ),
        3,
      );
    }
  });

  it("tells flows of ICMP apart only where it is told to", () => {
    const packets = range.map((at) => echoPacket({ hopLimit: 1, sequence: at }));
    assert.equal(seen(diamond({}), packets), 1);
    assert.equal(seen(diamond({ balanceIcmp: true }), packets), 3);
  });

  it("spreads the packets of one flow where it balances per packet", () => {
    assert.equal(
      seen(
        diamond({ balance: "per-packet" }),
        range.map(() => udpPacket({ hopLimit: 1 })),
      ),
      3,
    );
  });

  it("has a scenario of twelve hops: a silent one, two of several routers", () => {
    const topology = topologies.scenario();
    const flows = (hopLimit: number) => range.map((at) => tcpPacket({ hopLimit, sourcePort: 41_000 + at }));
    const routers = Array.from({ length: 12 }, (_, at) => seen(topology, flows(at + 1)));
    assert.deepEqual(routers, [0, 1, 1, 1, 2, 1, 1, 3, 1, 1, 1, 1]);
    assert.deepEqual(
      topologies.respondersOf(topology, 6).map(({ length }) => length),
      routers,
    );
  });

  it("keeps to its branch of a diamond", () => {
    const second = [0, 1, 2].map((branch) => topologies.router(2, {}, branch));
    const topology: Topology = {
      ...topologies.plain(3),
      hops: [branches, { routers: second as [Router, ...Router[]], balance: "same-branch" }],
    };
    for (const at of range) {
      const [first, next] = [1, 2].map((hopLimit) => heard(topology, udpPacket({ hopLimit, sourcePort: 41_000 + at })));
      assert.equal(first?.slice("10.0.1".length), next?.slice("10.0.2".length));
    }
  });
}

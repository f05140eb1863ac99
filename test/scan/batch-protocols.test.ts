import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { ProtocolPlugin } from "../../core/plugin.ts";
import { createProber } from "../../core/scan/batches.ts";
import { respondersOf } from "../../core/sim/topologies.ts";
import { tcpSyn, udp } from "../../plugins/mod.ts";
import { listOf, pathText, pathTo, range, scanned, simulated, truthOf } from "./worlds.ts";

const PLUGINS: readonly ProtocolPlugin[] = [udp, tcpSyn];
const FAMILIES = [4, 6] as const;

for (const plugin of PLUGINS) {
  describe(`a scan by the batch with ${plugin.name}`, () => {
    const options = { packetsPerSecond: 100_000, stopSet: false } as const;

    it("does so, where the host lets it, and else by sessions", () => {
      using allowed = simulated([pathTo(0)]);
      using without = simulated([pathTo(0)], { host: { batches: false } });
      for (const [network, isPolled] of [
        [allowed, true],
        [without, false],
      ] as const) {
        using prober = createProber(network, { plugin, port: 0, probe: {}, slots: 4 });
        for (const family of FAMILIES) prober.begin(family - 3, listOf([0], family).at(0).address);
        assert.equal(prober.isPolled, isPolled);
      }
      assert.equal(allowed.openSockets, 0);
    });

    it("finds every hop of many targets, over IPv4 and IPv6", async () => {
      for (const family of FAMILIES) {
        const paths = range(120).map((number) => pathTo(number, { routers: 2 + (number % 7) }));
        using network = simulated(paths);
        const { rows, end } = await scanned(network, { plugin, targets: listOf(range(120), family), options });
        assert.equal(rows.length, 120);
        for (const row of rows) {
          const number = Number(row.target.bytes.at(-1));
          assert.equal(pathText(row), truthOf(paths[number] ?? pathTo(0), family));
          assert.equal(row.outcome, "reached");
          assert.equal(row.hops.at(-1)?.mark, plugin === udp ? "closed" : "open");
        }
        assert.equal(end.counts.sent, network.sent.length);
        assert.equal(end.counts.answered, network.sent.length);
      }
    });

    it("invents nothing where packets are lost, and tells of each probe what became of it", async () => {
      const paths = range(100).map((number) =>
        pathTo(number, { special: { 4: { loss: 0.5 }, 2: { silent: number % 2 === 0 } } }),
      );
      using network = simulated(paths);
      const { rows, end } = await scanned(network, {
        plugin,
        targets: listOf(range(100)),
        options: { ...options, tries: 8, waitMs: 50 },
      });
      let sent = 0;
      for (const row of rows) {
        const truth = respondersOf(paths[Number(row.target.bytes[3])] ?? pathTo(0), 4);
        for (const { hop, from } of row.hops) if (from) assert.deepEqual([from.text], truth[hop - 1]);
        for (const each of row.hops) sent += each.sent;
      }
      assert.deepEqual([end.counts.sent, sent], [network.sent.length, network.sent.length]);
    });

    it("keeps the flow: all probes to a target have the same ports, and right checksums", async () => {
      for (const family of FAMILIES) {
        using network = simulated(range(5).map((number) => pathTo(number)));
        const { rows } = await scanned(network, { plugin, targets: listOf(range(5), family), options });
        const at = family === 4 ? 20 : 40;
        const ports = network.sent.map(({ packet }) => Buffer.from(packet.subarray(at, at + 4)).toString("hex"));
        assert.equal(new Set(ports).size, 1);
        // The simulated target answers nothing that is not right.
        assert.ok(rows.every(({ outcome }) => outcome === "reached"));
      }
    });

    it("knows its probes where routers quote eight octets of them", async () => {
      const special = Object.fromEntries([1, 2, 3, 4, 5].map((hop) => [hop, { quoteLength: 28 }]));
      const paths = range(40).map((number) => pathTo(number, { special }));
      using network = simulated(paths);
      const { rows } = await scanned(network, { plugin, targets: listOf(range(40)), options });
      for (const row of rows) assert.equal(pathText(row), truthOf(pathTo(Number(row.target.bytes[3])), 4));
    });

    it("knows a quote that a NAT left changed", async () => {
      const nat = { v4: "203.0.113.7", v6: "2001:db8:face::7", portShift: 1000, restoresQuotes: false };
      for (const family of FAMILIES) {
        using network = simulated([pathTo(0, { special: { 2: { nat } } })]);
        const { rows } = await scanned(network, { plugin, targets: listOf([0], family), options });
        assert.deepEqual([rows[0]?.outcome, rows[0]?.hops.length], ["reached", 6]);
        assert.ok(rows[0]?.hops.every(({ from }) => from !== undefined));
      }
    });

    it("tells labels, codes and what a router says beside them, as a trace does", async () => {
      const mpls = [{ label: 24_001, trafficClass: 2, bottomOfStack: true, ttl: 1 }];
      for (const family of FAMILIES) {
        using network = simulated([pathTo(0, { special: { 2: { mpls }, 4: { unreachable: "prohibited" } } })]);
        const { rows } = await scanned(network, { plugin, targets: listOf([0], family), options });
        assert.deepEqual(rows[0]?.hops[1]?.mpls, mpls);
        assert.equal(rows[0]?.hops[1]?.quotedHopLimit, 1);
        assert.equal(rows[0]?.outcome, "unreachable");
        assert.deepEqual(rows[0]?.hops.at(-1)?.icmp, family === 4 ? { type: 3, code: 13 } : { type: 1, code: 1 });
      }
    });

    it("is not misled by spoilt, doubled and foreign answers", async () => {
      const spoilt = { corrupt: { chance: 0.5 }, duplicates: 2 };
      const paths = range(60).map((number) => pathTo(number, { special: { 1: spoilt, 2: spoilt, 3: spoilt } }));
      using network = simulated(paths);
      const { rows } = await scanned(network, {
        plugin,
        targets: listOf(range(60)),
        options: { ...options, tries: 3 },
      });
      for (const row of rows) {
        const truth = respondersOf(paths[Number(row.target.bytes[3])] ?? pathTo(0), 4);
        for (const { hop, from } of row.hops) if (from) assert.deepEqual([from.text], truth[hop - 1]);
      }
    });

    it("does not take this host's own rejection for a hop", async () => {
      using network = simulated([pathTo(0), pathTo(1)], {
        host: { output: [{ action: { do: "reject", with: "icmp" } }] },
      });
      const { rows, end } = await scanned(network, { plugin, targets: listOf([0, 1]), options });
      assert.equal(end.type, "refused");
      assert.deepEqual(rows, []);
    });
  });
}

describe("what a UDP service says", () => {
  it("is an answer to the probe that was sent last, in its own words as in an echo", async () => {
    for (const service of [() => Uint8Array.of(1, 2, 3), (payload: Uint8Array) => payload]) {
      const target = { udp: service };
      using network = simulated(range(9).map((number) => pathTo(number, { target })));
      const { rows } = await scanned(network, {
        plugin: udp,
        targets: listOf(range(9)),
        options: { packetsPerSecond: 100_000, stopSet: false },
      });
      for (const row of rows) {
        assert.equal(row.outcome, "reached");
        assert.equal(pathText(row), truthOf(pathTo(Number(row.target.bytes[3])), 4));
        const { mark, rttMs } = row.hops.at(-1) ?? {};
        assert.equal(mark, "open");
        assert.equal(rttMs, 12);
      }
    }
  });
});

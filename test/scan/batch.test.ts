import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { respondersOf } from "../../core/sim/topologies.ts";
import { icmp } from "../../plugins/mod.ts";
import { listOf, pathText, pathTo, range, scanned, simulated, truthOf } from "./worlds.ts";

describe("a scan by the batch", () => {
  const options = { packetsPerSecond: 100_000, stopSet: false } as const;

  it("sends many probes at a time, and tells of each what became of it", async () => {
    const paths = range(200).map((number) =>
      pathTo(number, { special: number % 3 === 0 ? { 4: { loss: 0.5 }, 2: { silent: number % 2 === 0 } } : {} }),
    );
    using network = simulated(paths);
    const { rows, end } = await scanned(network, {
      plugin: icmp,
      targets: listOf(range(200)),
      options: { ...options, tries: 8, waitMs: 50 },
    });
    const answered = rows.flatMap(({ hops }) => hops.filter(({ from }) => from !== undefined));
    const sent = rows.flatMap(({ hops }) => hops.map((each) => each.sent));
    assert.equal(end.counts.answered, answered.length);
    assert.equal(end.counts.sent, network.sent.length);
    assert.equal(
      sent.reduce((sum, each) => sum + each, 0),
      network.sent.length,
    );
    for (const row of rows) {
      const truth = respondersOf(paths[Number(row.target.bytes[3])] ?? pathTo(0), 4);
      for (const { hop, from } of row.hops) if (from) assert.deepEqual([from.text], truth[hop - 1]);
    }
  });

  it("goes on where the host refuses some probes of a batch, and counts none that did not leave", async () => {
    using network = simulated(
      range(40).map((number) => pathTo(number)),
      {
        host: { output: [{ action: { do: "drop", everyNth: 5 } }] },
      },
    );
    const { rows, end } = await scanned(network, { plugin: icmp, targets: listOf(range(40)), options });
    assert.equal(end.type, "complete");
    assert.equal(end.counts.sent, network.sent.length);
    for (const row of rows) assert.equal(pathText(row), truthOf(pathTo(Number(row.target.bytes[3])), 4));
  });

  it("keeps the flow: all probes to a target have one checksum and one identifier", async () => {
    using network = simulated(range(5).map((number) => pathTo(number)));
    await scanned(network, { plugin: icmp, targets: listOf(range(5)), options });
    for (const number of range(5)) {
      const flows = network.sent
        .filter(({ packet }) => packet[19] === number)
        .map(({ packet }) => Buffer.from(packet.subarray(22, 26)).toString("hex"));
      assert.equal(flows.length, 6);
      assert.equal(new Set(flows).size, 1);
    }
  });

  it("knows a target that answers from another address, and a quote that a NAT left changed", async () => {
    const nat = { v4: "203.0.113.7", v6: "2001:db8:face::7", portShift: 1000, restoresQuotes: false };
    for (const family of [4, 6] as const) {
      using network = simulated([
        pathTo(0, { target: { answersFrom: { v4: "20.9.9.9", v6: "2600::9" } } }),
        pathTo(1, { special: { 2: { nat } } }),
      ]);
      const { rows } = await scanned(network, { plugin: icmp, targets: listOf([0, 1], family), options });
      assert.deepEqual(
        rows.map(({ outcome, hops }) => [outcome, hops.length, hops.every(({ from }) => from !== undefined)]),
        [
          ["reached", 6, true],
          ["reached", 6, true],
        ],
      );
      assert.ok(rows.some(({ hops }) => hops.at(-1)?.from?.text === (family === 4 ? "20.9.9.9" : "2600::9")));
    }
  });

  it("tells labels, next-hop codes and what a router says beside them, as a trace does", async () => {
    const mpls = [{ label: 24_001, trafficClass: 2, bottomOfStack: true, ttl: 1 }];
    for (const family of [4, 6] as const) {
      using network = simulated([pathTo(0, { special: { 2: { mpls }, 4: { unreachable: "prohibited" } } })]);
      const { rows } = await scanned(network, { plugin: icmp, targets: listOf([0], family), options });
      assert.deepEqual(rows[0]?.hops[1]?.mpls, mpls);
      assert.equal(rows[0]?.hops[1]?.quotedHopLimit, 1);
      assert.equal(rows[0]?.outcome, "unreachable");
      assert.deepEqual(rows[0]?.hops.at(-1)?.icmp, family === 4 ? { type: 3, code: 13 } : { type: 1, code: 1 });
    }
  });

  it("uses sockets with a tap where a rule of this host keeps answers back", async () => {
    using network = simulated(
      range(9).map((number) => pathTo(number)),
      { host: { inputDropsIcmpErrors: true } },
    );
    const { rows } = await scanned(network, { plugin: icmp, targets: listOf(range(9)), options });
    for (const row of rows) assert.equal(pathText(row), truthOf(pathTo(Number(row.target.bytes[3])), 4));
  });
});

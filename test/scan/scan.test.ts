import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProtocolPlugin } from "../../core/plugin.ts";
import { createLedger } from "../../core/scan/ledger.ts";
import type { ScanRow } from "../../core/scan/row.ts";
import { parseTargets } from "../../core/scan/targets.ts";
import { UNPRIVILEGED } from "../../core/sim/host.ts";
import { respondersOf } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { icmp, tcpConnect, tcpSyn, udp } from "../../plugins/mod.ts";
import { addressesOf, listOf, pathText, pathTo, range, scanned, simulated, truthOf } from "./worlds.ts";

/** The same probes, with a session for each target. */
const icmpBySessions: ProtocolPlugin = { ...icmp, name: "icmp by sessions" };
delete (icmpBySessions as { many?: unknown }).many;
const PLUGINS = [icmp, icmpBySessions, udp, tcpSyn];
const byTarget = (rows: readonly ScanRow[]): ScanRow[] =>
  rows.toSorted((a, b) => (a.target.text < b.target.text ? -1 : 1));

describe("a scan of paths that answer", () => {
  for (const plugin of PLUGINS) {
    for (const family of [4, 6] as const) {
      it(`finds every hop of every target: ${plugin.name} over IPv${family}`, async () => {
        const paths = range(60).map((number) => pathTo(number, { routers: 1 + (number % 7) }));
        using network = simulated(paths);
        const { rows, end } = await scanned(network, {
          plugin,
          targets: listOf(range(60), family),
          options: { stopSet: false },
        });
        assert.equal(end.type, "complete");
        assert.equal(rows.length, 60);
        for (const row of rows) {
          const number =
            range(60).find((each) => addressesOf(each)[family === 4 ? "v4" : "v6"] === row.target.text) ?? -1;
          const path = paths[number];
          assert.ok(path);
          assert.equal(row.outcome, "reached");
          assert.equal(pathText(row), truthOf(path, family));
          for (const { rttMs, hop, sent } of row.hops) {
            assert.equal(sent, 1);
            // A millisecond each way over every link.
            assert.ok(rttMs !== undefined && Math.abs(rttMs - 2 * hop) < 0.001, `hop ${hop}: ${rttMs} ms`);
          }
        }
      });
    }
  }

  it("mixes families in one scan", async () => {
    using network = simulated(range(4).map((number) => pathTo(number)));
    const list = range(4).flatMap((number) => Object.values(addressesOf(number)));
    const { rows } = await scanned(network, { plugin: icmp, targets: parseTargets(list.join("\n")) });
    assert.deepEqual(rows.map(({ target }) => target.text).toSorted(), list.toSorted());
    assert.ok(rows.every(({ outcome }) => outcome === "reached"));
  });

  it("works through the error queue, without privilege", async () => {
    using network = simulated(
      range(20).map((number) => pathTo(number)),
      { host: UNPRIVILEGED },
    );
    const { rows, end } = await scanned(network, {
      plugin: udp,
      targets: listOf(range(20)),
      options: { stopSet: false },
    });
    assert.equal(end.mode, "error-queue");
    for (const row of rows) assert.equal(pathText(row), truthOf(pathTo(Number(row.target.bytes[3])), 4));
  });

  it("keeps to the rate that is asked for", async () => {
    using network = simulated(range(40).map((number) => pathTo(number)));
    await scanned(network, {
      plugin: icmp,
      targets: listOf(range(40)),
      options: { packetsPerSecond: 50, stopSet: false },
    });
    const times = network.sent.map(({ atMs }) => atMs);
    assert.equal(times.length, 40 * 6);
    for (const [index, atMs] of times.entries()) {
      const inSecond = times.filter((each) => each >= atMs && each < atMs + 1000).length;
      assert.ok(inSecond <= 51, `${inSecond} probes in the second from ${index} on`);
    }
  });

  it("keeps to caps of a hop and of a prefix", async () => {
    const numbers = [0, 1, 2, 256, 257, 258];
    const most = (times: readonly number[]): number =>
      Math.max(...times.map((atMs) => times.filter((each) => each >= atMs && each < atMs + 1000).length));
    using network = simulated(numbers.map((number) => pathTo(number)));
    await scanned(network, { plugin: icmp, targets: listOf(numbers), options: { perHop: 2, stopSet: false } });
    for (const hop of [1, 2, 3]) {
      const times = network.sent.filter(({ hopLimit }) => hopLimit === hop).map(({ atMs }) => atMs);
      assert.equal(times.length, 6);
      assert.ok(most(times) <= 3);
    }
    using other = simulated(numbers.map((number) => pathTo(number)));
    await scanned(other, { plugin: icmp, targets: listOf(numbers), options: { perPrefix: 5, stopSet: false } });
    for (const prefix of [0, 1]) {
      const times = other.sent.filter(({ packet }) => packet[18] === prefix).map(({ atMs }) => atMs);
      assert.equal(times.length, 18);
      assert.ok(most(times) <= 6);
    }
  });
});

describe("the stop set of a scan", () => {
  it("saves probes, and leaves out nothing but hops that an earlier row tells", async () => {
    const numbers = range(100);
    const paths = numbers.map((number) => pathTo(number));
    const targets = listOf(numbers);
    using whole = simulated(paths);
    const all = await scanned(whole, { plugin: icmp, targets, options: { stopSet: false } });
    using sparing = simulated(paths);
    const some = await scanned(sparing, { plugin: icmp, targets });
    assert.equal(all.end.counts.sent, 600);
    assert.ok(some.end.counts.sent < 450, `${some.end.counts.sent} probes`);
    const told = new Set<string>();
    for (const row of some.rows) {
      const path = paths[Number(row.target.bytes[3])];
      assert.ok(path);
      const truth = truthOf(path, 4).split(", ");
      const first = row.stopSet?.hop ?? 1;
      // Nothing is told of the hops below, all of those from there on.
      assert.equal(pathText(row), truth.slice(first - 1).join(", "));
      if (row.stopSet !== undefined) {
        assert.equal(`${first} ${row.stopSet.address.text}`, truth[first - 1]);
        assert.ok(told.has(`${first} ${row.stopSet.address.text}`), "an earlier row tells of it");
      }
      for (const { hop, from } of row.hops) if (from) told.add(`${hop} ${from.text}`);
    }
    assert.ok(some.rows.some(({ stopSet }) => stopSet !== undefined));
  });

  it("begins behind a near target and still finds where it is", async () => {
    using network = simulated([pathTo(0, { routers: 2 }), pathTo(1, { routers: 1 })]);
    const { rows } = await scanned(network, { plugin: icmp, targets: listOf([0, 1]), options: { atOnce: 1 } });
    assert.deepEqual(byTarget(rows).map(pathText), ["1 10.0.1.1, 2 10.0.2.1, 3 20.0.0.0", "1 10.0.1.1, 2 20.0.0.1"]);
  });
});

describe("a scan of paths that are not whole", () => {
  const outcomes = async (paths: readonly Topology[], stopSet: boolean): Promise<string[]> => {
    using network = simulated(paths);
    const { rows } = await scanned(network, {
      plugin: icmp,
      targets: listOf(range(paths.length)),
      options: { stopSet },
    });
    assert.equal(rows.length, paths.length);
    return byTarget(rows).map((row) => `${row.outcome}: ${pathText(row)}`);
  };

  it("tells how each ended, and nothing of what did not answer", async () => {
    const paths = [
      pathTo(0, { target: { icmp: "silent" } }),
      pathTo(1, { special: { 4: { unreachable: "host" } } }),
      pathTo(2, { special: { 5: { loopTo: 4 } } }),
      pathTo(3, { special: { 2: { silent: true }, 4: { silent: true } } }),
    ];
    assert.deepEqual(await outcomes(paths, false), [
      "silent: 1 10.0.1.1, 2 10.0.2.1, 3 10.0.3.1, 4 10.4.0.0, 5 10.5.0.0, 6 *, 7 *, 8 *, 9 *, 10 *",
      // Out of hop limit comes before out of routes.
      "unreachable: 1 10.0.1.1, 2 10.0.2.1, 3 10.0.3.1, 4 10.4.0.1, 5 10.4.0.1",
      "looped: 1 10.0.1.1, 2 10.0.2.1, 3 10.0.3.1, 4 10.4.0.2, 5 10.5.0.2, 6 10.4.0.2, 7 10.5.0.2, 8 10.4.0.2",
      "reached: 1 10.0.1.1, 2 *, 3 10.0.3.1, 4 *, 5 10.5.0.3, 6 20.0.0.3",
    ]);
  });

  it("asks a silent hop as often as told, and gives the rest of the scan no pause for it", async () => {
    using network = simulated([
      ...range(20).map((number) => pathTo(number)),
      pathTo(20, { special: { 4: { silent: true } } }),
    ]);
    const { rows } = await scanned(network, {
      plugin: icmp,
      targets: listOf(range(21)),
      options: { tries: 3, waitMs: 500, stopSet: false },
    });
    const slow = rows.at(-1);
    assert.equal(slow?.target.text, "20.0.0.20");
    assert.equal(slow?.hops[3]?.sent, 3);
    assert.equal(slow?.hops[3]?.from, undefined);
    assert.ok((slow?.endedAtMs ?? 0) - (slow?.startedAtMs ?? 0) >= 1500);
    assert.ok(rows.slice(0, -1).every(({ endedAtMs }) => endedAtMs < 1000));
  });

  it("counts an answer that comes after its time, and says so", async () => {
    using network = simulated([pathTo(0, { special: { 2: { extraDelay: { ms: 1200 } }, 4: { silent: true } } })]);
    const { rows } = await scanned(network, {
      plugin: icmp,
      targets: listOf([0]),
      options: { tries: 1, stopSet: false },
    });
    const late = rows[0]?.hops[1];
    assert.equal(late?.late, true);
    assert.equal(late?.from?.text, "10.0.2.1");
    assert.ok(late?.rttMs !== undefined && Math.abs(late.rttMs - 1204) < 0.001);
  });

  it("finds what answers now and then, and invents no RTT for an answer of which it is not known what it answers", async () => {
    using network = simulated(range(50).map((number) => pathTo(number, { special: { 2: { loss: 0.3 } } })));
    const { rows } = await scanned(network, {
      plugin: icmp,
      targets: listOf(range(50)),
      options: { tries: 8, stopSet: false },
    });
    assert.ok(rows.every(({ outcome }) => outcome === "reached"));
    for (const { hops } of rows) for (const { hop, rttMs } of hops) assert.equal(Math.round(rttMs ?? 0), 2 * hop);
  });

  it("is not misled by spoilt, doubled and foreign answers", async () => {
    const corrupt = { chance: 0.4 };
    const paths = range(30).map((number) =>
      pathTo(number, {
        special: { 1: { corrupt }, 2: { duplicates: 2 }, 4: { corrupt, duplicates: 1 } },
        target: { corrupt },
      }),
    );
    for (const plugin of PLUGINS) {
      using network = simulated(paths);
      const { rows } = await scanned(network, {
        plugin,
        targets: listOf(range(30)),
        options: { tries: 3, stopSet: false },
      });
      assert.equal(rows.length, 30);
      for (const row of rows) {
        const truth = respondersOf(paths[Number(row.target.bytes[3])] ?? paths[0]!, 4);
        for (const { hop, from } of row.hops) {
          if (from !== undefined)
            assert.ok(truth[hop - 1]?.includes(from.text), `${plugin.name} hop ${hop}: ${from.text}`);
        }
      }
    }
  });
});

describe("a scan that is interrupted", () => {
  it("has after its resumption one row for each target, wherever it was interrupted", async () => {
    const numbers = range(24);
    const paths = numbers.map((number) => pathTo(number, number % 5 === 0 ? { target: { icmp: "silent" } } : {}));
    const targets = listOf(numbers);
    const all = numbers.map((number) => addressesOf(number).v4).toSorted();
    for (let stopAfter = 0; stopAfter <= numbers.length; stopAfter += 1) {
      using first = simulated(paths);
      const begun = await scanned(first, { plugin: icmp, targets, seed: 9, stopAfter });
      assert.equal(begun.rows.length, stopAfter);
      using second = simulated(paths);
      const ledger = createLedger(targets.count, JSON.parse(JSON.stringify(begun.ledger.progress)));
      const resumed = await scanned(second, { plugin: icmp, targets, seed: 9, ledger });
      assert.equal(resumed.end.type, "complete");
      const rows = [...begun.rows, ...resumed.rows];
      assert.deepEqual(rows.map(({ target }) => target.text).toSorted(), all);
      assert.deepEqual(new Set(rows.map(({ position }) => position)).size, numbers.length);
    }
  });
});

describe("a scan from a host that refuses", () => {
  it("stops early where nothing may be sent, and tells of no target that it was asked", async () => {
    using network = simulated(
      range(50).map((number) => pathTo(number)),
      { host: { output: [{ action: { do: "drop" } }] } },
    );
    const { rows, end } = await scanned(network, { plugin: icmp, targets: listOf(range(50)) });
    assert.equal(end.type, "refused");
    assert.equal(end.type === "refused" && end.error.errno, "EPERM");
    assert.deepEqual(rows, []);
    assert.equal(network.sent.length, 0);
  });

  it("stops as early where there is one target only", async () => {
    using network = simulated([pathTo(0)], { host: { output: [{ action: { do: "drop" } }] } });
    const { rows, end } = await scanned(network, { plugin: udp, targets: listOf([0]) });
    assert.equal(end.type, "refused");
    assert.deepEqual(rows, []);
  });

  it("goes on where only some packets are refused", async () => {
    using network = simulated(
      range(20).map((number) => pathTo(number)),
      {
        host: { output: [{ action: { do: "drop", everyNth: 3 } }] },
      },
    );
    const { rows, end } = await scanned(network, {
      plugin: icmp,
      targets: listOf(range(20)),
      options: { stopSet: false },
    });
    assert.equal(end.type, "complete");
    for (const row of rows) assert.equal(pathText(row), truthOf(pathTo(Number(row.target.bytes[3])), 4));
  });

  it("tells the errno of a target to which there is no route", async () => {
    using network = simulated(
      range(3).map((number) => pathTo(number)),
      {
        host: { refusedRoutes: [{ to: ["20.0.0.1"], errno: "EACCES" }] },
      },
    );
    const { rows } = await scanned(network, { plugin: icmp, targets: listOf(range(3)) });
    assert.deepEqual(
      byTarget(rows).map(({ outcome, error }) => [outcome, error?.errno]),
      [
        ["reached", undefined],
        ["refused", "EACCES"],
        ["reached", undefined],
      ],
    );
  });

  it("does not take this host's own rejection for a hop", async () => {
    using network = simulated(
      range(9).map((number) => pathTo(number)),
      {
        host: { output: [{ action: { do: "reject", with: "icmp" } }] },
      },
    );
    const { rows, end } = await scanned(network, { plugin: udp, targets: listOf(range(9)) });
    assert.equal(end.type, "refused");
    assert.deepEqual(rows, []);
  });

  it("stops where the sockets are refused", async () => {
    using network = simulated([pathTo(0)], { host: UNPRIVILEGED });
    const { end } = await scanned(network, { plugin: tcpSyn, targets: listOf([0]) });
    assert.equal(end.type === "refused" && end.error.stage, "socket");
  });

  it("does not use a protocol whose probes are connections", async () => {
    using network = simulated([pathTo(0)]);
    const { end } = await scanned(network, { plugin: tcpConnect, targets: listOf([0]) });
    assert.equal(end.type, "faulty");
    assert.match(end.type === "faulty" ? end.error.message : "", /each of its probes is a connection/);
  });
});

describe("skipped targets", () => {
  it("have a row and get no probe", async () => {
    using network = simulated([pathTo(0)]);
    const targets = parseTargets("20.0.0.0/31\n", "20.0.0.1");
    const { rows } = await scanned(network, { plugin: icmp, targets });
    const [reached, skipped] = byTarget(rows);
    assert.equal(reached?.outcome, "reached");
    assert.equal(skipped?.outcome, "skipped");
    assert.equal(skipped?.skip, "blocklisted");
    assert.deepEqual(skipped?.hops, []);
    assert.ok(network.sent.every(({ packet }) => packet[19] === 0));
  });
});

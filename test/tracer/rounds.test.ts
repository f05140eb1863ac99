import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createRoundsSchedule,
  createRoundsTable,
  type RoundsOptions,
  type RoundsTable,
  type TableRow,
  type TraceEvent,
  type TraceOptions,
  trace,
} from "../../core/mod.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork, type SimNetwork } from "../../core/sim/network.ts";
import { endpointOf, late, lossy, mpls, plain, rateLimited, router, target } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { builtInPlugins } from "../../plugins/mod.ts";

interface Watched {
  readonly table: RoundsTable;
  readonly events: readonly TraceEvent[];
  readonly elapsedMs: number;
  readonly network: SimNetwork;
}

interface Watch {
  readonly protocol?: string;
  readonly rounds?: Partial<RoundsOptions>;
  readonly trace?: Partial<TraceOptions>;
  readonly host?: HostProfile;
  readonly family?: 4 | 6;
}

const RULES: RoundsOptions = { intervalMs: 1000, cycles: 10, perProbeTimeoutMs: 10_000, graceMs: 5000 };

async function watch(topology: Topology, { protocol = "icmp", rounds, ...more }: Watch = {}): Promise<Watched> {
  using network = createSimNetwork(topology, { seed: 5, host: more.host ?? {} });
  const plugin = builtInPlugins.find(({ name }) => name === protocol);
  assert.ok(plugin);
  const table = createRoundsTable();
  const events: TraceEvent[] = [];
  const request = {
    plugin,
    target: endpointOf(topology, more.family ?? 4, 443),
    schedule: createRoundsSchedule({ ...RULES, ...rounds }),
    ...(more.trace && { trace: more.trace }),
  };
  for await (const event of trace(network, request)) {
    events.push(event);
    table.apply(event);
  }
  return { table, events, elapsedMs: network.nowMs(), network };
}

const counts = (rows: readonly TableRow[]): string[] =>
  rows.map(({ hop, sent, received }) => `${hop}: ${received}/${sent}`);

/** The numbers of a hop, by looking at all its events at once. */
function naive(events: readonly TraceEvent[], hop: number): object {
  const own = events.filter((event) => event.type !== "stopped" && event.probe.hopLimit === hop);
  const answers = own.flatMap((event) => (event.type === "reply" || event.type === "late" ? [event] : []));
  const received = answers.filter(({ retransmitted }) => retransmitted !== true);
  const rtts = received.flatMap(({ rttMs }) => rttMs ?? []);
  const sent = own.filter(({ type }) => type === "sent").length;
  const abandoned = own.filter((event) => event.type === "lost" && event.abandoned).length;
  const mean = rtts.reduce((sum, each) => sum + each, 0) / rtts.length;
  return {
    hop,
    sent,
    received: received.length,
    late: received.filter(({ type }) => type === "late").length,
    dropped: sent - abandoned - received.length,
    lossPercent: 100 * (1 - received.length / (sent - abandoned)),
    count: rtts.length,
    bestMs: Math.min(...rtts),
    worstMs: Math.max(...rtts),
    lastMs: rtts.at(-1),
    mean: mean.toFixed(9),
    deviation: Math.sqrt(rtts.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (rtts.length - 1)).toFixed(9),
    responders: [...new Set(answers.map(({ reply }) => reply.from.text))],
  };
}

function streamed({ rtt, ...row }: TableRow): object {
  const { hop, sent, received, late: lateOnes, dropped, lossPercent } = row;
  return {
    hop,
    sent,
    received,
    late: lateOnes,
    dropped,
    lossPercent,
    count: rtt.count,
    bestMs: rtt.bestMs,
    worstMs: rtt.worstMs,
    lastMs: rtt.lastMs,
    mean: rtt.meanMs?.toFixed(9),
    deviation: rtt.deviationMs?.toFixed(9),
    responders: row.responders.map(({ address }) => address.text),
  };
}

describe("rounds over a path", () => {
  for (const protocol of ["icmp", "udp", "tcp-syn", "tcp-connect"]) {
    it(`ask every hop as often as there are cycles, and end with the last answer: ${protocol}`, async () => {
      const { table, elapsedMs } = await watch(plain(5), { protocol, rounds: { expectedHops: 5 } });
      assert.deepEqual(counts(table.rows()), ["1: 10/10", "2: 10/10", "3: 10/10", "4: 10/10", "5: 10/10"]);
      assert.equal(table.outcome, "reached");
      assert.equal(table.rounds, 10);
      assert.ok(elapsedMs < 9900, `${elapsedMs} ms for ten rounds of a second`);
    });
  }

  for (const topology of [lossy(), late(), rateLimited()]) {
    it("fold into the numbers that a look at all events gives", async () => {
      const { table, events } = await watch(topology, {
        rounds: { cycles: 60, intervalMs: 100, perProbeTimeoutMs: 150, graceMs: 400 },
      });
      const rows = table.rows();
      assert.ok(rows.length > 2);
      for (const row of rows) {
        if (row.rtt.count > 1) assert.deepEqual(streamed(row), naive(events, row.hop));
      }
      assert.ok(rows.some(({ lossPercent = 0, late: lateOnes }) => lossPercent > 0 || lateOnes > 0));
    });
  }

  it("count late answers as received late", async () => {
    const slow: Topology = { hops: [{ routers: [router(1, { extraDelay: { ms: 500 } })] }], target: target() };
    const { table } = await watch(slow, { rounds: { cycles: 4, perProbeTimeoutMs: 300 } });
    const [first] = table.rows();
    assert.deepEqual([first?.sent, first?.received, first?.late, first?.lossPercent], [4, 4, 4, 0]);
    assert.deepEqual(
      first?.history.map(({ state }) => state),
      ["late", "late", "late", "late"],
    );
  });

  it("tell loss that later hops do not share from loss that carries on", async () => {
    const limited: Topology = {
      hops: [
        { routers: [router(1)] },
        { routers: [router(2, { icmpRateLimit: { perSecond: 0.5, burst: 1 } })] },
        { routers: [router(3)] },
      ],
      target: target(),
    };
    const [, second] = (await watch(limited, { rounds: { cycles: 40 } })).table.rows();
    assert.ok((second?.lossPercent ?? 0) >= 40);
    assert.equal(second?.transitLossPercent, second?.lossPercent);
    assert.equal(second?.losesInTransit, true);
    assert.equal(second?.losesInTransit, true);

    const losing: Topology = {
      hops: [1, 2, 3].map((hop) => ({ routers: [router(hop, hop === 1 ? { loss: 0.5 } : {})] })),
      target: target(),
    };
    const rows = (await watch(losing, { rounds: { cycles: 100 } })).table.rows();
    assert.equal(rows[0]?.lossPercent, 0);
    for (const row of rows.slice(1)) assert.ok((row.lossPercent ?? 0) > 30 && row.losesInTransit === undefined);
  });

  it("do not let the kernel's retransmissions hide loss", async () => {
    const half: Topology = { hops: [{ routers: [router(1, { loss: 0.5 })] }], target: target() };
    const { table } = await watch(half, { protocol: "tcp-connect", rounds: { cycles: 60, intervalMs: 500 } });
    const end = table.rows().at(-1);
    assert.ok((end?.retransmitted ?? 0) > 5, "no retransmission was answered");
    const loss = end?.lossPercent ?? 0;
    assert.ok(loss > 35 && loss < 65, `a path that loses half shows a loss of ${loss} %`);
    assert.equal(end?.responders[0]?.address.text, "198.51.100.10");
  });

  it("know the shares of several responders, and each one's labels", async () => {
    const wide: Topology = {
      hops: [{ routers: [router(1), router(1, {}, 1)], balance: "per-packet" }],
      target: target(),
    };
    const [first] = (await watch(wide, { rounds: { cycles: 40 } })).table.rows();
    assert.equal(first?.responders.length, 2);
    assert.equal(
      first?.responders.reduce((sum, { share }) => sum + share, 0),
      1,
    );
    assert.equal(first?.responders.filter(({ isLatest }) => isLatest).length, 1);
    const labelled = (await watch(mpls())).table
      .rows()
      .filter(({ responders }) => (responders[0]?.mpls.length ?? 0) > 0);
    assert.ok(labelled.length > 0);
  });

  it("stand for a silent end by one hop behind the last answer", async () => {
    const quiet: Topology = { hops: plain(4).hops, target: target({ icmp: "silent" }) };
    const { table } = await watch(quiet, { rounds: { cycles: 2 } });
    assert.deepEqual(counts(table.rows()), ["1: 2/2", "2: 2/2", "3: 2/2", "4: 0/2"]);
    assert.equal(table.rows()[3]?.lossPercent, 100);
    assert.equal(table.outcome, "silent");
  });

  it("end at once where this host refuses, and show nothing", async () => {
    const { table } = await watch(plain(3), { host: { output: [{ action: { do: "drop" } }] } });
    assert.equal(table.outcome, "refused");
    assert.deepEqual([table.sent, table.received], [0, 0]);
  });

  it("keep a history of the latest rounds only, with gaps where a hop was not asked", () => {
    const table = createRoundsTable({ history: 4 });
    const probe = (round: number) => ({ sequence: round, hopLimit: 1, flow: 0, round });
    for (const round of [0, 1, 3, 5, 6]) {
      table.apply({ type: "sent", probe: probe(round), atMs: round });
      if (round !== 6) table.apply({ type: "lost", probe: probe(round), atMs: round, abandoned: false });
    }
    const [row] = [createRowOf(table)];
    assert.deepEqual(row, ["3 lost", "4 never", "5 lost", "6 pending"]);
  });
});

describe("answers that a packet tap saw first", () => {
  const probe = { sequence: 7, hopLimit: 1, flow: 0, round: 0 };
  const { address: from } = endpointOf(plain(1), 4, 0);
  const told = (type: "reply" | "duplicate", tapped: boolean): TraceEvent => {
    const reply = { sequence: probe.sequence, from, effect: "reached" } as const;
    return { type, probe, reply, atMs: 1, rttMs: 1, tapped };
  };
  const tableOf = (...events: readonly TraceEvent[]): RoundsTable => {
    const table = createRoundsTable();
    for (const event of [{ type: "sent", probe, atMs: 0 } as const, ...events]) table.apply(event);
    return table;
  };
  const numbers = (table: RoundsTable): unknown => [table.received, table.rows()[0]?.duplicates, table.tappedOnly];

  it("are counted as the tap's alone until the socket's own copy comes, which is no duplicate", () => {
    assert.deepEqual(numbers(tableOf(told("reply", true))), [1, 0, 1]);
    assert.deepEqual(numbers(tableOf(told("reply", true), told("duplicate", false))), [1, 0, 0]);
  });

  it("are duplicates from the next copy on", () => {
    const own = told("duplicate", false);
    assert.deepEqual(numbers(tableOf(told("reply", true), own, own)), [1, 1, 0]);
    assert.deepEqual(numbers(tableOf(told("reply", false), own)), [1, 1, 0]);
  });
});

function createRowOf(table: RoundsTable): string[] {
  return (table.rows()[0]?.history ?? []).map(({ round, state }) => `${round} ${state}`);
}

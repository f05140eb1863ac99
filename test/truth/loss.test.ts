import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRoundsSchedule, createRoundsTable, type TableRow, trace } from "../../core/mod.ts";
import { createSimNetwork, type SimNetwork } from "../../core/sim/network.ts";
import { endpointOf } from "../../core/sim/topologies.ts";
import type { Topology } from "../../core/sim/topology.ts";
import { at, everywhere, line } from "./case.ts";
import { rungOf } from "./profiles.ts";

const CYCLES = 400;
/** Ten times a second. */
const INTERVAL_MS = 100;

interface LossCase {
  readonly name: string;
  readonly topology: Topology;
  /** Hops that lose what they should say, and not what passes them. */
  readonly sparing: readonly number[];
  /** Hops behind a place where what passes is lost. */
  readonly losing: readonly number[];
}

const CASES: readonly LossCase[] = [
  { name: "nothing lost", topology: line(6), sparing: [], losing: [] },
  {
    name: "hop 3 answers five times a second",
    topology: line(6, { 3: { icmpRateLimit: { perSecond: 5, burst: 3 } } }),
    sparing: [3],
    losing: [],
  },
  {
    name: "every router answers six times a second, the target always",
    topology: line(6, everywhere(6, { icmpRateLimit: { perSecond: 6, burst: 2 } })),
    sparing: [1, 2, 3, 4, 5],
    losing: [],
  },
  { name: "a fifth lost behind hop 2", topology: line(6, { 2: { loss: 0.2 } }), sparing: [], losing: [3, 4, 5, 6] },
  {
    name: "a third of the answers lost at hop 3",
    topology: line(6, { 3: { returnLoss: 0.33 } }),
    sparing: [],
    losing: [4, 5, 6],
  },
  {
    name: "hop 3 answers four times a second, a fifth lost behind hop 4",
    topology: line(7, { 3: { icmpRateLimit: { perSecond: 4, burst: 2 } }, 4: { loss: 0.2 } }),
    sparing: [3],
    losing: [5, 6, 7],
  },
  { name: "hops 2 and 4 silent", topology: line(6, at([2, 4], { silent: true })), sparing: [], losing: [] },
];

async function watch(topology: Topology, name: string): Promise<{ rows: readonly TableRow[]; network: SimNetwork }> {
  using network = createSimNetwork(topology, { seed: 3 });
  const { plugin } = rungOf(name);
  const table = createRoundsTable();
  const rounds = { intervalMs: INTERVAL_MS, cycles: CYCLES, perProbeTimeoutMs: 3000, graceMs: 3000 };
  const request = { plugin, target: endpointOf(topology, 4, 443), schedule: createRoundsSchedule(rounds) };
  for await (const event of trace(network, { ...request, trace: { packetsPerSecond: 1000 } })) table.apply(event);
  return { rows: table.rows(), network };
}

/** Of the probes with that hop limit, how many nothing was ever answered to. */
function unanswered({ sent }: SimNetwork, hop: number): number {
  return sent.filter(
    ({ hopLimit, answers, retransmission }) => hopLimit === hop && answers.length === 0 && !retransmission,
  ).length;
}

describe("loss, round after round", () => {
  for (const { name, topology, sparing, losing } of CASES) {
    for (const plugin of ["icmp", "udp", "tcp-syn"]) {
      it(`is what was lost, and is laid where it belongs: ${name}, ${plugin}`, async () => {
        const { rows, network } = await watch(topology, plugin);
        assert.equal(rows.length, topology.hops.length + 1);
        for (const row of rows) {
          assert.equal(row.dropped, unanswered(network, row.hop), `hop ${row.hop}: ${row.dropped} called lost`);
          assert.equal(row.losesInTransit === true, sparing.includes(row.hop), `hop ${row.hop}, spared`);
          const isLosing = row.received > 0 && row.dropped > 0 && row.losesInTransit !== true;
          assert.equal(isLosing, losing.includes(row.hop), `hop ${row.hop}, lossy`);
        }
      });
    }
  }
});

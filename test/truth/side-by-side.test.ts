import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Family } from "../../core/address.ts";
import { createPath, type Path, type TraceEvent, wire } from "../../core/mod.ts";
import { createSimNetwork, type SimNetwork } from "../../core/sim/network.ts";
import { endpointOf } from "../../core/sim/topologies.ts";
import { createDriver, type StartedRun } from "../../core/tracer/driver.ts";
import { completeTraceOptions } from "../../core/tracer/options.ts";
import { line, several, type TruthCase } from "./case.ts";
import { judge } from "./judge.ts";
import { truthOf } from "./oracle.ts";
import { portOf, rungOf } from "./profiles.ts";
import { claimOf } from "./virtual.ts";
import { faultsOfWire, type Said, type Tracer } from "./wire.ts";

const TEN = ["icmp", "udp", "tcp-syn", "tcp-connect", "icmp", "udp", "tcp-syn", "tcp-connect", "icmp", "tcp-syn"];
const PROBING = { icmp: "icmp", udp: "udp", "tcp-syn": "tcp", "tcp-connect": "tcp" } as const;
const QUERIES = 6;

/** Two nodes to each of two hops, jitter enough for answers to overtake each other, and nothing lost. */
const PATH: TruthCase = {
  name: "a path shared by many",
  topology: line(8, { 2: { jitterMs: 8 }, 3: several(3, 2), 5: several(5, 3), 6: { jitterMs: 4 } }, { jitterMs: 3 }),
  ends: "reached 8",
};

interface Together {
  readonly said: readonly Said[];
  readonly paths: readonly Path[];
  readonly network: SimNetwork;
}

/** Starts traces on one host at the same time, and runs them to their end. */
async function together(
  names: readonly string[],
  family: Family,
  onSent: (network: SimNetwork) => void = () => undefined,
): Promise<Together> {
  using network = createSimNetwork(PATH.topology, { seed: 4 });
  using driver = createDriver(network);
  const said: Said[] = [];
  const paths = names.map(() => createPath());
  const runs: StartedRun[] = [];
  names.forEach((name, index) => {
    const { plugin, port } = rungOf(name);
    const by: Tracer & { mode: string | null } = { protocol: `${name} ${index}`, mode: null, unattributed: 0 };
    const target = { address: endpointOf(PATH.topology, family, 0).address, port: port || (plugin.defaultPort ?? 0) };
    const trace = completeTraceOptions({ queries: QUERIES, packetsPerSecond: 1000 });
    const note = (event: TraceEvent): void => {
      said.push({ by, event });
      paths[index]?.apply(event);
      if (event.type === "sent") onSent(network);
    };
    const run = driver.start({ plugin, target, probe: {}, trace }, note);
    by.mode = run.session.mode;
    runs.push(run);
  });
  while (runs.some(({ run }) => !run.ended)) await driver.turn(Number.POSITIVE_INFINITY);
  return { said, paths, network };
}

function findingsOf({ said, paths, network }: Together, names: readonly string[], family: Family): readonly unknown[] {
  const judged = names.flatMap((name, index) => {
    const probing = PROBING[name as keyof typeof PROBING];
    const truth = truthOf(PATH.topology, { probing, family, port: portOf(probing) });
    const path = paths[index] ?? createPath();
    return judge(claimOf(path, true), truth, { chancy: false });
  });
  return [...judged, ...faultsOfWire(network, said, PATH.topology)];
}

/** As others might send it: an error about a packet much like the last one that left, from where no router is. */
function forge(network: SimNetwork, change: (packet: Uint8Array, headerLength: number) => void): void {
  const last = network.sent.at(-1);
  const quoted = last === undefined ? undefined : Uint8Array.from(last.packet);
  const ip = quoted && wire.parseIp(quoted);
  if (quoted === undefined || ip === undefined) return;
  change(quoted, ip.headerLength);
  const { version, source: destination } = ip;
  const source = Uint8Array.from(destination);
  source[source.length - 1] = 0x42;
  const type = version === 4 ? 11 : 3;
  const payload = wire.encodeIcmpError({ version, type, code: 0, original: quoted, source, destination });
  const protocol = version === 4 ? 1 : 58;
  network.inject(wire.encodeIp({ source, destination, protocol, hopLimit: 250, payload }));
}

/** Both ends' ports, the identifier of an echo, and what tells the probes of one flow apart. */
const FORGERIES: Readonly<Record<string, (packet: Uint8Array, headerLength: number) => void>> = {
  "another process's ports or identifier": (packet, at) => {
    packet[at + 1] = (packet[at + 1] ?? 0) ^ 0x55;
    packet[at + 5] = (packet[at + 5] ?? 0) ^ 0x55;
  },
  "another target": (packet, at) => {
    packet[at - 1] = (packet[at - 1] ?? 0) ^ 0x55;
  },
};

describe("traces side by side on one host to one target", () => {
  for (const family of [4, 6] as const) {
    it(`attribute each answer to the probe that met it: ten at once, IPv${family}`, async () => {
      const result = await together(TEN, family);
      assert.deepEqual(findingsOf(result, TEN, family), []);
      for (const path of result.paths) assert.equal(path.targetHop, 8);
    });

    it(`keep to a flow each, and no two to the same: IPv${family}`, async () => {
      const { network } = await together(["udp", "udp", "tcp-syn", "tcp-syn"], family);
      const flows = new Set(
        network.sent.map(({ packet }) => {
          const ip = wire.parseIp(packet);
          return ip && `${ip.protocol} ${wire.readU16(ip.payload, 0)} ${wire.readU16(ip.payload, 2)}`;
        }),
      );
      assert.equal(flows.size, 4);
    });

    for (const [what, change] of Object.entries(FORGERIES)) {
      it(`believe no ICMP error about ${what}, IPv${family}`, async () => {
        const names = ["icmp", "udp", "tcp-syn"];
        const result = await together(names, family, (network) => forge(network, change));
        assert.deepEqual(findingsOf(result, names, family), []);
      });
    }

    it(`can only be deceived by who has seen the probe: IPv${family}`, async () => {
      const result = await together(["udp"], family, (network) => forge(network, () => undefined));
      assert.notDeepEqual(findingsOf(result, ["udp"], family), []);
    });

    it(`know their answers where the sequence wraps, IPv${family}`, async (context) => {
      context.mock.method(Math, "random", () => 1 - 1e-9);
      const names = ["icmp", "udp", "tcp-syn", "tcp-connect"];
      const result = await together(names, family);
      const sequences = result.said.flatMap(({ event }) => (event.type === "sent" ? [event.probe.sequence] : []));
      assert.ok(sequences.includes(65_535) && sequences.includes(0));
      assert.deepEqual(findingsOf(result, names, family), []);
    });
  }
});

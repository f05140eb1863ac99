import type { Family } from "../address.ts";
import type { HostProfile } from "../sim/host.ts";
import { createSimNetwork } from "../sim/network.ts";
import * as paths from "../sim/topologies.ts";
import type { Target, Topology } from "../sim/topology.ts";
import type { Bench, PluginBenches } from "./bench.ts";

export interface SimBenchesOptions {
  /** Where probes go; 0 for protocols without ports. TCP is open there. */
  readonly port: number;
  /** Default: a host that allows everything. */
  readonly host?: HostProfile;
  readonly allows?: PluginBenches["allows"];
  /** How the target answers, beyond what topologies say, where it is open and where it is closed. */
  readonly open?: Partial<Target>;
  readonly closed?: Partial<Target>;
}

/** Every arrangement, on the simulated network. */
export function simPluginBenches({ port, host = {}, allows, open, closed }: SimBenchesOptions): PluginBenches {
  const bench = (topology: Topology, family: Family, profile: HostProfile = host): Bench => {
    const network = createSimNetwork(topology, { host: profile });
    return {
      network,
      target: paths.endpointOf(topology, family, port),
      responders: paths.respondersOf(topology, family),
      sent: () => network.sent,
      openSockets: () => network.openSockets,
    };
  };
  const served = (topology: Topology): Topology => {
    const { tcp } = topology.target;
    const openPort = { ...tcp, ports: { ...tcp?.ports, [port]: tcp?.ports?.[port] ?? ("open" as const) } };
    return { ...topology, target: { ...topology.target, tcp: openPort, ...open } };
  };
  const shut = paths.closed();
  const labels = paths.mpls().hops.map(({ routers: [router] }) => router.mpls ?? []);
  return {
    families: [4, 6],
    recordsSent: true,
    serves: {
      datagrams: typeof open?.udp === "function" || typeof open?.otherProtocols === "function",
      streams: typeof served(paths.plain(7)).target.tcp?.ports?.[port] === "function",
    },
    ...(allows && { allows }),
    plain: (family) => bench(served(paths.plain(7)), family),
    closed: (family) => bench({ ...shut, target: { ...shut.target, ...closed } }, family),
    unreachable: (family) => ({ ...bench(paths.unreachable(), family), unreachableAt: 3 }),
    silent: (family) => bench(paths.silent(), family),
    mpls: (family) => ({
      ...bench(paths.mpls(), family),
      mpls: Object.fromEntries(labels.map((stack, at) => [at + 1, stack])),
    }),
    balanced: (family) => bench(served(paths.balanced()), family),
    lossy: (family) => bench(served(paths.lossy()), family),
    duplicating: (family) => bench(served(paths.duplicating()), family),
    reordering: (family) => bench(served(paths.reordering()), family),
    late: (family) => bench(served(paths.late()), family),
    nat: (family) => bench(served(paths.nat(true)), family),
    natQuotes: (family) => bench(served(paths.nat(false)), family),
    shortQuotes: (family) => bench(served(paths.minimalQuotes(family)), family),
    hostile: (family) => bench(served(paths.hostile()), family),
    dropped: (family) => bench(paths.plain(4), family, { ...host, output: [{ action: { do: "drop" } }] }),
    partlyDropped: (family) =>
      bench(served(paths.plain(4)), family, { ...host, output: [{ action: { do: "drop", everyNth: 3 } }] }),
    prohibited: (family) => bench(paths.plain(4), family, { ...host, refusedRoutes: [{ errno: "EACCES" }] }),
    noSockets: (family) => bench(paths.plain(4), family, { ...host, maxSockets: 0 }),
  };
}

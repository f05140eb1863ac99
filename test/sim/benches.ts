import { type Family, parseAddress } from "../../core/address.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { closed, endpointOf, mpls, plain, respondersOf, silent, unreachable } from "../../core/sim/topologies.ts";
import type { Target, Topology } from "../../core/sim/topology.ts";
import { echoAnswer } from "../contract/echo.ts";
import type { Bench, NetworkBench, PluginBenches } from "../contract.ts";

/** A bench on the simulated network. */
function simBench(topology: Topology, family: Family, port: number, host: HostProfile = {}): Bench {
  const network = createSimNetwork(topology, { host });
  return {
    network,
    target: endpointOf(topology, family, port),
    responders: respondersOf(topology, family),
    sent: () => network.sent,
    openSockets: () => network.openSockets,
  };
}

/** How the target answers, beyond what topologies say, where it is open and where it is closed. */
interface Targets {
  readonly open?: Partial<Target>;
  readonly closed?: Partial<Target>;
}

const withTarget = (topology: Topology, more: Partial<Target> | undefined): Topology => ({
  ...topology,
  target: { ...topology.target, ...more },
});

/** Every arrangement of the suite of plugins, for probes to `port`, on a host of that profile. */
export function simPluginBenches(port: number, host: HostProfile = {}, targets: Targets = {}): PluginBenches {
  const labels = mpls().hops.map(({ routers: [router] }) => router.mpls ?? []);
  return {
    families: [4, 6],
    recordsSent: true,
    plain: (family) => simBench(withTarget(plain(7), targets.open), family, port, host),
    closed: (family) => simBench(withTarget(closed(), targets.closed), family, port, host),
    unreachable: (family) => ({ ...simBench(unreachable(), family, port, host), unreachableAt: 3 }),
    silent: (family) => simBench(silent(), family, port, host),
    mpls: (family) => ({
      ...simBench(mpls(), family, port, host),
      mpls: Object.fromEntries(labels.map((stack, at) => [at + 1, stack])),
    }),
    dropped: (family) => simBench(plain(4), family, port, { ...host, output: [{ action: { do: "drop" } }] }),
    prohibited: (family) => simBench(plain(4), family, port, { ...host, refusedRoutes: [{ errno: "EACCES" }] }),
    noSockets: (family) => simBench(plain(4), family, port, { ...host, maxSockets: 0 }),
  };
}

export function simNetworkBench(family: Family, host: HostProfile = {}): NetworkBench {
  const topology = withTarget(plain(5), { tcp: { ports: { 443: echoAnswer } } });
  const unroutable = parseAddress(family === 4 ? "203.0.113.99" : "2001:db8:dead::99");
  if (unroutable === undefined) throw new TypeError("Cannot make the address that has no route");
  return {
    network: createSimNetwork(topology, {
      host: { ...host, refusedRoutes: [{ to: [unroutable.text], errno: "ENETUNREACH" }] },
    }),
    target: endpointOf(topology, family, 0).address,
    openPort: 443,
    closedPort: 81,
    closedUdpPort: 33_434,
    responders: respondersOf(topology, family),
    unroutable,
  };
}

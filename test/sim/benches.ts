import { type Family, parseAddress } from "../../core/address.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf, plain, respondersOf } from "../../core/sim/topologies.ts";
import { echoAnswer } from "../contract/echo.ts";
import type { NetworkBench } from "../contract.ts";

export function simNetworkBench(family: Family, host: HostProfile = {}): NetworkBench {
  const path = plain(5);
  const topology = { ...path, target: { ...path.target, tcp: { ports: { 443: echoAnswer } } } };
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

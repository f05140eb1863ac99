import { SocketError } from "../errors.ts";
import type { Network, SocketSpec } from "../network.ts";
import type { ProtocolPlugin } from "../plugin.ts";
import type { HostProfile } from "../sim/host.ts";
import { createSimNetwork } from "../sim/network.ts";
import { endpointOf, plain } from "../sim/topologies.ts";
import { parseIp } from "../wire/mod.ts";
import { openSession, probe } from "./session.ts";

/** What a plugin does on a host when it is asked for one probe. */
export interface Look {
  /** What sockets it opened, or tried to. */
  readonly opened: readonly SocketSpec[];
  /** The host allows none of its modes. */
  readonly isRefused: boolean;
  /** The IP protocol of what it sent; undefined where it sent nothing. */
  readonly protocol: number | undefined;
  /** Its session has provisional replies, as one that listens for a service behind TCP. */
  readonly speaks: boolean;
}

/** Opens a plugin on the simulated network and sends one probe. Faults of the plugin are not told here. */
export function look(plugin: ProtocolPlugin, port: number, host: HostProfile = {}): Look {
  const topology = plain(3);
  using network = createSimNetwork(topology, { host });
  const opened: SocketSpec[] = [];
  const watched: Network = {
    nowMs: () => network.nowMs(),
    route: (to) => network.route(to),
    open: (spec, family) => {
      opened.push(spec);
      return network.open(spec, family);
    },
    dial: (to, hopLimit, localPort, tag) => network.dial(to, hopLimit, localPort, tag),
    receive: (untilMs, signal) => network.receive(untilMs, signal),
    retransmitFailures: () => network.retransmitFailures(),
    [Symbol.dispose]: () => network[Symbol.dispose](),
  };
  let isRefused = false;
  let speaks = false;
  const spied: ProtocolPlugin = Object.create(plugin, {
    open: {
      value: (...args: Parameters<ProtocolPlugin["open"]>): unknown => {
        const session: unknown = plugin.open(...args);
        speaks = typeof Object(session)["provisional"] === "function";
        return session;
      },
    },
  });
  try {
    using session = openSession(spied, { network: watched, target: endpointOf(topology, 4, port), responders: [] });
    session.send(probe({ sequence: 1, hopLimit: 3 }));
  } catch (error) {
    // Any other fault is what the cases are there to find.
    isRefused = error instanceof SocketError && error.stage === "socket";
  }
  const [first] = network.sent;
  return { opened, isRefused, protocol: first && parseIp(first.packet)?.protocol, speaks };
}

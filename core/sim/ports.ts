import { SocketError } from "../errors.ts";
import type { ProbeSocket } from "../network.ts";
import type { Prng } from "./prng.ts";

type SocketType = ProbeSocket["type"];

/** Which local ports (and ping identifiers) are taken. */
export interface Ports {
  /** `wanted` 0: any free one of the ephemeral range. Throws SocketError (stage `bind`). */
  take(type: SocketType, wanted: number): number;
  release(type: SocketType, port: number): void;
}

/** Linux's default `net.ipv4.ip_local_port_range`. */
const EPHEMERAL = { first: 32_768, count: 28_232 };

export function createPorts(prng: Prng): Ports {
  const taken = new Map<string, Set<number>>();
  const of = (type: SocketType): Set<number> => {
    // A reserved TCP port is shared with the connections dialled from it (SO_REUSEADDR), but nobody else is given it.
    const space = type === "tcp-connect" ? "tcp-port" : type;
    const ports = taken.get(space) ?? new Set();
    taken.set(space, ports);
    return ports;
  };
  return {
    take: (type, wanted) => {
      const ports = of(type);
      if (wanted !== 0 && ports.has(wanted)) throw new SocketError("bind", "EADDRINUSE", `bind to port ${wanted}`);
      if (ports.size >= EPHEMERAL.count) throw new SocketError("bind", "EADDRNOTAVAIL", "bind to a free port");
      let port = wanted;
      while (port === 0 || (wanted === 0 && ports.has(port))) port = EPHEMERAL.first + prng.below(EPHEMERAL.count);
      ports.add(port);
      return port;
    },
    release: (type, port) => {
      of(type).delete(port);
    },
  };
}

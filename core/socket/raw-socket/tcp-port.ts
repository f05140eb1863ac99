import { readFileSync } from "node:fs";
import { SocketError } from "../../errors.ts";
import type { ProbeSocket } from "../../network.ts";

/** RFC 6335 §6: the dynamic ports. */
const FIRST = 49_152;
const LAST = 65_535;
const TRIES = 100;

/**
 * A TCP port that no socket of this host uses now. It cannot be kept from other programs: Node binds TCP sockets only to
 * listen on them. Throws SocketError (stage `bind`) where a port that was asked for is in use.
 */
export function openTcpPort(wanted: number, taken: Set<number>): ProbeSocket {
  const used = usedPorts();
  const isFree = (port: number): boolean => !used.has(port) && !taken.has(port);
  let localPort = wanted;
  if (wanted !== 0 && !isFree(wanted)) throw new SocketError("bind", "EADDRINUSE", `use TCP port ${wanted}`);
  for (let tries = 0; localPort === 0 && tries < TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (isFree(port)) localPort = port;
  }
  if (localPort === 0) throw new SocketError("bind", "EADDRINUSE", "find a free TCP port");
  taken.add(localPort);
  return {
    type: "tcp-port",
    localPort,
    send() {
      throw new SocketError("send", "EOPNOTSUPP", "send on a reserved port");
    },
    [Symbol.dispose]: () => void taken.delete(localPort),
  };
}

/** The local ports in /proc/net/tcp and tcp6, of this network namespace. */
function usedPorts(): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const [, port = ""] of read(file).matchAll(/^ *\d+: [\dA-F]+:([\dA-F]{4}) /gm))
      ports.add(Number.parseInt(port, 16));
  }
  return ports;
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    // No /proc, or no IPv6: nothing is known to be in use.
    return "";
  }
}

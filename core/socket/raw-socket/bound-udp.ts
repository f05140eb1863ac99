import { createSocket, type Socket } from "node:dgram";
import type { Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";

/**
 * A UDP socket of Node's own, bound when this returns: addresses are literal, and with a lookup that answers at once
 * node:dgram does all of bind and connect before it returns. Throws SocketError (stage `bind`; `socket` where no
 * descriptor is left).
 */
export function bindUdp(family: Family, port: number): Socket {
  const socket = createSocket({
    type: family === 4 ? "udp4" : "udp6",
    // Refused for IPv4.
    ...(family === 6 && { ipv6Only: true }),
    lookup: (hostname, _options, done) => done(null, hostname, family),
  });
  let refused: unknown;
  socket.on("error", (error) => {
    refused = error;
  });
  socket.bind({ port, exclusive: true, address: family === 4 ? "0.0.0.0" : "::" });
  if (refused === undefined) return socket;
  socket.close();
  const { code = null } = Object(refused);
  const isFull = code === "EMFILE" || code === "ENFILE";
  throw new SocketError(isFull ? "socket" : "bind", code, `bind a UDP socket to port ${port}`);
}

/** The local address of a UDP socket that was connected to an address and port; undefined where that failed. */
export function connectedFrom(socket: Socket, to: string, port: number): string | undefined {
  socket.connect(port, to);
  try {
    socket.remoteAddress();
  } catch {
    // Not connected. Node tells why by an event, later.
    return undefined;
  }
  return socket.address().address;
}

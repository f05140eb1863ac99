import type { Socket } from "node:dgram";
import { type Endpoint, type Family, formatAddress, type IpAddress, parseAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { PacketArrival, ProbeSocket, SocketSpec } from "../../network.ts";
import { encodeUdp, IP_PROTOCOL, readU16 } from "../../wire/mod.ts";
import { ICMP_FILTER, PROTO, SOL } from "../linux/abi.ts";
import { icmpMask } from "../linux/filter.ts";
import { verifyIcmpv4 } from "../linux/received-ip.ts";
import type { RawSocketAddon } from "./addon.ts";
import { bindUdp } from "./bound-udp.ts";
import { IpSender, LONGEST_PACKET, openIp } from "./ip-socket.ts";

/** What the network does for its sockets. */
export interface SocketHost {
  readonly addon: RawSocketAddon;
  nowMs(): number;
  sourceTo(address: IpAddress): IpAddress;
  enqueue(arrival: PacketArrival): void;
  /** Called by a socket that closes. */
  forget(socket: ProbeSocket): void;
}

export interface RawSocket extends ProbeSocket {
  /** Hands over what the kernel has for it already. */
  drain(): void;
}

/** After so many packets the event loop gets a turn. */
const MOST_READS = 512;

const icmpOf = (family: Family): number => (family === 4 ? PROTO.icmp : PROTO.icmpv6);

/** Sends and receives one IP protocol. Throws SocketError (stage `socket`). */
export function openRaw(host: SocketHost, spec: SocketSpec & { type: "raw" }, family: Family): RawSocket {
  const { protocol, ports } = spec;
  const addonSocket = openIp(host.addon, protocol, family);
  const sender = new IpSender(addonSocket, family);
  if (protocol === icmpOf(family)) {
    const mask = Buffer.alloc(4 * icmpMask(family).length);
    icmpMask(family).forEach((word, at) => {
      mask.writeUInt32LE(word, 4 * at);
    });
    addonSocket.setOption(family === 4 ? SOL.raw : SOL.icmpv6, ICMP_FILTER, mask, mask.length);
  }
  const buffer = Buffer.allocUnsafeSlow(LONGEST_PACKET);
  const receive = (): boolean => {
    try {
      addonSocket.wrap.recv(buffer, (into, octets, from) => take(into.subarray(0, octets), from));
      return true;
    } catch {
      // EAGAIN; or an error of receiving, which the event tells again.
      return false;
    }
  };
  const socket: RawSocket = {
    type: "raw",
    localPort: 0,
    send: (bytes, to, hopLimit) => sender.send(bytes, to, hopLimit, `send to ${formatAddress(to.address)}`),
    drain() {
      for (let reads = 0; reads < MOST_READS && !sender.isClosed && receive(); reads++);
    },
    [Symbol.dispose]() {
      host.forget(socket);
      sender.close();
    },
  };
  const take = (received: Buffer, fromText: string): void => {
    const from = parseAddress(fromText);
    const packet = withoutHeader(received, family);
    if (from === undefined || packet === undefined) return;
    const { bytes } = packet;
    if (ports !== undefined && (readU16(bytes, 0) !== ports.remote || readU16(bytes, 2) !== ports.local)) return;
    if (family === 4 && protocol === PROTO.icmp && !verifyIcmpv4(bytes)) return;
    host.enqueue({ ...arrivalOn(host, socket, protocol), from, fromPort: 0, ...packet });
  };
  addonSocket.on("message", take);
  // Errors of receiving: what cannot be read is as good as lost.
  addonSocket.on("error", () => {});
  return socket;
}

/**
 * Sends UDP through a raw socket, and receives through one of Node's own, which keeps the port. Throws SocketError (stage
 * `socket` or `bind`).
 */
export function openUdp(host: SocketHost, localPort: number, family: Family): ProbeSocket {
  const addonSocket = openIp(host.addon, IP_PROTOCOL.udp, family);
  addonSocket.on("error", () => {});
  // Copies of all UDP that comes to this host would wake the process for nothing.
  addonSocket.pauseRecv();
  const sender = new IpSender(addonSocket, family);
  let bound: Socket;
  try {
    bound = bindUdp(family, localPort);
  } catch (error) {
    sender.close();
    throw error;
  }
  // Only who waits for an arrival keeps the process alive.
  bound.unref();
  let isClosed = false;
  /** The way to where the last packet went: asking for it takes longer than sending. */
  let way: { readonly to: string; readonly source: Uint8Array } | undefined;
  const socket: ProbeSocket = {
    type: "udp",
    localPort: bound.address().port,
    send(payload, to: Endpoint, hopLimit) {
      const action = `send to ${formatAddress(to.address)} port ${to.port}`;
      if (isClosed) throw new SocketError("send", "EBADF", "send on a closed socket");
      if (way?.to !== to.address.text) way = { to: to.address.text, source: sourceOf(host, to.address, action).bytes };
      const { source } = way;
      const destination = to.address.bytes;
      const ports = { sourcePort: socket.localPort, destinationPort: to.port };
      sender.send(encodeUdp({ source, destination, ...ports, payload }), to, hopLimit, action);
    },
    [Symbol.dispose]() {
      if (isClosed) return;
      isClosed = true;
      host.forget(socket);
      sender.close();
      bound.close();
    },
  };
  bound.on("message", (received, { address, port }) => {
    const from = parseAddress(address);
    if (from === undefined) return;
    const bytes = Uint8Array.from(received);
    host.enqueue({ ...arrivalOn(host, socket, IP_PROTOCOL.udp), from, fromPort: port, bytes });
  });
  return socket;
}

/** The kernel would find out when it sends: a missing route is a refusal of the send then. */
function sourceOf(host: SocketHost, address: IpAddress, action: string): IpAddress {
  try {
    return host.sourceTo(address);
  } catch (error) {
    if (error instanceof SocketError && error.stage === "route") throw new SocketError("send", error.errno, action);
    throw error;
  }
}

function arrivalOn(host: SocketHost, socket: ProbeSocket, protocol: number) {
  return { kind: "packet", socket, atMs: host.nowMs(), protocol, tapped: false } as const;
}

/** A copy of what follows the IP header, which the kernel hands over for IPv4 only. */
function withoutHeader(received: Buffer, family: Family): Pick<PacketArrival, "bytes" | "hopLimit"> | undefined {
  if (family === 6) return { bytes: Uint8Array.from(received) };
  const headerLength = ((received[0] ?? 0) & 15) * 4;
  const hopLimit = received[8];
  if (headerLength < 20 || headerLength > received.length || hopLimit === undefined) return undefined;
  return { hopLimit, bytes: Uint8Array.from(received.subarray(headerLength)) };
}

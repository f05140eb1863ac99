import { addressFromBytes, type Endpoint, type Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, ProbeSocket } from "../../network.ts";
import { checksum } from "../../wire/checksum.ts";
import { ICMP, ICMPV6, parseIcmp } from "../../wire/icmp.ts";
import { writeU16 } from "../../wire/octets.ts";
import { icmpOf } from "../linux/open.ts";
import { SOCK } from "./abi.ts";
import { DatagramSource, Datagrams, isLocal, type Received, type SocketHost } from "./datagram.ts";
import { ERRNO } from "./errno.ts";
import { readIcmp } from "./icmp-listener.ts";
import type { Kernel } from "./kernel.ts";
import { readIcmpError } from "./received-icmp.ts";

const HEADER = 8;
/** Any number that the kernel accepts; each packet has its own. */
const SOME_HOPS = 64;

/**
 * ICMP echo without privilege. Unlike Linux, macOS leaves the identifier as it is and hands every ICMP message of the
 * host to every such socket: an identifier of our own is written into what is sent, and all others are passed over.
 */
export class PingSocket extends DatagramSource implements ProbeSocket {
  readonly type = "ping";
  readonly localPort: number;
  readonly #host: SocketHost;
  #closed = false;

  /** Throws SocketError (stage `socket` or `bind`). */
  constructor(kernel: Kernel, host: SocketHost, family: Family, identifier: number) {
    super(new Datagrams(kernel, openPing(kernel, family), family));
    this.#host = host;
    this.localPort = identifier;
  }

  send(bytes: Uint8Array, to: Endpoint, hopLimit: number, _tag: number): void {
    if (this.#closed) throw new SocketError("send", "EBADF", "send on a closed socket");
    const packet = Uint8Array.from(bytes);
    if (packet.length >= HEADER) {
      writeU16(packet, 4, this.localPort);
      writeU16(packet, 2, 0);
      // ICMPv6's covers the addresses too: the kernel fills it in.
      if (this.datagrams.family === 4) writeU16(packet, 2, checksum(packet));
    }
    this.datagrams.send(packet, { address: to.address, port: 0 }, hopLimit);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.forget(this);
    this.datagrams.kernel.close(this.fd);
  }

  protected arrival(received: Received): Arrival | undefined {
    const { family, kernel } = this.datagrams;
    const types = family === 4 ? ICMP : ICMPV6;
    const icmp = readIcmp(received, family);
    const message = icmp && parseIcmp(icmp.bytes);
    if (icmp === undefined || message === undefined) return undefined;
    const { atMs } = received;
    if (message.type === types.echoReply) {
      if (message.identifier !== this.localPort) return undefined;
      const protocol = icmpOf(family);
      return { kind: "packet", socket: this, atMs, fromPort: 0, protocol, tapped: false, ...icmp };
    }
    const error = readIcmpError(icmp, family);
    const echo = error?.packet.protocol === icmpOf(family) ? parseIcmp(error.packet.payload) : undefined;
    if (error === undefined || echo?.type !== types.echoRequest || echo.identifier !== this.localPort) return undefined;
    const to = addressFromBytes(error.packet.destination);
    const local = isLocal(kernel, icmp.from, to);
    const { payload: quoted } = error.packet;
    const base = { kind: "error", socket: this, atMs, ...error.arrival } as const;
    return { ...base, to, toPort: 0, quoted, local, retransmitted: false };
  }
}

function openPing(kernel: Kernel, family: Family): number {
  const fd = openIcmp(kernel, family);
  if (kernel.options.source === undefined) return fd;
  try {
    kernel.bind(fd, family, 0);
    return fd;
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
}

function openIcmp(kernel: Kernel, family: Family): number {
  const fd = kernel.socket(family, SOCK.dgram, icmpOf(family), `an IPv${family} ping socket`);
  if (kernel.setHopLimit(fd, family, SOME_HOPS) !== ERRNO.EINVAL) return fd;
  // Root may set no option of IPv6 on a datagram socket, everybody else may (icmp6_dgram_ctloutput, bsd/netinet6/icmp6.c).
  kernel.close(fd);
  return kernel.socket(family, SOCK.raw, icmpOf(family), `an IPv${family} ping socket`);
}

import { addressFromBytes, type Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, ProbeSocket } from "../../network.ts";
import type { IpPacket } from "../../wire/ip.ts";
import { icmpOf } from "../linux/open.ts";
import { SOCK } from "./abi.ts";
import { DatagramSource, Datagrams, isLocal, type Received } from "./datagram.ts";
import type { Kernel } from "./kernel.ts";
import { type ReceivedIcmp, readIcmpError, stripIpv4 } from "./received-icmp.ts";

/** A socket whose packets routers answer by ICMP, which macOS does not tell it: it has no error queue. */
export interface Listening {
  readonly socket: ProbeSocket;
  /** What is to be shown of a quoted packet that this socket sent; undefined: another sent it. */
  claim(packet: IpPacket): { readonly quoted: Uint8Array; readonly toPort: number } | undefined;
  isRetransmitted(atMs: number): boolean;
}

/**
 * Hears the ICMP errors of a family for all sockets of a network. As root by a raw socket; else by a datagram socket, to
 * which the kernel gives all ICMP messages as well (rip_input, bsd/netinet/raw_ip.c; icmp6_rip6_input).
 */
export class IcmpListener extends DatagramSource {
  readonly #family: Family;
  readonly #listening = new Set<Listening>();

  /** Throws SocketError (stage `socket` or `bind`). */
  constructor(kernel: Kernel, family: Family) {
    super(new Datagrams(kernel, openIcmp(kernel, family), family));
    this.#family = family;
  }

  add(listening: Listening): void {
    this.#listening.add(listening);
  }

  /** Whether others still listen. */
  delete(listening: Listening): boolean {
    this.#listening.delete(listening);
    return this.#listening.size > 0;
  }

  close(): void {
    this.datagrams.kernel.close(this.fd);
  }

  protected arrival(received: Received): Arrival | undefined {
    const icmp = readIcmp(received, this.#family);
    const error = icmp && readIcmpError(icmp, this.#family);
    if (error === undefined) return undefined;
    for (const each of this.#listening) {
      const claimed = each.claim(error.packet);
      if (claimed === undefined) continue;
      const { atMs } = received;
      const destination = addressFromBytes(error.packet.destination);
      return {
        kind: "error",
        socket: each.socket,
        atMs,
        ...error.arrival,
        to: destination,
        ...claimed,
        local: isLocal(this.datagrams.kernel, error.arrival.offender, destination),
        retransmitted: each.isRetransmitted(atMs),
      };
    }
    return undefined;
  }
}

/** An ICMP message from its header on, whether or not the kernel put an IP header before it. */
export function readIcmp({ from, control, bytes }: Received, family: Family): ReceivedIcmp | undefined {
  if (family === 4) {
    const stripped = stripIpv4(bytes);
    return stripped && { from: from.address, ...stripped };
  }
  const { hopLimit } = control;
  // The kernel has verified ICMPv6's checksum (icmp6_input).
  return { from: from.address, ...(hopLimit === undefined ? {} : { hopLimit }), bytes };
}

function openIcmp(kernel: Kernel, family: Family): number {
  try {
    return kernel.socket(family, SOCK.raw, icmpOf(family), `a raw ICMP socket`);
  } catch (error) {
    if (!(error instanceof SocketError) || error.stage !== "socket") throw error;
    return kernel.socket(family, SOCK.dgram, icmpOf(family), `an ICMP datagram socket`);
  }
}

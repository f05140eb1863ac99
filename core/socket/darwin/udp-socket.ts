import type { Endpoint, Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, ProbeSocket } from "../../network.ts";
import type { IpPacket } from "../../wire/ip.ts";
import { parseUdp } from "../../wire/udp.ts";
import { PROTO } from "../linux/abi.ts";
import { SOCK } from "./abi.ts";
import { DatagramSource, Datagrams, type Received, type SocketHost } from "./datagram.ts";
import type { Listening } from "./icmp-listener.ts";
import type { Kernel } from "./kernel.ts";

const HEADER = 8;

/** A UDP socket; the ICMP errors that it causes come by the network's listener. */
export class UdpSocket extends DatagramSource implements ProbeSocket, Listening {
  readonly type = "udp";
  readonly localPort: number;
  readonly #host: SocketHost;
  #closed = false;

  /** Throws SocketError (stage `socket` or `bind`). */
  constructor(kernel: Kernel, host: SocketHost, family: Family, localPort: number) {
    super(new Datagrams(kernel, openUdp(kernel, family, localPort), family));
    this.#host = host;
    this.localPort = kernel.localPort(this.fd);
  }

  get socket(): ProbeSocket {
    return this;
  }

  send(bytes: Uint8Array, to: Endpoint, hopLimit: number, _tag: number): void {
    if (this.#closed) throw new SocketError("send", "EBADF", "send on a closed socket");
    this.datagrams.send(bytes, to, hopLimit);
  }

  claim({ protocol, payload }: IpPacket): { readonly quoted: Uint8Array; readonly toPort: number } | undefined {
    const udp = protocol === PROTO.udp ? parseUdp(payload) : undefined;
    if (udp?.sourcePort !== this.localPort) return undefined;
    return { quoted: payload.subarray(HEADER), toPort: udp.destinationPort };
  }

  isRetransmitted(): boolean {
    return false;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.forget(this);
    this.datagrams.kernel.close(this.fd);
  }

  protected arrival({ from, control, atMs, bytes }: Received): Arrival {
    const hopLimit = control.hopLimit === undefined ? {} : { hopLimit: control.hopLimit };
    const packet = { from: from.address, fromPort: from.port, protocol: PROTO.udp, ...hopLimit, bytes };
    return { kind: "packet", socket: this, atMs, ...packet, tapped: false };
  }
}

function openUdp(kernel: Kernel, family: Family, localPort: number): number {
  const fd = kernel.socket(family, SOCK.dgram, PROTO.udp, `an IPv${family} UDP socket`);
  try {
    kernel.bind(fd, family, localPort);
    return fd;
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
}

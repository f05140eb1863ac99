import type { Endpoint, Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, ProbeSocket, SocketSpec } from "../../network.ts";
import { PROTO } from "../linux/abi.ts";
import { icmpMask } from "../linux/filter.ts";
import { icmpOf } from "../linux/open.ts";
import { IPV6, SOCK, SOL } from "./abi.ts";
import { DatagramSource, Datagrams, type Received, type SocketHost } from "./datagram.ts";
import { errnoName } from "./errno.ts";
import { readIcmp } from "./icmp-listener.ts";
import type { Kernel } from "./kernel.ts";
import type { ReceivedIcmp } from "./received-icmp.ts";

type RawSpec = Extract<SocketSpec, { readonly type: "raw" }>;

/** A raw socket: ICMP, and protocols that the kernel itself does not speak. */
export class RawSocket extends DatagramSource implements ProbeSocket {
  readonly type = "raw";
  readonly localPort = 0;
  readonly #host: SocketHost;
  readonly #spec: RawSpec;
  #closed = false;

  /** Throws SocketError (stage `socket` or `bind`). */
  constructor(kernel: Kernel, host: SocketHost, spec: RawSpec, family: Family) {
    super(new Datagrams(kernel, openRaw(kernel, spec, family), family));
    this.#host = host;
    this.#spec = spec;
  }

  send(bytes: Uint8Array, to: Endpoint, hopLimit: number, _tag: number): void {
    if (this.#closed) throw new SocketError("send", "EBADF", "send on a closed socket");
    this.datagrams.send(bytes, { address: to.address, port: 0 }, hopLimit);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.forget(this);
    this.datagrams.kernel.close(this.fd);
  }

  protected arrival(received: Received): Arrival | undefined {
    const { family } = this.datagrams;
    const { protocol, ports } = this.#spec;
    const message =
      protocol === icmpOf(family) || family === 6 ? readIcmp(received, family) : withoutIpHeader(received);
    if (message === undefined) return undefined;
    if (ports !== undefined && !hasPorts(message.bytes, ports)) return undefined;
    return { kind: "packet", socket: this, atMs: received.atMs, fromPort: 0, protocol, tapped: false, ...message };
  }
}

function withoutIpHeader({ from, bytes }: Received): ReceivedIcmp | undefined {
  const length = ((bytes[0] ?? 0) & 15) * 4;
  const hopLimit = bytes[8];
  if (hopLimit === undefined || length < 20 || length > bytes.length) return undefined;
  return { from: from.address, hopLimit, bytes: bytes.subarray(length) };
}

function hasPorts(bytes: Uint8Array, { local, remote }: { readonly local: number; readonly remote: number }): boolean {
  if (bytes.length < 4) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 4);
  return view.getUint16(0) === remote && view.getUint16(2) === local;
}

function openRaw(kernel: Kernel, { protocol }: RawSpec, family: Family): number {
  const what = `a raw IPv${family} socket (protocol ${protocol})`;
  if (protocol === PROTO.tcp || protocol === PROTO.udp) {
    // Such a socket opens and sends, but the answers go to the kernel's own TCP and UDP alone (ip_input, in_proto.c).
    const evidence = `macOS gives raw sockets no received ${protocol === PROTO.tcp ? "TCP" : "UDP"} packets`;
    throw new SocketError("socket", "ESOCKTNOSUPPORT", `open ${what}`, evidence);
  }
  const fd = kernel.socket(family, SOCK.raw, protocol, what);
  try {
    if (kernel.options.source !== undefined) kernel.bind(fd, family, 0);
    if (protocol === PROTO.icmpv6) passAnswersOnly(kernel, fd);
    return fd;
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
}

/** In the BSDs a set bit of ICMP6_FILTER lets a type pass, in Linux it drops it. IPv4 has no such filter here. */
function passAnswersOnly(kernel: Kernel, fd: number): void {
  const errno = kernel.setWords(
    fd,
    SOL.icmpv6,
    IPV6.icmp6Filter,
    icmpMask(6).map((word) => ~word),
  );
  if (errno !== 0) throw new SocketError("socket", errnoName(errno), "filter what a raw socket receives");
}

import { type Endpoint, type Family, formatAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, ProbeSocket } from "../../network.ts";
import type { IpPacket } from "../../wire/ip.ts";
import { parseTcpStart } from "../../wire/tcp.ts";
import { POLL, PROTO } from "../linux/abi.ts";
import type { ReadResult, Source } from "../linux/source.ts";
import { SO, SOCK, SOL } from "./abi.ts";
import type { SocketHost } from "./datagram.ts";
import { ERRNO, errnoName } from "./errno.ts";
import type { Listening } from "./icmp-listener.ts";
import type { Kernel } from "./kernel.ts";

/** TCPTV_RTOBASE (bsd/netinet/tcp_timer.h): a SYN is repeated after one second. */
const FIRST_REPETITION_MS = 1000;
const NOTHING = new Uint8Array(0);

/** A TCP handshake with a hop limit: SYN sent, its end awaited. Routers' answers come by the network's listener. */
export class DialSocket implements ProbeSocket, Source, Listening {
  readonly type = "tcp-connect";
  readonly fd: number;
  readonly localPort: number;
  readonly events = POLL.out;
  readonly last = false;
  errorsQuietAtMs: number;
  packetsQuietAtMs: number;
  readonly #kernel: Kernel;
  readonly #host: SocketHost;
  readonly #to: Endpoint;
  readonly #startedAtMs: number;
  #active = true;
  #closed = false;

  /** Takes over `fd`, whose connect was called at `startedAtMs`. */
  constructor(kernel: Kernel, host: SocketHost, fd: number, to: Endpoint, startedAtMs: number) {
    this.#kernel = kernel;
    this.#host = host;
    this.fd = fd;
    this.#to = to;
    this.#startedAtMs = startedAtMs;
    this.localPort = kernel.localPort(fd);
    this.errorsQuietAtMs = this.packetsQuietAtMs = startedAtMs;
  }

  get active(): boolean {
    return this.#active;
  }

  get socket(): ProbeSocket {
    return this;
  }

  send(): void {
    throw new SocketError("send", "EOPNOTSUPP", "send on a TCP handshake");
  }

  claim({ protocol, payload, destination }: IpPacket): { quoted: Uint8Array; toPort: number } | undefined {
    const { address, port } = this.#to;
    const tcp = protocol === PROTO.tcp && this.#active ? parseTcpStart(payload) : undefined;
    if (tcp?.sourcePort !== this.localPort || tcp.destinationPort !== port) return undefined;
    if (!destination.every((octet, at) => octet === address.bytes[at])) return undefined;
    this.#active = false;
    return { quoted: NOTHING, toPort: port };
  }

  /** Whether the SYN was repeated by then, so that an answer may be to either. */
  isRetransmitted(atMs: number): boolean {
    return atMs - this.#startedAtMs >= FIRST_REPETITION_MS;
  }

  readErrors(): ReadResult {
    return this.#active ? this.#outcome(this.#kernel.takeError(this.fd)) : "empty";
  }

  /** A handshake has no packets of its own; its end is read as an error is. */
  readPackets(): ReadResult {
    return this.readErrors();
  }

  /** The end of a handshake that `connect` or the kernel gives as an errno, 0 for success. */
  #outcome(errno: number): Arrival | "empty" {
    this.#active = false;
    // Reset after the handshake: it had been open.
    const isOpen = errno === 0 || errno === ERRNO.ECONNRESET || errno === ERRNO.EPIPE;
    // ETIMEDOUT: nobody answered. EHOSTUNREACH and the like: who said so came by ICMP.
    if (!isOpen && errno !== ERRNO.ECONNREFUSED) return "empty";
    const atMs = this.#kernel.clock.nowMs();
    const state = isOpen ? "open" : "closed";
    const retransmitted = this.isRetransmitted(atMs);
    // Whether a rule of this host made the reset cannot be told here.
    return { kind: "handshake", socket: this, atMs, state, from: this.#to.address, local: false, retransmitted };
  }

  /** As `#outcome`, for what connect itself returned. */
  endedWith(errno: number): Arrival | undefined {
    const outcome = this.#outcome(errno);
    return outcome === "empty" ? undefined : outcome;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#active = false;
    this.#host.forget(this);
    this.#kernel.close(this.fd);
  }
}

/** Starts a handshake. Throws SocketError (stage `socket`, `bind` or `connect`). */
export function dial(
  kernel: Kernel,
  host: SocketHost,
  to: Endpoint,
  request: { readonly hopLimit: number; readonly localPort: number; readonly tag: number | undefined },
): DialSocket {
  const { address, port } = to;
  const scope = kernel.scope("connect", address);
  const fd = openTcp(kernel, address.family, request.hopLimit, request.localPort);
  const startedAtMs = kernel.clock.nowMs();
  const errno = kernel.connect(fd, address, port, scope);
  if (errno !== 0 && errno !== ERRNO.EINPROGRESS && errno !== ERRNO.ECONNREFUSED) {
    kernel.close(fd);
    throw new SocketError("connect", errnoName(errno), `connect to ${formatAddress(address)} port ${port}`);
  }
  const socket = new DialSocket(kernel, host, fd, to, startedAtMs);
  if (request.tag !== undefined) {
    host.enqueue({ kind: "departure", socket, atMs: startedAtMs, tag: request.tag });
  }
  const atOnce = errno === ERRNO.EINPROGRESS ? undefined : socket.endedWith(errno);
  if (atOnce !== undefined) host.enqueue(atOnce);
  return socket;
}

/** Throws SocketError (stage `socket` or `bind`). */
function openTcp(kernel: Kernel, family: Family, hopLimit: number, localPort: number): number {
  const fd = kernel.socket(family, SOCK.stream, PROTO.tcp, "a TCP socket");
  try {
    const errno = kernel.setHopLimit(fd, family, hopLimit);
    if (errno !== 0) throw new SocketError("socket", errnoName(errno), `set hop limit ${hopLimit}`);
    // Closing resets an open connection, which leaves no TIME_WAIT behind on its ports.
    kernel.setWords(fd, SOL.socket, SO.linger, [1, 0]);
    if (localPort !== 0) {
      // The first for what an earlier connection left behind, the second for a reservation of the port.
      kernel.setOption(fd, SOL.socket, SO.reuseaddr, 1);
      kernel.setOption(fd, SOL.socket, SO.reuseport, 1);
    }
    if (localPort !== 0 || kernel.options.source !== undefined) kernel.bind(fd, family, localPort);
    return fd;
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
}

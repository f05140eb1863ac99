import { type Endpoint, type Family, formatAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Arrival, DataArrival, ProbeSocket } from "../../network.ts";
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
const LONGEST_SEND = 1200;
const NOTHING = new Uint8Array(0);

/** As on Linux: a handshake that is under way or done, a stream that is read, or nothing more to come. */
type Phase = "dialling" | "open" | "stream" | "ended";

/** A TCP handshake with a hop limit, and the stream behind it. Routers' answers come by the network's listener. */
export class DialSocket implements ProbeSocket, Source, Listening {
  readonly type = "tcp-connect";
  readonly fd: number;
  readonly localPort: number;
  readonly last = false;
  errorsQuietAtMs: number;
  packetsQuietAtMs: number;
  readonly #kernel: Kernel;
  readonly #host: SocketHost;
  readonly #to: Endpoint;
  readonly #startedAtMs: number;
  #phase: Phase = "dialling";
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
    return this.#phase === "dialling" || this.#phase === "stream";
  }

  get events(): number {
    return this.#phase === "stream" ? POLL.in : POLL.out;
  }

  get socket(): ProbeSocket {
    return this;
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) throw this.#refusal("EBADF");
    if (this.#phase === "dialling") throw this.#refusal("ENOTCONN");
    if (this.#phase === "ended") throw this.#refusal("EPIPE");
    if (bytes.length > LONGEST_SEND) throw this.#refusal("EMSGSIZE");
    if (this.#phase === "open") {
      this.#phase = "stream";
      this.#host.watchAgain();
    }
    if (bytes.length === 0) return;
    const errno = this.#kernel.outgoing.say(this.#kernel.libc, this.fd, bytes);
    if (errno !== 0) throw this.#refusal(errnoName(errno));
  }

  claim({ protocol, payload, destination }: IpPacket): { quoted: Uint8Array; toPort: number } | undefined {
    const { address, port } = this.#to;
    // An ICMP error does not end a connection that is open (RFC 5927 §4).
    const tcp = protocol === PROTO.tcp && this.#phase === "dialling" ? parseTcpStart(payload) : undefined;
    if (tcp?.sourcePort !== this.localPort || tcp.destinationPort !== port) return undefined;
    if (!destination.every((octet, at) => octet === address.bytes[at])) return undefined;
    this.#phase = "ended";
    return { quoted: NOTHING, toPort: port };
  }

  /** Whether the SYN was repeated by then, so that an answer may be to either. */
  isRetransmitted(atMs: number): boolean {
    return atMs - this.#startedAtMs >= FIRST_REPETITION_MS;
  }

  readErrors(): ReadResult {
    if (this.#phase === "stream") return this.#readStream();
    return this.#phase === "dialling" ? (this.endWith(this.#kernel.takeError(this.fd)) ?? "empty") : "empty";
  }

  /** A handshake's end is read as an error is; what is wrong with a stream, as its octets are. */
  readPackets(): ReadResult {
    return this.readErrors();
  }

  /** The end of the handshake that `connect` or the kernel gives as an errno, 0 for success. */
  endWith(errno: number): Arrival | undefined {
    // Reset after the handshake: it had been open.
    const isOpen = errno === 0 || isReset(errno);
    this.#phase = isOpen ? "open" : "ended";
    // ETIMEDOUT: nobody answered. EHOSTUNREACH and the like: who said so came by ICMP.
    if (!isOpen && errno !== ERRNO.ECONNREFUSED) return undefined;
    const atMs = this.#kernel.clock.nowMs();
    const state = isOpen ? "open" : "closed";
    const retransmitted = this.isRetransmitted(atMs);
    // Whether a rule of this host made the reset cannot be told here.
    return { kind: "handshake", socket: this, atMs, state, from: this.#to.address, local: false, retransmitted };
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#phase = "ended";
    this.#host.forget(this);
    this.#kernel.close(this.fd);
  }

  #readStream(): ReadResult {
    const { libc, incoming, clock } = this.#kernel;
    const errno = incoming.receive(libc, this.fd);
    if (errno === 0) {
      const bytes = incoming.received();
      return bytes.length > 0 ? this.#data(bytes) : this.#data(bytes, "closed");
    }
    if (isReset(errno)) return this.#data(NOTHING, "reset");
    // Anything else but an empty queue ends the connection without a word of the other side (ETIMEDOUT).
    if (errno !== ERRNO.EAGAIN) this.#phase = "ended";
    this.errorsQuietAtMs = this.packetsQuietAtMs = clock.nowMs();
    return "empty";
  }

  /** Streams have no stamps. */
  #data(bytes: Uint8Array, end?: "closed" | "reset"): DataArrival {
    if (end !== undefined) this.#phase = "ended";
    const atMs = this.#kernel.clock.nowMs();
    const base = { kind: "data", socket: this, atMs, from: this.#to.address, bytes } as const;
    return end === undefined ? base : { ...base, end };
  }

  #refusal(errno: string): SocketError {
    return new SocketError("send", errno, `send to ${formatAddress(this.#to.address)} port ${this.#to.port}`);
  }
}

function isReset(errno: number): boolean {
  return errno === ERRNO.ECONNRESET || errno === ERRNO.EPIPE;
}

/** Starts a handshake. Throws SocketError (stage `socket`, `bind` or `connect`). */
export function dial(
  kernel: Kernel,
  host: SocketHost,
  to: Endpoint,
  request: { readonly hopLimit: number | undefined; readonly localPort: number; readonly tag: number | undefined },
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
  const atOnce = errno === ERRNO.EINPROGRESS ? undefined : socket.endWith(errno);
  if (atOnce !== undefined) host.enqueue(atOnce);
  return socket;
}

/** Throws SocketError (stage `socket` or `bind`). */
function openTcp(kernel: Kernel, family: Family, hopLimit: number | undefined, localPort: number): number {
  const fd = kernel.socket(family, SOCK.stream, PROTO.tcp, "a TCP socket");
  try {
    const errno = hopLimit === undefined ? 0 : kernel.setHopLimit(fd, family, hopLimit);
    if (errno !== 0) throw new SocketError("socket", errnoName(errno), `set hop limit ${hopLimit}`);
    // Closing resets an open connection, which leaves no TIME_WAIT behind on its ports.
    kernel.setWords(fd, SOL.socket, SO.linger, [1, 0]);
    // A word to a connection that is over is an errno, no signal.
    kernel.setOption(fd, SOL.socket, SO.nosigpipe, 1);
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

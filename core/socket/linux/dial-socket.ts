import { type Endpoint, formatAddress, type IpAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import type { Arrival, DataArrival, HandshakeArrival, ProbeSocket } from "../../network.ts";
import { ERRNO, MSG, POLL } from "./abi.ts";
import { type Control, parseControl } from "./control.ts";
import { LEFT_BEHIND, type SocketHost } from "./datagram-socket.ts";
import { errorArrival } from "./error-queue.ts";
import { openTcp, readTcpInfo, type TcpInfo } from "./handshake.ts";
import type { Kernel } from "./kernel.ts";
import { isRouted } from "./route.ts";
import { keep, QUEUEING_MS, type ReadResult, type Source } from "./source.ts";

/** How often a refusal that came at once must be seen to come from this host, and how often that is tried. */
const CONFIRMATIONS = 2;
const MAX_CONFIRMATIONS = 5;

/** One segment's worth of octets, which every send buffer has room for, and the longest path's MTU too (RFC 8200 §5). */
const LONGEST_SEND = 1200;
const SENDS = 3;

/**
 * `dialling` SYN sent, its end awaited; `open` the handshake is done and nobody reads; `stream` what the other side says
 * is read; `ended` nothing more will come.
 */
type Phase = "dialling" | "open" | "stream" | "ended";

/** A TCP handshake with a hop limit and, where somebody asks for it, the stream behind it. */
export class DialSocket implements ProbeSocket, Source {
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
  /** The other side broke the connection off, and a call has taken the errno that says so off the socket. */
  #wasReset = false;
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

  send(bytes: Uint8Array): void {
    if (this.#closed) throw this.#refusal("EBADF");
    if (this.#phase === "dialling") throw this.#refusal("ENOTCONN");
    if (this.#phase === "ended") throw this.#refusal("EPIPE");
    if (bytes.length > LONGEST_SEND) throw this.#refusal("EMSGSIZE");
    if (this.#phase === "open") {
      this.#phase = "stream";
      this.#host.watchAgain();
    }
    if (bytes.length > 0) this.#say(bytes);
  }

  readErrors(): ReadResult {
    if (!this.active) return "empty";
    const { libc, incoming, clock } = this.#kernel;
    // The queue before SO_ERROR: it tells who refused, and while connect itself ran there may be nothing else.
    if (incoming.receive(libc, this.fd, MSG.errqueue) !== 0) {
      return this.#phase === "stream" ? this.#readStream() : this.#outcome();
    }
    // An ICMP error does not end a connection that is open (RFC 5927 §4).
    if (this.#phase === "stream") return "ignored";
    const control = this.#control();
    const arrival = errorArrival(this.#kernel, incoming, control, {
      socket: this,
      atMs: this.#stampMs(control, this.errorsQuietAtMs) ?? clock.nowMs(),
      target: this.#to.address,
      quotes: false,
      retransmitted: readTcpInfo(this.#kernel, this.fd).retransmitted,
    });
    return arrival === undefined ? "ignored" : this.#end({ ...arrival, toPort: this.#to.port });
  }

  /** A handshake's end is read as an error is; what is wrong with a stream, as its octets are. */
  readPackets(): ReadResult {
    return this.readErrors();
  }

  /** What the end is if it came while connect was still running: only this host, or a neighbour in it, is so quick. */
  readAtOnce(confirmLocal: () => boolean): Arrival | undefined {
    if (readTcpInfo(this.#kernel, this.fd).phase !== "closed") return undefined;
    for (let reads = 0; reads < 8; reads++) {
      const result = this.readErrors();
      if (result === "empty") return undefined;
      if (result === "ignored") continue;
      if (result.kind !== "handshake" || this.#kernel.interfaces.isOwn(this.#to.address)) return keep(result);
      return { ...result, local: confirmLocal() };
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#phase = "ended";
    this.#host.forget(this);
    this.#kernel.close(this.fd);
  }

  #outcome(): ReadResult {
    const { clock } = this.#kernel;
    const nowMs = clock.nowMs();
    this.errorsQuietAtMs = nowMs;
    const info = readTcpInfo(this.#kernel, this.fd);
    if (info.phase === "pending") {
      this.#kernel.takeError(this.fd);
      return "empty";
    }
    const errno = this.#kernel.takeError(this.fd);
    // Reset after the handshake: it had been open.
    this.#wasReset = isReset(errno);
    if (info.phase === "open" || this.#wasReset) {
      this.#phase = "open";
      return this.#handshake("open", this.#answeredAtMs(info, nowMs), info);
    }
    if (errno === ERRNO.ECONNREFUSED) return this.#end(this.#handshake("closed", nowMs, info));
    // ETIMEDOUT: nobody answered; any other without a message in the queue names no responder either.
    this.#phase = "ended";
    return "empty";
  }

  #readStream(): ReadResult {
    const { libc, incoming, clock } = this.#kernel;
    const errno = incoming.receive(libc, this.fd, 0);
    if (errno === 0) {
      const bytes = incoming.payload();
      const control = this.#control();
      const atMs = this.#stampMs(control, this.packetsQuietAtMs) ?? clock.nowMs();
      if (bytes.length > 0) return this.#data(atMs, bytes);
      return this.#end(this.#data(atMs, bytes, this.#wasReset ? "reset" : "closed"));
    }
    if (isReset(errno)) return this.#end(this.#data(clock.nowMs(), new Uint8Array(0), "reset"));
    if (LEFT_BEHIND.has(errno)) return "ignored";
    // Anything else but an empty queue ends the connection without a word of the other side (ETIMEDOUT).
    if (errno !== ERRNO.EAGAIN) this.#phase = "ended";
    this.errorsQuietAtMs = this.packetsQuietAtMs = clock.nowMs();
    return "empty";
  }

  #say(bytes: Uint8Array): void {
    const { libc, outgoing } = this.#kernel;
    outgoing.fillStream(bytes);
    for (let sends = 1; ; sends++) {
      const errno = outgoing.send(libc, this.fd);
      if (errno === 0) return;
      if (isReset(errno)) this.#wasReset = true;
      // An ICMP error came in between: the call took it off the socket and did nothing else.
      if (!LEFT_BEHIND.has(errno) || sends === SENDS) throw this.#refusal(errnoName(errno));
    }
  }

  #data(atMs: number, bytes: Uint8Array, end?: "closed" | "reset"): DataArrival {
    return { kind: "data", socket: this, atMs, from: this.#to.address, bytes, ...(end !== undefined && { end }) };
  }

  #control(): Control {
    const { incoming, interfaces } = this.#kernel;
    return parseControl(incoming.control, incoming.controlLength(), (index) => interfaces.zoneName(index));
  }

  #stampMs(control: Control, quietAtMs: number): number | undefined {
    return control.stamp && this.#kernel.clock.monotonicMs(control.stamp, quietAtMs - QUEUEING_MS);
  }

  #refusal(errno: string): SocketError {
    const { address, port } = this.#to;
    return new SocketError("send", errno, `send to ${formatAddress(address)} port ${port}`);
  }

  /** When the SYN-ACK came, as near as can be told: the kernel's own measurement unless a repetition blurred it. */
  #answeredAtMs(info: TcpInfo, nowMs: number): number {
    if (info.retransmitted || info.rttMs === undefined) return nowMs;
    return Math.min(this.#startedAtMs + info.rttMs, nowMs);
  }

  #handshake(state: "open" | "closed", atMs: number, { retransmitted }: TcpInfo): HandshakeArrival {
    return { kind: "handshake", socket: this, atMs, state, from: this.#to.address, local: false, retransmitted };
  }

  #end<T extends Arrival>(arrival: T): T {
    this.#phase = "ended";
    return arrival;
  }
}

function isReset(errno: number): boolean {
  return errno === ERRNO.ECONNRESET || errno === ERRNO.EPIPE;
}

export interface DialRequest {
  /** Undefined: this host's own. */
  readonly hopLimit: number | undefined;
  readonly localPort: number;
  readonly tag: number | undefined;
}

/** Starts a handshake. Throws SocketError (stage `socket`, `bind` or `connect`). */
export function dial(kernel: Kernel, host: SocketHost, to: Endpoint, request: DialRequest): DialSocket {
  const { hopLimit, localPort, tag } = request;
  const { address, port } = to;
  const scope = kernel.scope("connect", address);
  const fd = openTcp(kernel, address.family, hopLimit, localPort);
  const startedAtMs = kernel.clock.nowMs();
  const errno = kernel.connect(fd, address, port, scope);
  const socket = new DialSocket(kernel, host, fd, to, startedAtMs);
  // SYNs get no transmit stamp: sockets count stamps by octets of their stream.
  if (tag !== undefined) host.enqueue({ kind: "departure", socket, atMs: startedAtMs, tag });
  const confirm = (): boolean => isResetLocal(kernel, to, hopLimit, scope);
  if (errno === 0 || errno === ERRNO.EINPROGRESS) {
    const arrival = socket.readAtOnce(confirm);
    if (arrival !== undefined) host.enqueue(arrival);
    return socket;
  }
  // An ICMP error that came while connect ran may be returned by it.
  const result = socket.readErrors();
  if (typeof result !== "string") {
    host.enqueue(keep(result));
    return socket;
  }
  socket[Symbol.dispose]();
  const evidence = causeOfRefusedConnect(kernel, errno, address);
  throw new SocketError("connect", errnoName(errno), `connect to ${formatAddress(address)} port ${port}`, evidence);
}

/** Where a route forbids, it forbids datagrams too. */
function causeOfRefusedConnect(kernel: Kernel, errno: number, to: IpAddress): string | undefined {
  if (errno !== ERRNO.EACCES || !isRouted(kernel, to)) return undefined;
  return "connect itself is refused, not the route: by a security module (Landlock, SELinux) or a filter of this process";
}

/**
 * Whether resets from `to` are made by this host: further connects are refused while packets come in over the loopback
 * interface and none over any other. A target or router in another namespace of this machine may be as quick, but its
 * reset comes over another interface. Where much else comes in, nothing is confirmed.
 */
function isResetLocal(kernel: Kernel, to: Endpoint, hopLimit: number | undefined, scope: number): boolean {
  let confirmed = 0;
  for (let i = 0; i < MAX_CONFIRMATIONS && confirmed < CONFIRMATIONS; i++) {
    const before = kernel.counters.receivedPackets();
    const refused = isRefusedAtOnce(kernel, to, hopLimit, scope);
    const after = kernel.counters.receivedPackets();
    if (!refused || before === undefined || after === undefined || after.loopback === before.loopback) return false;
    if (after.others === before.others) confirmed++;
  }
  return confirmed === CONFIRMATIONS;
}

function isRefusedAtOnce(kernel: Kernel, to: Endpoint, hopLimit: number | undefined, scope: number): boolean {
  let fd: number | undefined;
  try {
    fd = openTcp(kernel, to.address.family, hopLimit, 0);
    const errno = kernel.connect(fd, to.address, to.port, scope);
    return errno === ERRNO.ECONNREFUSED || kernel.takeError(fd) === ERRNO.ECONNREFUSED;
  } catch (error) {
    // No further socket to be had: nothing is confirmed.
    if (error instanceof SocketError) return false;
    throw error;
  } finally {
    if (fd !== undefined) kernel.close(fd);
  }
}

import { type Endpoint, type Family, formatAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import type { Arrival, PacketArrival, ProbeSocket, SocketSpec } from "../../network.ts";
import { ERRNO, MSG, ORIGIN, POLL, PROTO, TSTAMP_SND } from "./abi.ts";
import { type Control, parseControl } from "./control.ts";
import { errorArrival } from "./error-queue.ts";
import type { Kernel } from "./kernel.ts";
import type { IncomingMessage } from "./message.ts";
import { verifyIcmpv4 } from "./received-ip.ts";
import { RefusedSends } from "./refused-send.ts";
import { findMtu, isLoopbackRefused } from "./route.ts";
import { readSockaddr } from "./sockaddr.ts";
import { keep, QUEUEING_MS, type ReadResult, type Source } from "./source.ts";
import { TagRing } from "./tag-ring.ts";

/** What an earlier ICMP error leaves behind for the next call on its socket (net/ipv4/icmp.c, net/ipv6/icmp.c). */
export const LEFT_BEHIND: ReadonlySet<number> = new Set([
  ERRNO.EACCES,
  ERRNO.ECONNREFUSED,
  ERRNO.EHOSTDOWN,
  ERRNO.EHOSTUNREACH,
  ERRNO.EMSGSIZE,
  ERRNO.ENETUNREACH,
  ERRNO.ENONET,
  ERRNO.ENOPROTOOPT,
  ERRNO.EOPNOTSUPP,
  ERRNO.EPROTO,
]);
const MAX_SENDS = 16;
const MAX_DRAIN = 512;
/** How far a stamp may err: the two clocks are not read at one moment. */
const CLOCK_SLACK_MS = 0.1;

const SWALLOWED = "this host discarded the packet (Ip6OutDiscards rose)";

type Time = Pick<Arrival, "atMs" | "blurred">;

type DatagramType = Exclude<SocketSpec["type"], "tcp-port">;

/** What the network does for its sockets. */
export interface SocketHost {
  /** Keeps an arrival for the next `receive`. */
  enqueue(arrival: Arrival): void;
  /** Whether rules of netfilter may stand in this host's way out and in; absent: they may. */
  mayFilter?(): boolean;
  /** Whether what comes on a descriptor may have waited before it is read, nobody being woken. Absent: it has not. */
  mayHaveWaited?(fd: number): boolean;
  /** Called by a socket that has become active again. */
  watchAgain(): void;
  /** Called by a socket before it closes its descriptor. */
  forget(socket: ProbeSocket & Source): void;
}

/** A raw, ping or UDP socket, bound and ready. */
export class DatagramSocket implements ProbeSocket, Source {
  readonly type: DatagramType;
  readonly localPort: number;
  readonly fd: number;
  readonly events = POLL.in;
  readonly active = true;
  readonly last = false;
  errorsQuietAtMs: number;
  packetsQuietAtMs: number;
  /** Until something comes whose stamp is of no use: some sandboxes accept the option and do nothing. */
  stamped: boolean;
  readonly #kernel: Kernel;
  readonly #host: SocketHost;
  readonly #family: Family;
  readonly #protocol: number;
  readonly #ring = new TagRing();
  readonly #counts: boolean;
  readonly #refused: RefusedSends;
  #closed = false;

  constructor(kernel: Kernel, host: SocketHost, fd: number, type: DatagramType, family: Family, protocol: number) {
    this.#kernel = kernel;
    this.#host = host;
    this.fd = fd;
    this.type = type;
    this.#family = family;
    this.#protocol = protocol;
    this.#refused = new RefusedSends(kernel.counters, family, {
      mayFilter: () => host.mayFilter?.() ?? true,
      isLoopbackRefused: () => isLoopbackRefused(kernel, family),
    });
    this.localPort = type === "raw" ? 0 : kernel.localPort(fd);
    kernel.receiveHopLimit(fd, family);
    this.#counts = this.stamped = kernel.stampBothWays(fd);
    this.errorsQuietAtMs = this.packetsQuietAtMs = kernel.clock.nowMs();
  }

  send(bytes: Uint8Array, to: Endpoint, hopLimit: number, tag: number): void {
    const { libc, clock, counters, outgoing } = this.#kernel;
    if (this.#closed) throw this.#refusal(to, "EBADF");
    if (bytes.length > outgoing.capacity) throw this.#tooLong(to, bytes.length);
    // Raw and ping sockets have no ports; a raw IPv6 socket takes a port for a protocol number (ipv6(7)).
    const port = this.type === "udp" ? to.port : 0;
    outgoing.fill(bytes, to, port, this.#kernel.scope("send", to.address), hopLimit);
    const discarded = this.#swallows ? counters.discardedIpv6() : undefined;
    for (let sends = 1; ; sends++) {
      const atMs = clock.nowMs();
      const errno = outgoing.send(libc, this.fd);
      if (errno === 0) {
        this.#refused.accepted();
        const key = this.#ring.push(tag, atMs);
        if (discarded !== undefined && this.#wasSwallowed(key, discarded)) throw this.#refusal(to, null, SWALLOWED);
        return;
      }
      // A failed call has taken a left-behind error off the socket. It is an answer to the call itself when it comes
      // again though no further ICMP error came in between.
      const drained = this.#drainErrors();
      this.#recount();
      const left = LEFT_BEHIND.has(errno) && this.type !== "raw";
      if (!left || (sends > 1 && drained === 0) || sends === MAX_SENDS) {
        if (errno === ERRNO.EMSGSIZE) throw this.#tooLong(to, bytes.length);
        throw this.#refusal(to, errnoName(errno), errno === ERRNO.EPERM ? this.#refused.refused() : undefined);
      }
    }
  }

  readErrors(): ReadResult {
    return this.#readErrors(this.#kernel.incoming);
  }

  tellDepartures(): void {
    if (this.#ring.open > 0) this.#drainErrors();
  }

  readPackets(): ReadResult {
    const { libc, incoming, clock, interfaces } = this.#kernel;
    const errno = incoming.receive(libc, this.fd, 0);
    if (errno !== 0) {
      // Any other errno is a left-behind error, whose details come by the error queue.
      if (LEFT_BEHIND.has(errno)) return "ignored";
      this.packetsQuietAtMs = clock.nowMs();
      return "empty";
    }
    const from = readSockaddr(incoming.name, 0, (index) => interfaces.zoneName(index));
    if (from === undefined) return "ignored";
    const control = parseControl(incoming.control, incoming.controlLength(), (index) => interfaces.zoneName(index));
    const time = this.#time(control, this.packetsQuietAtMs);
    return this.#packet(from, control, time, incoming.payload()) ?? "ignored";
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.forget(this);
    this.#kernel.close(this.fd);
  }

  #packet(from: Endpoint, control: Control, time: Time, received: Uint8Array): PacketArrival | undefined {
    let bytes = received;
    let hopLimit = control.hopLimit;
    if (this.type === "raw" && this.#family === 4) {
      const headerLength = ((received[0] ?? 0) & 15) * 4;
      if (headerLength < 20 || headerLength > received.length) return undefined;
      hopLimit = received[8];
      bytes = received.subarray(headerLength);
      // Raw sockets get ICMP before the kernel has looked at its checksum (raw_local_deliver, net/ipv4/ip_input.c).
      if (this.#protocol === PROTO.icmp && !verifyIcmpv4(bytes)) return undefined;
    }
    return {
      kind: "packet",
      socket: this,
      ...time,
      from: from.address,
      fromPort: this.type === "udp" ? from.port : 0,
      protocol: this.#protocol,
      ...(hopLimit === undefined ? {} : { hopLimit }),
      bytes,
      tapped: false,
    };
  }

  #readErrors(into: IncomingMessage): ReadResult {
    const { libc, clock, interfaces } = this.#kernel;
    if (into.receive(libc, this.fd, MSG.errqueue) !== 0) {
      // An error left behind without a message would keep the descriptor ready for ever.
      this.#kernel.takeError(this.fd);
      this.errorsQuietAtMs = clock.nowMs();
      return "empty";
    }
    const control = parseControl(into.control, into.controlLength(), (index) => interfaces.zoneName(index));
    if (control.error?.origin === ORIGIN.timestamping) return this.#departure(control) ?? "ignored";
    const { blurred, atMs } = this.#time(control, this.errorsQuietAtMs);
    const context = { socket: this, atMs, quotes: true, retransmitted: false };
    const arrival = errorArrival(this.#kernel, into, control, context);
    if (arrival === undefined) return "ignored";
    return blurred ? { ...arrival, blurred } : arrival;
  }

  /** Without a trustworthy stamp there is no departure to tell: "now" would be a time at which nothing left. */
  #departure(control: Control): Arrival | undefined {
    const { error, stamp } = control;
    if (error === undefined || stamp === undefined || error.info !== TSTAMP_SND) return undefined;
    const sentAtMs = this.#ring.sentAtMs(error.data);
    if (sentAtMs === undefined) return undefined;
    // A stamp older than the send belongs to a packet that was counted before the last recount.
    const atMs = this.#kernel.clock.monotonicMs(stamp, sentAtMs - CLOCK_SLACK_MS);
    const tag = atMs === undefined ? undefined : this.#ring.take(error.data);
    return atMs === undefined || tag === undefined ? undefined : { kind: "departure", socket: this, atMs, tag };
  }

  #time({ stamp }: Control, quietAtMs: number): Time {
    const { clock } = this.#kernel;
    const atMs = stamp && clock.monotonicMs(stamp, quietAtMs - QUEUEING_MS);
    if (atMs !== undefined) return { atMs };
    this.stamped = false;
    const hasWaited = this.#host.mayHaveWaited?.(this.fd) === true;
    return { atMs: clock.nowMs(), ...(hasWaited && { blurred: true }) };
  }

  /** Moves the error queue's contents to the network's; how many ICMP errors they were. */
  #drainErrors(): number {
    let errors = 0;
    for (let reads = 0; reads < MAX_DRAIN; reads++) {
      const result = this.#readErrors(this.#kernel.aside);
      if (result === "empty") break;
      if (result === "ignored") continue;
      if (result.kind === "error") errors++;
      this.#host.enqueue(keep(result));
    }
    return errors;
  }

  /** Whether the kernel counted a failed send differs from version to version: count from 0 again. */
  #recount(): void {
    if (!this.#counts) return;
    this.#kernel.stampBothWays(this.fd);
    this.#ring.reset();
  }

  /** IPv6 ping sockets report success whatever became of the packet (ping_v6_sendmsg, net/ipv6/ping.c). */
  get #swallows(): boolean {
    return this.type === "ping" && this.#family === 6;
  }

  /** Whether the kernel discarded a packet while this one was sent, and this one has left no departure. */
  #wasSwallowed(key: number, discardedBefore: number): boolean {
    if ((this.#kernel.counters.discardedIpv6() ?? 0) <= discardedBefore) return false;
    this.#drainErrors();
    return this.#ring.sentAtMs(key) !== undefined;
  }

  #refusal(to: Endpoint, errno: string | null, evidence?: string, mtu?: number): SocketError {
    const port = this.type === "udp" ? ` port ${to.port}` : "";
    return new SocketError("send", errno, `send to ${formatAddress(to.address)}${port}`, evidence, mtu);
  }

  #tooLong(to: Endpoint, length: number): SocketError {
    const size = (this.#family === 4 ? 20 : 40) + (this.type === "udp" ? 8 : 0) + length;
    const { dontFragment = "want" } = this.#kernel.options;
    const mayFragment = dontFragment === "want" || dontFragment === "dont";
    const mtu = mayFragment ? undefined : findMtu(this.#kernel, to.address, size);
    if (mtu === undefined || mtu >= size) return this.#refusal(to, "EMSGSIZE", `no packet can have ${size} octets`);
    return this.#refusal(to, "EMSGSIZE", `a packet of ${size} octets is larger than the MTU of ${mtu}`, mtu);
  }
}

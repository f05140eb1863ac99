import type { Endpoint, Family, IpAddress } from "./address.ts";
import type { SocketError } from "./errors.ts";
import type { IcmpCode } from "./probe.ts";

/** What kind of socket a plugin needs. */
export type SocketSpec =
  /**
   * Raw IP protocol 0-255, sending and receiving: needs privilege. `bytes` begin after the IP header, both ways. The
   * kernel computes ICMPv6's checksum, and nobody else's. On ICMP sockets a packet tap also listens where it can, so
   * that answers which an INPUT rule drops are still seen (`tapped`). `ports` lets through only packets from the
   * remote port to the local one (TCP, UDP, SCTP: the first four octets).
   */
  | {
      readonly type: "raw";
      readonly protocol: number;
      readonly ports?: { readonly local: number; readonly remote: number };
    }
  /** ICMP echo without privilege, where `net.ipv4.ping_group_range` allows; the kernel sets the identifier. */
  | { readonly type: "ping" }
  /**
   * UDP with the error queue; needs no privilege. `localPort` 0 or absent: the kernel chooses. With `liteCoverage` it is
   * UDP-Lite (RFC 3828), whose checksum covers so many octets: 8-65535, or 0 for all; EPROTONOSUPPORT where there is none.
   */
  | { readonly type: "udp"; readonly localPort?: number; readonly liteCoverage?: number }
  /** Reserves a TCP port (0 or absent: the kernel chooses), so that no other program uses it; sends nothing. */
  | { readonly type: "tcp-port"; readonly localPort?: number };

/** A socket that probes leave by. Disposing closes it; what is still on its way to it is not shown any more. */
export interface ProbeSocket extends Disposable {
  readonly type: SocketSpec["type"] | "tcp-connect";
  /** The local port, or a ping socket's ICMP identifier; 0 for raw sockets. */
  readonly localPort: number;
  /**
   * Hands `bytes` to the kernel; never waits. `tag` comes back in the `departure` arrival with the time at which the
   * kernel sent them. Throws SocketError (stage `send`). `bytes` may be reused after the call.
   *
   * On a dialled socket, once its handshake ended open: says `bytes`, at most 1,200 octets, in the connection's stream
   * (where `to`, `hopLimit` and `tag` are those of the handshake, whatever is given here). From the first call on, which
   * may be with no bytes at all, what the other side says arrives as `data`. ENOTCONN before the handshake is open, EPIPE
   * or ECONNRESET once the connection is at its end.
   */
  send(bytes: Uint8Array, to: Endpoint, hopLimit: number, tag: number): void;
}

interface ArrivalBase {
  readonly socket: ProbeSocket;
  /** Monotonic milliseconds (as `Network.nowMs`), stamped by the kernel where it can. */
  readonly atMs: number;
  /** It was not stamped and may have waited before it was read (`Network.receive`): no RTT can be told. */
  readonly blurred?: boolean;
}

/** A packet on a raw, ping or UDP socket. `bytes` begin after the IP header (UDP sockets: after the UDP header). */
export interface PacketArrival extends ArrivalBase {
  readonly kind: "packet";
  readonly from: IpAddress;
  /** Source port, for UDP sockets; 0 otherwise. */
  readonly fromPort: number;
  /** The IP protocol of `bytes`: 1, 58, 6… */
  readonly protocol: number;
  readonly hopLimit?: number;
  /** Only valid until the next call of `receive`: copy what is to be kept. */
  readonly bytes: Uint8Array;
  /** Seen by the packet tap; a copy by the socket itself may follow, unless an INPUT rule drops it. */
  readonly tapped: boolean;
}

/** An ICMP error that the kernel matched to one of our sockets (`IP_RECVERR`, ip(7)). */
export interface ErrorArrival extends ArrivalBase {
  readonly kind: "error";
  readonly offender: IpAddress;
  readonly icmp: IcmpCode;
  /** The address that the failed packet was sent to, where it is known. */
  readonly to?: IpAddress;
  /** The port that the failed packet was sent to, 0 where unknown. */
  readonly toPort: number;
  /** What the router quoted of our packet: from the ICMP header on (ping), after the UDP header (udp), else empty. */
  readonly quoted: Uint8Array;
  /** The extension structure (RFC 4884 §7), its header first; empty where there is none. */
  readonly extensions: Uint8Array;
  readonly replyHopLimit?: number;
  /** Next-hop MTU, octets, where the error carries one. */
  readonly mtu?: number;
  /** This host itself is the offender though it is not the target: a REJECT rule or route, no hop of the path. */
  readonly local: boolean;
  /** TCP connect only: the kernel had retransmitted the SYN, so that no RTT can be told. */
  readonly retransmitted: boolean;
}

/**
 * The end of a TCP handshake: `open` SYN-ACK, `closed` RST; `unreachable` an ICMP error of which nothing more is known, not
 * even who sent it (only where the runtime's own client dialled: `Network.reachOnly`).
 */
export interface HandshakeArrival extends ArrivalBase {
  readonly kind: "handshake";
  readonly state: "open" | "closed" | "unreachable";
  /** The target; of `unreachable` it stands for whoever said so. */
  readonly from: IpAddress;
  /** This host made the end itself (`REJECT --reject-with tcp-reset`), or refused to begin (`refusal`). */
  readonly local: boolean;
  readonly retransmitted: boolean;
  /** Why this host refused, where that is told only now; `local` is then true. */
  readonly refusal?: SocketError;
}

/** What the other side of a dialled connection says, in order, from the first `send` on; or the end of it. */
export interface DataArrival extends ArrivalBase {
  readonly kind: "data";
  readonly from: IpAddress;
  /** At most 65,536 octets, cut anywhere; empty at the end. Only valid until the next call of `receive`. */
  readonly bytes: Uint8Array;
  /** The other side will say nothing more: it closed the stream (FIN), or broke it off (RST). */
  readonly end?: "closed" | "reset";
}

/** The kernel's stamp of the moment at which the packet sent with `tag` left; of a SYN, when `connect` was called. */
export interface DepartureArrival extends ArrivalBase {
  readonly kind: "departure";
  readonly tag: number;
}

/** What comes in on a socket. */
export type Arrival = PacketArrival | ErrorArrival | HandshakeArrival | DataArrival | DepartureArrival;

/** A packet of a batch: one object that stands for each in turn, valid until the next one is read. */
export interface BatchPacket {
  /** Behind the IP header. */
  readonly bytes: Uint8Array;
  readonly from: IpAddress;
  /** Undefined where it is not known. */
  readonly hopLimit: number | undefined;
  /** Monotonic milliseconds, stamped by the kernel where it can. */
  readonly atMs: number;
  /** Source port, for UDP sockets; 0 otherwise. */
  readonly fromPort: number;
}

/** What works by the batch. Of UDP sockets no error queue is read: a raw ICMP socket beside it brings the errors. */
export type BatchSpec = SocketSpec & { readonly type: "raw" | "udp" };

/**
 * A socket that sends and receives many packets in one call of the kernel. Its packets are no arrivals: `receive` of
 * its network brings none of them. Disposing closes it.
 */
export interface BatchSocket extends Disposable {
  /** How many packets may be laid out before a flush. */
  readonly capacity: number;
  /** Of UDP; 0 otherwise. */
  readonly localPort: number;
  /** Lays out one packet; `bytes` and `to` may be reused, `port` is for UDP. Throws SocketError (stage `send`) where it is too long. */
  push(bytes: Uint8Array, to: IpAddress, hopLimit: number, port?: number): void;
  /**
   * Hands what was laid out to the kernel, in order, and tells of each, by its number from 0, that it left and when
   * (monotonic milliseconds; between the ends of one call it is a guess), or why it did not.
   */
  flush(onLeft: (index: number, atMs: number) => void, onRefused: (index: number, error: SocketError) => void): void;
  /** Reads what has come, at most some hundred packets; how many they were. Never waits. */
  drain(onPacket: (packet: BatchPacket) => void): number;
}

/** The way that packets to an address take out of this host. */
export interface Route {
  readonly source: IpAddress;
  /** The outgoing interface's name, where it is known. */
  readonly interface?: string;
}

/**
 * `do` sets DF and lets this host send nothing larger than the path's known MTU; `want` (Linux's default) sets DF and
 * fragments here what is larger; `dont` sets no DF; `probe` sets DF, and only the interface's MTU limits (ip(7)). IPv6
 * routers never fragment, so there it is only about this host.
 */
export type FragmentPolicy = "do" | "want" | "dont" | "probe";

/** How every packet of a Network leaves, whatever its socket. */
export interface SendOptions {
  /** The firewall mark, 0-4294967295 (SO_MARK): for rules and policy routing. Needs CAP_NET_ADMIN. */
  readonly mark?: number;
  /** DSCP and ECN, 0-255: IPv4's type of service, IPv6's traffic class. TCP's own handshakes leave ECN out. */
  readonly trafficClass?: number;
  readonly dontFragment?: FragmentPolicy;
  /** 0-1048575; of IPv6 packets. Absent: 0. */
  readonly flowLabel?: number;
  /** Only to hosts on a network that this host itself is on (SO_DONTROUTE); Linux heeds it for IPv4 only. */
  readonly dontRoute?: boolean;
  /** Has the kernel debug the sockets, where it can (SO_DEBUG). Needs CAP_NET_ADMIN. */
  readonly debug?: boolean;
}

/** What this host has dropped so far of what came in, as it counts it. */
export interface InputDrops {
  /** Since packets came in by another interface than the one that leads back to their source (Linux: rp_filter). */
  readonly reversePath: number;
  /** For no reason that is counted, as rules of the host drop; undefined where a packet tap sees those for certain. */
  readonly unexplained: number | undefined;
}

/** The only door to sockets and to time. */
export interface Network extends Disposable {
  /**
   * Only `dial` without a hop limit works, all else is refused at once: this process may not call the C library, and the
   * runtime's own TCP client is all there is.
   */
  readonly reachOnly?: true;
  /**
   * To be awaited before the first packet is sent: until then the system may not stamp what comes in (`Arrival.atMs`). A
   * few milliseconds at most; never rejects. Absent: there is nothing to wait for.
   */
  ready?(): Promise<void>;
  /** Monotonic milliseconds, of an arbitrary origin. */
  nowMs(): number;
  /** Sends nothing. Throws SocketError (stage `route` or `bind`; `socket` where no descriptor is left). */
  route(to: IpAddress): Route;
  /** Throws SocketError (stage `socket` or `bind`). Closing the socket is the caller's. */
  open(spec: SocketSpec, family: Family): ProbeSocket;
  /**
   * A socket for very many packets; undefined where there is none, or where it would see less than `open`'s: that is
   * the one to use then. Absent: the same. Throws SocketError as `open` does.
   */
  openBatch?(spec: BatchSpec, family: Family): BatchSocket | undefined;
  /**
   * Starts a TCP handshake; all packets of the connection carry `hopLimit`; undefined: the one that this host gives its
   * packets, so that the target is reached or not, and no hop is seen. Its end arrives as a `handshake` or `error`,
   * after which the socket may speak (`ProbeSocket.send`). Closing it resets the connection. `localPort` 0:
   * the kernel chooses. With a `tag`, a `departure` tells when the SYN left. Throws SocketError (stage `socket`, `bind` or
   * `connect`).
   */
  dial(to: Endpoint, hopLimit: number | undefined, localPort: number, tag?: number): ProbeSocket;
  /**
   * The next arrival on any socket, or undefined at `untilMs` or on abort. One call at a time. Never rejects; never
   * blocks the event loop. With `patienceMs` (default 0) it may come so many milliseconds late where its time is the
   * kernel's stamp: many are then read at one waking.
   */
  receive(untilMs: number, signal?: AbortSignal, patienceMs?: number): Promise<Arrival | undefined>;
  /**
   * How many TCP segments this host failed to retransmit since it started (Linux: `TcpExt TCPRetransFail`), which
   * tells a SYN that a local rule drops from one that the network lost; undefined where it cannot be known.
   */
  retransmitFailures(): number | undefined;
  /**
   * Of all packets of a family that came in on this host up to now, as the result tells when it is called (to read the
   * counters takes less time than to understand them); undefined, or absent, where it cannot be known.
   */
  inputDrops?(family: Family): () => InputDrops | undefined;
}

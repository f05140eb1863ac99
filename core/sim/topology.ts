import type { MplsLabel } from "../probe.ts";

/** A path as plain data: what stands between the host and a target, and how each part behaves. */
export interface Topology {
  readonly hops: readonly Hop[];
  readonly target: Target;
}

/** All that may answer at one hop limit. */
export interface Hop {
  readonly routers: readonly [Router, ...Router[]];
  /**
   * How packets are spread over the routers. `per-flow` (the default) hashes addresses, protocol and the ports of TCP
   * and UDP; `same-branch` keeps to the branch taken at the hop before, as the parallel legs of a diamond do.
   */
  readonly balance?: "per-flow" | "per-packet" | "same-branch";
  /** `per-flow` also hashes identifier and checksum of ICMP; Linux does not, some hardware does. */
  readonly balanceIcmp?: boolean;
}

/** An address for each family; a node without one neither answers in that family nor rewrites it. */
export interface AddressPair {
  readonly v4?: string;
  readonly v6?: string;
}

/** `icmp` is both ICMP and ICMPv6; a number is an IP protocol. */
export type ProtocolSelector = "icmp" | "tcp" | "udp" | number;

/** Which packets a rule is about; an absent field matches all. Ports are destination ports of TCP and UDP. */
export interface PacketMatch {
  readonly protocols?: readonly ProtocolSelector[];
  readonly ports?: readonly number[];
  readonly exceptPorts?: readonly number[];
  readonly families?: readonly (4 | 6)[];
}

interface FilterRule extends PacketMatch {
  /** `back` looks at replies on their way to the host, where only `drop` is known. Default `out`. */
  readonly direction?: "out" | "back";
  readonly action: "accept" | "drop" | "prohibited" | "tcp-reset";
}

export interface RateLimit {
  readonly perSecond: number;
  /** How many answers a full bucket holds. */
  readonly burst: number;
}

/** Named reasons of unreachability, since the codes of the two families differ. */
export type UnreachableReason = "net" | "host" | "protocol" | "port" | "prohibited";

export type CorruptionWay =
  /** cuts the packet anywhere; its length field then lies */
  | "truncate"
  /** cuts an ICMP error inside the quote, lengths and checksums right */
  | "cut-quote"
  /** flips one bit anywhere after the IP header */
  | "flip-bit"
  | "icmp-checksum"
  | "ip-checksum"
  /** the quote speaks of another destination, checksums right */
  | "foreign-quote"
  /** random bytes after the IP header */
  | "noise";

export interface Corruption {
  /** 0-1, default 1 */
  readonly chance?: number;
  /** Default: all of them, drawn at random. */
  readonly ways?: readonly CorruptionWay[];
}

/** What routers and targets have in common: addresses, the link before them, and how they answer. */
export interface NodeBehaviour extends AddressPair {
  /** One way, of the link towards this node. Default 1. */
  readonly delayMs?: number;
  /** At most so much more, drawn anew for each crossing. Default 0. */
  readonly jitterMs?: number;
  /** Answers bear these source addresses instead. */
  readonly answersFrom?: AddressPair;
  /** Of ICMP errors that this node makes. Absent: none. */
  readonly icmpRateLimit?: RateLimit;
  /** Hop limit with which its own packets start. Default 255 for routers, 64 for targets. */
  readonly replyHopLimit?: number;
  /** How many octets of the packet an ICMP error quotes, IP header included. Absent: as many as allowed. */
  readonly quoteLength?: number;
  /** Answers so much later, with the given chance (default 1). */
  readonly extraDelay?: { readonly ms: number; readonly chance?: number };
  /** Each answer is followed by so many copies. */
  readonly duplicates?: number;
  readonly corrupt?: Corruption;
}

export interface Router extends NodeBehaviour {
  /** Forwards, but never answers. */
  readonly silent?: boolean;
  /** Forwards, but makes no ICMP error for probes of these protocols. */
  readonly silentFor?: readonly ProtocolSelector[];
  /** Chance to lose a packet that passes towards the target, 0-1. */
  readonly loss?: number;
  /** Chance to lose a reply that passes towards the host, 0-1. */
  readonly returnLoss?: number;
  /** The label stack with which packets arrive here, quoted as RFC 4950 says. */
  readonly mpls?: readonly MplsLabel[];
  /** Says that there is no way on, instead of forwarding. */
  readonly unreachable?: UnreachableReason;
  /** First match decides; packets that none matches pass. Looked at after the hop limit, as Linux's FORWARD is. */
  readonly rules?: readonly FilterRule[];
  readonly nat?: Nat;
  /** Largest packet of the link behind this router, octets. */
  readonly mtu?: number;
  /** Forwards packets of hop limit 1 with hop limit 0, so that the next hop answers twice. */
  readonly zeroTtlForward?: boolean;
  /** Hop limit shown in quotes, where the router does not quote what it received (RFC 3443 tunnels). */
  readonly quotedHopLimit?: number;
  /** Sends packets back to the hop of this number (the first hop is 1) instead of onwards. */
  readonly loopTo?: number;
}

/** Rewrites the source of what passes towards the target, and the destination of what comes back. */
export interface Nat extends AddressPair {
  /** Added to the source port or echo identifier, modulo 65,536. Default 0. */
  readonly portShift?: number;
  /** Quotes inside ICMP errors are put back too, as Linux does. Default true. */
  readonly restoresQuotes?: boolean;
}

export type TcpPortState = "open" | "closed" | "silent" | "prohibited";

/**
 * What a program on the target answers to a payload: behind the UDP header, or, for other protocols, behind the IP
 * header. Undefined: nothing.
 */
export type Service = (payload: Uint8Array) => Uint8Array | undefined;

/**
 * What a program behind a TCP port says to the octets of one segment, or, where the other side only listens, to none.
 * Undefined: nothing.
 */
export type StreamService = (said: Uint8Array) => StreamAnswer | undefined;

interface StreamAnswer {
  readonly bytes?: Uint8Array;
  /** Thereafter it closes the stream (FIN) or breaks it off (RST). Absent: it stays. */
  readonly end?: "closed" | "reset";
}

export interface Target extends NodeBehaviour {
  /** Default `echo`. */
  readonly icmp?: "echo" | "silent";
  /** Default `unreachable` (port unreachable). */
  readonly udp?: "unreachable" | "answer" | "silent" | Service;
  readonly tcp?: {
    /** Of every port not named. Default `closed`. */
    readonly others?: TcpPortState;
    /** Behind an `open` one is a program that never says a word. */
    readonly ports?: Readonly<Record<number, TcpPortState | StreamService>>;
  };
  /** What it says to any other protocol. Default `unreachable` (protocol unreachable). */
  readonly otherProtocols?: "unreachable" | "silent" | Service;
}

import type { IpAddress } from "./address.ts";
import type { PluginError, SocketError } from "./errors.ts";

/** One packet to send in order to elicit a reply. */
export interface Probe {
  /** 0-65535, unique among the probes that may still be answered; wraps. */
  readonly sequence: number;
  /** 1-255: IPv4's TTL, IPv6's hop limit. */
  readonly hopLimit: number;
  /**
   * 0 is the path's own flow: its probes look equal to a load balancer, whatever their sequence. Other flows differ from
   * it and from each other.
   */
  readonly flow: number;
  /** Which sweep over the hop limits this probe belongs to, from 0. */
  readonly round: number;
  /**
   * Sent beside the probes asked for: on a flow of its own, to learn how far the path goes where a flow can carry one
   * probe at a time only; or as a spare one for a hop that stays silent. Its answer belongs to the path only where the
   * path's own probes at that hop met none.
   */
  readonly scout?: true;
  /** Sent with this host's own hop limit, to reach the target or not: it belongs to no hop, and `hopLimit` says nothing. */
  readonly direct?: true;
}

/** One entry of an MPLS label stack as a router quotes it (RFC 4950). */
export interface MplsLabel {
  /** 0-1048575 */
  readonly label: number;
  /** Traffic class (formerly EXP), 0-7. */
  readonly trafficClass: number;
  readonly bottomOfStack: boolean;
  /** 0-255 */
  readonly ttl: number;
}

/** Type and code of an ICMP (or, for IPv6 addresses, ICMPv6) message. */
export interface IcmpCode {
  readonly type: number;
  readonly code: number;
}

/**
 * What a reply says about the path: `transit` the probe died on its way (time exceeded); `reached` the target itself
 * answered; `unreachable` a router or the target says, or shows, that there is no way on.
 */
export type Effect = "transit" | "reached" | "unreachable";

/** What a plugin reads out of an arrival that belongs to one of its probes. */
export interface Reply {
  readonly sequence: number;
  /** The responder. */
  readonly from: IpAddress;
  readonly effect: Effect;
  /** Absent where the reply was no ICMP message (SYN-ACK, RST, a UDP answer). */
  readonly icmp?: IcmpCode;
  /** What the protocol can say of the target or hop beside its effect: `open`, `closed`, or a plugin's own word. */
  readonly mark?: string;
  /** Control bits of a TCP answer (RFC 9293 §3.1), 0-255, where the protocol saw the segment itself. */
  readonly tcpFlags?: number;
  readonly mpls?: readonly MplsLabel[];
  /** Hop limit of the reply's own header as it reached us. */
  readonly replyHopLimit?: number;
  /** Hop limit in the quoted packet: what was left of ours at the responder. */
  readonly quotedHopLimit?: number;
  /** Next-hop MTU, octets, of a "fragmentation needed" or "packet too big". */
  readonly mtu?: number;
  /** Octets of an answer behind its IP header, where it was seen whole. */
  readonly size?: number;
  /** The answer could belong to several probes in flight: it counts as an answer, but no RTT is told. */
  readonly ambiguous?: true;
  /** This host itself answers, though it is not the target: no hop of the path, but a probe that never left. */
  readonly local?: true;
}

/** How a trace ended. */
export type Outcome =
  /** the target answered */
  | "reached"
  /** a router or the target said that there is no way on (!H, !N, !X…) */
  | "unreachable"
  /** a gap of silent hops followed the last responder, or nobody answered at all */
  | "silent"
  /** every hop limit up to the last was tried, and routers still answered */
  | "max-hops"
  /** this host refused to send */
  | "refused"
  /** the plugin broke its contract */
  | "faulty"
  /** the caller ended it */
  | "aborted";

/** A probe left this host. */
export interface SentEvent {
  readonly type: "sent";
  readonly probe: Probe;
  /** Monotonic milliseconds, as `Network.nowMs`. */
  readonly atMs: number;
}

interface AnswerEvent {
  readonly probe: Probe;
  readonly reply: Reply;
  readonly atMs: number;
  /**
   * Send to arrival, milliseconds; of an answer in parts, to the first of them (`ProbeSession.provisional`). Absent where it was not measured: the answer may belong to a retransmission by the
   * kernel (Karn's ambiguity, RFC 6298 §3).
   */
  readonly rttMs?: number;
  /** Only the packet tap saw it: an INPUT rule of this host drops such answers. Cleared when a copy gets through. */
  readonly tapped: boolean;
  /** The kernel sent the packet again before this answer came: most likely the probe itself met none. */
  readonly retransmitted?: true;
}

/** The first answer to a probe in flight. */
export interface ReplyEvent extends AnswerEvent {
  readonly type: "reply";
}

/** The first answer to a probe that was already given up as lost. */
export interface LateEvent extends AnswerEvent {
  readonly type: "late";
}

/** A further answer to a probe that had one. */
export interface DuplicateEvent extends AnswerEvent {
  readonly type: "duplicate";
}

/** A probe is given up: nothing answered it. */
export interface LostEvent {
  readonly type: "lost";
  readonly probe: Probe;
  readonly atMs: number;
  /** True where the trace ended before the probe had its full time: unanswered, but no evidence of loss. */
  readonly abandoned: boolean;
}

/** This host refused the probe: its send failed, so no `sent` went before; or, after a `sent`, a local REJECT answered. */
export interface FailedEvent {
  readonly type: "failed";
  readonly probe: Probe;
  readonly atMs: number;
  readonly error: SocketError;
  /** What this host itself answered, after a `sent`. */
  readonly reply?: Reply;
}

/** The last event of a trace. */
export interface StoppedEvent {
  readonly type: "stopped";
  readonly atMs: number;
  readonly outcome: Outcome;
  /** Present when the outcome is `refused` or `faulty`. */
  readonly error?: SocketError | PluginError;
}

/** Each `sent` meets exactly one of `reply`, `lost`, `failed` before `stopped`; `late` may follow a `lost`. */
export type TraceEvent = SentEvent | ReplyEvent | LateEvent | DuplicateEvent | LostEvent | FailedEvent | StoppedEvent;

import type { IpAddress } from "../address.ts";
import type { SocketError } from "../errors.ts";
import type { Effect, IcmpCode, MplsLabel } from "../probe.ts";
import type { SkipReason } from "./targets.ts";

/** Why a target's row ends where it does. */
export type ScanOutcome =
  /** the target answered */
  | "reached"
  /** a router says that there is no way on */
  | "unreachable"
  /** a gap of silent hops followed the last responder, or nobody answered at all */
  | "silent"
  /** routers take turns for ever */
  | "looped"
  /** every hop limit up to the last was tried, and routers still answered */
  | "max-hops"
  /** this host would not send (`error`) */
  | "refused"
  /** never probed (`skip`) */
  | "skipped";

/** One hop limit that was asked. */
export interface ScanHop {
  /** From 1. */
  readonly hop: number;
  /** Probes that left with it. */
  readonly sent: number;
  /** The responder; absent: nobody answered. */
  readonly from?: IpAddress;
  /** Milliseconds; absent where it was not measured. */
  readonly rttMs?: number;
  readonly effect?: Effect;
  /** The answer came after its probe was given up. */
  readonly late?: true;
  readonly icmp?: IcmpCode;
  readonly mark?: string;
  readonly mpls?: readonly MplsLabel[];
  /** Octets. */
  readonly mtu?: number;
  readonly replyHopLimit?: number;
  readonly quotedHopLimit?: number;
}

/** All that a scan tells of one target. */
export interface ScanRow {
  /** In the order of the scan. */
  readonly position: number;
  readonly target: IpAddress;
  readonly outcome: ScanOutcome;
  readonly skip?: SkipReason;
  /** Of `refused`: what this host said. */
  readonly error?: SocketError;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Hop limits asked, ascending; none that was not. */
  readonly hops: readonly ScanHop[];
  /**
   * The hops below this one were not asked: this router was met at this hop before, and an earlier row tells what lay
   * below it then. Absent: all were asked.
   */
  readonly stopSet?: { readonly hop: number; readonly address: IpAddress };
}

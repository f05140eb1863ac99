import { SocketError } from "../../errors.ts";
import type { HostCounters } from "./counters.ts";

/** What a failed connect of the runtime's client shows. */
export type ConnectFailure =
  | { readonly state: "closed" | "unreachable" }
  /** This host refused. */
  | { readonly refusal: SocketError };

/** Errnos with which this host's rules, routes and limits refuse before a SYN leaves. */
const OWN_REFUSALS = new Set([
  "EACCES",
  "EPERM",
  "EINVAL",
  "EADDRNOTAVAIL",
  "EADDRINUSE",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "ENODEV",
  "EAFNOSUPPORT",
  "EPROTONOSUPPORT",
]);
const NO_ROUTE = new Set(["ENETUNREACH", "EHOSTUNREACH"]);

/**
 * Reads the failure of a connect; undefined where only another try can tell. Bun says ECONNREFUSED for nearly all of them
 * (measured, 1.4.5), and an ICMPv6 error may be any errno, so that the kernel's counters, read before and after, have to
 * tell who refused: the target, a router, a rule or a route of this host. They count for the whole host: what else happens
 * on it in these milliseconds can hide that it was this host, never feign it. `isOwnTarget`: the target is this host
 * itself, whose answers come from nowhere else.
 */
export function readConnectFailure(
  errno: string | null,
  action: string,
  before: HostCounters,
  after: HostCounters,
  { isOwnTarget, isLastTry }: { readonly isOwnTarget: boolean; readonly isLastTry: boolean },
): ConnectFailure | undefined {
  const isBegun = hasRisen(before.handshakes, after.handshakes);
  if (isBegun !== true && errno !== null && OWN_REFUSALS.has(errno)) {
    return { refusal: new SocketError("connect", errno, action) };
  }
  if (isBegun === false) {
    const known = errno !== null && NO_ROUTE.has(errno) ? errno : null;
    const evidence = "no SYN could leave this host: there is no route to the target";
    return { refusal: new SocketError("route", known, action, evidence) };
  }
  const isHeardOutside = hasRisen(before.fromOthers, after.fromOthers);
  if (!isOwnTarget && isHeardOutside === false) {
    const evidence = "this host itself answers the SYN: nothing came in by any interface";
    return { refusal: new SocketError("local-reject", errno, action, evidence) };
  }
  const mayBeLocal = !isOwnTarget && isHeardOutside === true && hasRisen(before.fromLoopback, after.fromLoopback);
  if (mayBeLocal && !isLastTry) return undefined;
  const isIcmp = errno !== "ECONNREFUSED" || hasRisen(before.unreachables, after.unreachables) === true;
  return { state: isIcmp ? "unreachable" : "closed" };
}

function hasRisen(before: number | undefined, after: number | undefined): boolean | undefined {
  return before === undefined || after === undefined ? undefined : after > before;
}

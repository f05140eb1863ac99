import { SocketError } from "../errors.ts";
import type { Reply } from "../probe.ts";

/** Errors that say the same every time: routes do not change in milliseconds. */
const SETTLED: ReadonlySet<string | null> = new Set([
  "EACCES",
  "EINVAL",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EADDRNOTAVAIL",
  "EMSGSIZE",
  "EAFNOSUPPORT",
  "EPROTONOSUPPORT",
]);
const CONGESTION: ReadonlySet<string | null> = new Set(["ENOBUFS", "EAGAIN", "ENOMEM"]);
/** This host has no such family or protocol: other targets may do. */
const ABSENT: ReadonlySet<string | null> = new Set(["EAFNOSUPPORT", "EPROTONOSUPPORT"]);

export function isSettled({ errno }: SocketError): boolean {
  return SETTLED.has(errno);
}

/** A queue of this host is full: the probe waits, and nothing is wrong with it. */
export function isCongestion({ errno }: SocketError): boolean {
  return CONGESTION.has(errno);
}

/** Without its sockets no target at all can be asked. */
export function isOfAllTargets({ stage, errno }: SocketError): boolean {
  return stage === "socket" && !ABSENT.has(errno);
}

/** A REJECT answers at once; the kernel gives up asking for a neighbour's link address after about three seconds. */
const NEIGHBOUR_MS = 500;

/** What it means that this host itself answers a probe. */
export function localRefusal({ icmp }: Reply, afterMs: number): SocketError {
  const action = "get a packet out of this host";
  if (afterMs > NEIGHBOUR_MS) {
    const evidence = "the next router does not answer ARP or neighbour discovery";
    return new SocketError("route", "EHOSTUNREACH", action, evidence);
  }
  const evidence =
    icmp === undefined
      ? "this host itself answers with a reset"
      : `this host itself answers with ICMP type ${icmp.type} code ${icmp.code}`;
  return new SocketError("local-reject", null, action, evidence);
}

import type { SocketError } from "../../core/mod.ts";
import { echo } from "../host.ts";

/**
 * The line that follows what the real tool prints where this host keeps its probes back: what refused them, and what to
 * type instead. `protocolWords`: what was to be sent, as in "ICMP" or "TCP to port 443". Without a newline.
 */
export function refusalHint(error: SocketError, protocolWords: string, host: string): string {
  const name = echo(host);
  const wayOut = isRouteMissing(error) ? `ip route get ${name}` : `nettrace auto ${name}`;
  return `nettrace: ${refusal(error, protocolWords)}; try: ${wayOut}`;
}

function isRouteMissing({ stage, errno }: SocketError): boolean {
  return stage !== "local-reject" && /^(ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL)$/.test(errno ?? "");
}

function refusal({ stage, errno, evidence }: SocketError, what: string): string {
  if (stage === "local-reject") return `a REJECT rule in OUTPUT refuses ${what}`;
  if (stage === "socket" && (errno === "EPERM" || errno === "EACCES")) {
    return `${what} needs root or CAP_NET_RAW${evidence === undefined ? "" : ` (${evidence})`}`;
  }
  if (errno === "EPERM" && stage !== "send")
    return `a filter or a policy of this host refuses to connect, and so ${what}`;
  if ((errno === "EPERM" || errno === "EACCES") && evidence !== undefined)
    return `${what} is refused here: ${evidence}`;
  switch (errno) {
    case null:
      return `an OUTPUT rule drops ${what}`;
    case "EPERM":
      return `an OUTPUT rule refuses ${what}`;
    case "EACCES":
      return `a prohibit route or a security policy refuses ${what}`;
    case "EINVAL":
      return `a blackhole route swallows ${what}`;
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return evidence ?? "this host has no route to the target";
    case "EADDRNOTAVAIL":
      return "this host has no usable source address";
    case "EAFNOSUPPORT":
      return "this host has no such address family";
    case "ENOBUFS":
      return `the send queue is full, or an egress filter of the interface drops ${what}`;
    default:
      return `this host refuses ${what} (${errno}${evidence === undefined ? "" : `: ${evidence}`})`;
  }
}

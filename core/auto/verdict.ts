import type { PluginError, SocketError } from "../errors.ts";
import type { Path } from "../path.ts";

/** How an attempt ended. */
export type Verdict =
  /** the target answered */
  | "reached"
  /** probes left this host, and the path went silent before the target */
  | "filtered"
  /** a router said that there is no way on */
  | "unreachable"
  /** routers answered up to the last hop limit: a loop, or a longer path */
  | "exhausted"
  /** this host refused to send */
  | "denied"
  /** this host refused the socket itself */
  | "unprivileged"
  /** this host has no route or no source address */
  | "unroutable"
  /** this host or plugin cannot do it for such a target */
  | "unsupported"
  /** the plugin broke its contract */
  | "faulty"
  /** ended before its own end was known: another attempt won, or the user stopped it */
  | "abandoned";

/** The verdicts by which this host, not the network, kept the probes back. */
export const REFUSED_HERE: ReadonlySet<Verdict> = new Set(["denied", "unprivileged", "unroutable", "unsupported"]);

/** What an error says of the host that raised it. */
export function verdictOfError(error: SocketError | PluginError): Verdict {
  if (error.name === "PluginError") return "faulty";
  const { stage, errno } = error;
  if (errno === "EAFNOSUPPORT" || errno === "EPROTONOSUPPORT" || errno === "ESOCKTNOSUPPORT") return "unsupported";
  // No errno: this process may not call what makes such sockets.
  if (stage === "socket" && errno === null) return "unsupported";
  if (stage === "route" && errno === null) return "unroutable";
  if (stage === "socket" && (errno === "EPERM" || errno === "EACCES")) return "unprivileged";
  if (errno === "ENETUNREACH" || errno === "EHOSTUNREACH" || errno === "EADDRNOTAVAIL") {
    return stage === "local-reject" ? "denied" : "unroutable";
  }
  return "denied";
}

/** The verdict that a path shows by itself. `overtaken`: its target was silent for longer than was fair to wait. */
export function verdictOfPath(path: Path, overtaken: boolean): Verdict {
  if (path.reached) return "reached";
  if (path.stoppedBy !== undefined) return verdictOfError(path.stoppedBy);
  switch (path.outcome) {
    case "unreachable":
      return "unreachable";
    case "max-hops":
      return "exhausted";
    case "silent":
      return "filtered";
    default:
      if (!overtaken) return "abandoned";
      return path.endHop === undefined ? "filtered" : "unreachable";
  }
}

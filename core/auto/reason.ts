import type { PluginError, SocketError } from "../errors.ts";
import type { Answers, Path } from "../path.ts";
import { describeIcmp } from "./icmp-words.ts";
import type { Verdict } from "./verdict.ts";

/** The best-known cause of a refusal, in words, one line. The errno is not repeated. */
export function causeOfError(error: SocketError | PluginError): string {
  if (error.name === "PluginError") return error.message;
  const { stage, errno, evidence } = error;
  if (stage === "local-reject") return `${evidence}: a REJECT rule in OUTPUT`;
  if (errno === null && (stage === "socket" || stage === "route")) return evidence ?? "for an unknown cause";
  if (errno === null) return evidence === undefined ? "for an unknown cause" : `${evidence}: ${DROPPED_SYNS}`;
  if (stage === "socket") return evidence ?? SOCKET_CAUSES[errno] ?? "the kernel refuses the socket";
  if (evidence !== undefined) return evidence;
  // Rules in OUTPUT never answer connect with an errno; the route is asked for by a connect too.
  if (stage !== "send" && errno === "EPERM") return REFUSED_CONNECT;
  return SEND_CAUSES[errno] ?? "the kernel refuses to send";
}

const REFUSED_CONNECT =
  "connect itself is refused: by an eBPF filter of this process's cgroup, a seccomp filter, a security module or an IPsec policy";
const DROPPED_SYNS = "an OUTPUT rule (or a filter of the cgroup, or a full connection-tracking table) drops them";

const SOCKET_CAUSES: Readonly<Record<string, string>> = {
  EPERM: "a raw socket needs root or CAP_NET_RAW",
  EACCES: "the socket needs privilege, or a security policy forbids it",
  EMFILE: "too many open files: raise ulimit -n",
  ENFILE: "the system has too many open files",
  EAFNOSUPPORT: "this host has no such address family",
  EPROTONOSUPPORT: "this host's kernel lacks the protocol",
};

const SEND_CAUSES: Readonly<Record<string, string>> = {
  EPERM: "an OUTPUT rule drops it",
  EACCES: "a prohibit route or a security policy forbids it",
  EINVAL: "a blackhole route swallows it",
  ENETUNREACH: "no route to the target",
  EHOSTUNREACH: "the route to the target is unreachable",
  EADDRNOTAVAIL: "no usable source address",
  ENODEV: "no such interface",
  ENOBUFS: "the send queue is full, or an egress filter of the interface drops it",
  EMSGSIZE: "the packet is larger than the interface's MTU",
};

/** Why an attempt that had a path got its verdict, in words, one line. */
export function reasonOfPath(path: Path, verdict: Verdict): string {
  switch (verdict) {
    case "reached":
      return reachedReason(path);
    case "unreachable":
      return unreachableReason(path);
    case "exhausted":
      return loopOf(path) ?? `routers answer up to hop ${path.farthestHop}, the target does not`;
    case "abandoned":
      return "stopped before its end";
    case "filtered":
      return filteredReason(path);
    default:
      return path.stoppedBy === undefined ? "" : causeOfError(path.stoppedBy);
  }
}

/** Other marks are a plugin's own words. */
const PORT_STATES: ReadonlySet<string> = new Set(["open", "closed"]);

function reachedReason(path: Path): string {
  const target = path.targetHop === undefined ? path.direct : path.hop(path.targetHop);
  const marks = new Set<string>();
  for (const { reply } of target?.probes ?? []) {
    if (reply?.effect !== "reached") continue;
    if (reply.mark !== undefined) marks.add(PORT_STATES.has(reply.mark) ? `port ${reply.mark}` : reply.mark);
    else if (reply.icmp !== undefined) marks.add(describeIcmp(reply.icmp, reply.from.family)?.words ?? "echo reply");
  }
  const directMs = path.targetHop === undefined ? path.direct?.rtt.bestMs : undefined;
  if (directMs !== undefined) marks.add(`in ${directMs.toFixed(3)} ms`);
  return [...marks].join(", ");
}

function unreachableReason(path: Path): string {
  if (path.direct !== undefined) return directReason(path.direct);
  const hop = path.endHop === undefined ? undefined : path.hop(path.endHop);
  const reply = hop?.probes.find((probe) => probe.reply?.effect === "unreachable")?.reply;
  if (hop !== undefined && reply?.icmp === undefined && reply?.mark !== undefined)
    return `hop ${hop.hop} (${reply.from.text}): ${reply.mark}`;
  if (hop === undefined || reply?.icmp === undefined) return "a router says that there is no way on";
  const { mark, words } = describeIcmp(reply.icmp, reply.from.family) ?? { mark: "", words: "unreachable" };
  return `hop ${hop.hop} (${reply.from.text}) says ${words}${mark === "" ? "" : ` (${mark})`}`;
}

/** Of probes that belong to no hop. */
function directReason({ probes }: Answers): string {
  const reply = probes.find((probe) => probe.reply?.effect === "unreachable")?.reply;
  if (reply?.icmp === undefined) return "an ICMP error answers, and the runtime does not tell which or whose";
  const { family, text } = reply.from;
  if (reply.icmp.type === (family === 4 ? 11 : 3)) return `${text} says that the hop limit is used up: a routing loop`;
  const { mark, words } = describeIcmp(reply.icmp, family) ?? { mark: "", words: "unreachable" };
  return `${text} says ${words}${mark === "" ? "" : ` (${mark})`}`;
}

function filteredReason(path: Path): string {
  const { farthestHop } = path;
  if (farthestHop === undefined) return "nobody answers";
  const responder = path.hop(farthestHop)?.responders[0];
  return `silent after hop ${farthestHop}${responder === undefined ? "" : ` (${responder.text})`}`;
}

/** A responder that comes back, with a period, at three positions or more shows a routing loop. */
export function loopOf(path: Path): string | undefined {
  const positions = new Map<string, number[]>();
  for (const { hop, responders } of path.hops()) {
    const only = responders.length === 1 ? responders[0] : undefined;
    if (only !== undefined) positions.set(only.text, [...(positions.get(only.text) ?? []), hop]);
  }
  const looping = [...positions].filter(([, hops]) => {
    const period = (hops[1] ?? 0) - (hops[0] ?? 0);
    return hops.length >= 3 && period > 1 && hops.every((hop, index) => hop === (hops[0] ?? 0) + index * period);
  });
  const [first] = looping;
  if (first === undefined) return undefined;
  return `a routing loop from hop ${first[1][0]}: ${looping.map(([address]) => address).join(" and ")} take turns`;
}

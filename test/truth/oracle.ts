/**
 * What can be seen of a topology, derived from its data alone: no packets, no engine. What tracers print is held against
 * it.
 */
import type { Family } from "../../core/address.ts";
import type { Effect, IcmpCode, MplsLabel } from "../../core/probe.ts";
import type { AddressPair, PacketMatch, ProtocolSelector, Router, Topology } from "../../core/sim/topology.ts";
import type { End, Probing } from "./case.ts";

/** An answer that a probe with a certain hop limit may meet. */
export interface PossibleAnswer {
  readonly address: string;
  readonly effect: Effect;
  /** Absent: it is no ICMP message. */
  readonly icmp?: IcmpCode;
  readonly mpls: readonly MplsLabel[];
  /** Of which router of its hop, where several stand side by side; the target has none. */
  readonly branch?: number;
}

/** What is true of one hop limit. */
export interface HopTruth {
  readonly answers: readonly PossibleAnswer[];
  /** Every probe that may get there is answered: nothing is lost, limited, silent or spoilt. */
  readonly certain: boolean;
  /** One flow always meets the same node. */
  readonly constant: boolean;
  /** Which node a flow meets is decided at the hop before: a leg of a diamond goes on. */
  readonly followsBranch: boolean;
}

export interface ProbeKind {
  readonly probing: Probing;
  readonly family: Family;
  /** Of TCP and UDP. */
  readonly port: number;
  /** The kernel looks for the socket of a quoted packet, and knows none that a NAT's words name. */
  readonly quotesMustFit?: boolean;
}

export interface Truth {
  /** By hop limit; the first is 1. */
  readonly hops: readonly HopTruth[];
  readonly end: End;
}

/** `icmp` is 58 over IPv6. */
const NUMBERS: Readonly<Record<Probing, readonly number[]>> = { icmp: [1, 58], udp: [17], tcp: [6] };
/** RFC 792, RFC 1812 §5.2.7.1; RFC 4443 §3. */
const UNREACHABLE = {
  4: { net: 0, host: 1, protocol: 2, port: 3, prohibited: 13 },
  6: { net: 0, host: 3, protocol: 4, port: 4, prohibited: 1 },
} as const;
/** A walk that has not ended after so many nodes never will. */
const ENOUGH = 600;
/** No probe is larger. */
const PROBE_OCTETS = 60;
/** Nobody need wait longer for a single node. */
const PATIENCE_MS = 1000;
/** Of one link. Where times differ more, the first answers do not tell how long to wait for the others. */
const STEADY_MS = 20;
export const LAST_HOP_LIMIT = 30;

export function truthOf(topology: Topology, kind: ProbeKind): Truth {
  const hops = Array.from({ length: LAST_HOP_LIMIT }, (_, index) => hopTruth(topology, kind, index + 1));
  return { hops, end: endOf(hops) };
}

function endOf(hops: readonly HopTruth[]): End {
  const first = (effect: Effect): number =>
    hops.findIndex(({ answers }) => answers.some((each) => each.effect === effect));
  const reached = first("reached");
  if (reached >= 0) return `reached ${reached + 1}`;
  const unreachable = first("unreachable");
  if (unreachable >= 0) return `unreachable ${unreachable + 1}`;
  const farthest = hops.findLastIndex(({ answers }) => answers.length > 0) + 1;
  return farthest === LAST_HOP_LIMIT ? "endless" : `silent ${farthest}`;
}

interface Fate {
  readonly answer?: PossibleAnswer;
  /** There may be none, or none that is sound. */
  readonly doubtful: boolean;
}

interface Walker {
  readonly position: number;
  readonly hopLimit: number;
  readonly branch: number;
  readonly doubtful: boolean;
  readonly trail: readonly Router[];
}

function hopTruth(topology: Topology, kind: ProbeKind, hopLimit: number): HopTruth {
  const fates: Fate[] = [];
  let constant = true;
  const walk = (walker: Walker): void => {
    const hop = topology.hops[walker.position];
    if (hop === undefined) {
      fates.push(atTarget(topology, kind, walker));
      return;
    }
    if (walker.trail.length > ENOUGH) throw new RangeError("Cannot tell the truth of an endless walk");
    const isFollowed = hop.balance === "same-branch";
    if (hop.balance === "per-packet") constant = false;
    hop.routers.forEach((router, branch) => {
      if (isFollowed && branch !== walker.branch % hop.routers.length) return;
      const next = atRouter(router, kind, { ...walker, branch });
      if ("position" in next) walk(next);
      else fates.push(next);
    });
  };
  walk({ position: 0, hopLimit, branch: 0, doubtful: false, trail: [] });
  const answers = fates.flatMap(({ answer }) => answer ?? []);
  const certain = answers.length === fates.length && fates.every(({ doubtful }) => !doubtful);
  return { answers, certain, constant, followsBranch: topology.hops[hopLimit - 1]?.balance === "same-branch" };
}

/** What becomes of a probe that comes to a router: an end, or a walk that goes on. */
function atRouter(router: Router, kind: ProbeKind, walker: Walker): Fate | Walker {
  const { hopLimit, position, branch, trail } = walker;
  const says = (effect: Effect, type: number, code: number): Fate =>
    brought(router, walker, kind, {
      address: addressOf(router, kind.family) ?? "",
      effect,
      icmp: { type, code },
      mpls: carriesLabels(kind.family, type) ? (router.mpls ?? []) : [],
      branch,
    });
  if (hopLimit <= 1 && !(router.zeroTtlForward === true && hopLimit === 1)) {
    return says("transit", kind.family === 4 ? 11 : 3, 0);
  }
  const unreachable = kind.family === 4 ? 3 : 1;
  if (router.unreachable !== undefined) {
    return says("unreachable", unreachable, UNREACHABLE[kind.family][router.unreachable]);
  }
  const rule = router.rules?.find((each) => each.direction !== "back" && concerns(each, kind));
  if (rule?.action === "drop") return { doubtful: walker.doubtful };
  if (rule?.action === "prohibited") return says("unreachable", unreachable, UNREACHABLE[kind.family].prohibited);
  if (rule?.action === "tcp-reset") throw new RangeError("Cannot tell a filter's reset from the target's own");
  if (router.mtu !== undefined && router.mtu < PROBE_OCTETS) {
    // Over IPv4 the host learns of it, and sends what may be fragmented from then on.
    if (kind.family === 4) throw new RangeError("Cannot tell the truth of a link that is narrow at first only");
    return says("unreachable", 2, 0);
  }
  const doubtful = walker.doubtful || (router.loss ?? 0) > 0;
  const next = router.loopTo === undefined ? position + 1 : router.loopTo - 1;
  return { position: next, hopLimit: Math.max(0, hopLimit - 1), branch, doubtful, trail: [...trail, router] };
}

function atTarget({ target }: Topology, kind: ProbeKind, walker: Walker): Fate {
  const { probing, family, port } = kind;
  const address = addressOf(target, family);
  if (address === undefined) return { doubtful: false };
  const isElsewhere = family === 4 ? address !== target.v4 : address !== target.v6;
  const says = (effect: Effect, icmp?: IcmpCode): Fate =>
    brought(target, walker, kind, { address, effect, mpls: [], ...(icmp && { icmp }) });
  const refuses = (code: number): Fate =>
    says(isElsewhere ? "unreachable" : "reached", { type: family === 4 ? 3 : 1, code });
  if (probing === "icmp") {
    return target.icmp === "silent" ? NOTHING : says("reached", { type: family === 4 ? 0 : 129, code: 0 });
  }
  if (probing === "udp") {
    if (target.udp === "silent") return NOTHING;
    if (target.udp === undefined || target.udp === "unreachable") return refuses(UNREACHABLE[family].port);
    return isElsewhere ? NOTHING : says("reached");
  }
  const state = target.tcp?.ports?.[port] ?? target.tcp?.others ?? "closed";
  if (state === "silent") return NOTHING;
  if (state === "prohibited") return refuses(UNREACHABLE[family].prohibited);
  // A segment from an address that nobody spoke to belongs to no connection.
  return isElsewhere ? NOTHING : says("reached");
}

const NOTHING: Fate = { doubtful: false };

/** The way back of an answer, over the routers that the probe passed. */
function brought(node: Router, { trail, doubtful }: Walker, kind: ProbeKind, answer: PossibleAnswer): Fate {
  const isIcmp = answer.icmp !== undefined;
  const isError = isIcmp && !(answer.icmp.type === 0 || answer.icmp.type === 129);
  const isRouter = answer.branch !== undefined;
  if (answer.address === "" || node.silent === true) return NOTHING;
  if (isError && node.silentFor?.some((selector) => names(selector, NUMBERS[kind.probing])) === true) return NOTHING;
  if ((node.replyHopLimit ?? (isRouter ? 255 : 64)) <= trail.length) return NOTHING;
  // Of ICMP's answers rules speak as of ICMP, whatever was asked.
  const back: ProbeKind = { ...kind, probing: isIcmp ? "icmp" : kind.probing };
  const isDropped = ({ rules = [] }: Router): boolean =>
    rules.find((rule) => rule.direction === "back" && concerns(rule, back))?.action === "drop";
  if (trail.some(isDropped)) return NOTHING;
  // Whose answers are all spoilt is never heard.
  const ways = node.corrupt?.ways;
  if (ways?.every((way) => way === "icmp-checksum") && node.corrupt?.chance === undefined) return NOTHING;
  const isLimited = isError && node.icmpRateLimit !== undefined;
  const isLossy = trail.some(({ returnLoss = 0 }) => returnLoss > 0) || node.corrupt !== undefined;
  const isDisguised = isError && trail.some(({ nat }) => nat?.restoresQuotes === false);
  if (isDisguised && kind.quotesMustFit === true) return NOTHING;
  const isSlow =
    (node.extraDelay?.ms ?? 0) > PATIENCE_MS || [node, ...trail].some(({ jitterMs = 0 }) => jitterMs > STEADY_MS);
  return { answer, doubtful: doubtful || isLimited || isLossy || isSlow };
}

function addressOf({ v4, v6, answersFrom }: AddressPair & { readonly answersFrom?: AddressPair }, family: Family) {
  return family === 4 ? (answersFrom?.v4 ?? v4) : (answersFrom?.v6 ?? v6);
}

/** RFC 4884 §4: which errors may carry an extension. */
function carriesLabels(family: Family, type: number): boolean {
  return family === 4 || type === 1 || type === 3;
}

function names(selector: ProtocolSelector, numbers: readonly number[]): boolean {
  return typeof selector === "number" ? numbers.includes(selector) : NUMBERS[selector] === numbers;
}

function concerns(
  { protocols, ports, exceptPorts, families }: PacketMatch,
  { probing, family, port }: ProbeKind,
): boolean {
  const hasPort = probing !== "icmp";
  if (protocols !== undefined && !protocols.some((selector) => names(selector, NUMBERS[probing]))) return false;
  if (ports !== undefined && !(hasPort && ports.includes(port))) return false;
  if (exceptPorts !== undefined && (!hasPort || exceptPorts.includes(port))) return false;
  return families?.includes(family) ?? true;
}

import { encodeIcmp, type IpPacket, parseIcmp, parseIp, verifyIpv4Header } from "../wire/mod.ts";
import { flowKey, hashText, isErrorMessage } from "./balance.ts";
import { corrupt } from "./corrupt.ts";
import { matches } from "./match.ts";
import { addressBytes, createNode, type SimNode, sameBytes } from "./node.ts";
import { createPrng } from "./prng.ts";
import { type Refusal, refuse } from "./replies.ts";
import { hopLimitOf, rewriteEnd, setHopLimit } from "./rewrite.ts";
import { createTargetHost, forgedReset, type TargetHost } from "./target.ts";
import type { Hop, Nat, NodeBehaviour, Router, Topology } from "./topology.ts";

/** A whole IP packet as it comes back to the host. */
export interface Delivery {
  readonly atMs: number;
  readonly packet: Uint8Array;
}

/** A topology at work. It knows whole IP packets and times, nothing of sockets or clocks. */
export interface Engine {
  /** What comes back of a packet that leaves the host at `atMs`; calls come in the order of time. */
  send(packet: Uint8Array, atMs: number): readonly Delivery[];
}

interface SimHop {
  readonly hop: Hop;
  readonly routers: readonly SimNode<Router>[];
  /** Routers answer for their own addresses too. */
  readonly hosts: readonly TargetHost[];
  readonly salt: number;
}

/** One packet on its way. */
interface Journey {
  packet: Uint8Array;
  atMs: number;
  /** The nodes passed, by position: replies go back over them. */
  readonly trail: SimNode<Router>[];
  /** What NATs changed, first one first. */
  readonly translations: Translation[];
  branch: number;
}

/** A packet's header as the node that it has reached sees it. */
type Travelling = Omit<IpPacket, "hopLimit"> & { hopLimit: number };

interface Translation {
  /** Position of the NAT: replies of nodes up to there do not pass it. */
  readonly position: number;
  readonly nat: Nat;
  readonly original: Uint8Array;
}

/** The same topology, seed and packets give the same deliveries. */
export function createEngine(topology: Topology, seed: number): Engine {
  const prng = createPrng(seed);
  const isn = (): number => prng.below(0x1_0000_0000);
  const hops: readonly SimHop[] = topology.hops.map((hop, index) => {
    const routers = hop.routers.map((router) => createNode<Router>(router, 255));
    const hosts = hop.routers.map((router) => createTargetHost(createNode(routerAsTarget(router), 64), isn));
    return { hop, routers, hosts, salt: hashText(`hop ${index}`, seed) };
  });
  const target = createNode(topology.target, 64);
  const targetHost = createTargetHost(target, isn);

  const crossingMs = ({ delayMs = 1, jitterMs = 0 }: NodeBehaviour): number =>
    delayMs + (jitterMs > 0 ? prng.next() * jitterMs : 0);

  function chooseBranch({ hop, routers, salt }: SimHop, ip: IpPacket, journey: Journey): number {
    if (routers.length === 1 || hop.balance === "same-branch") return journey.branch % routers.length;
    if (hop.balance === "per-packet") return prng.below(routers.length);
    return hashText(flowKey(ip, { icmp: hop.balanceIcmp === true }), salt) % routers.length;
  }

  /** Takes a reply from the node at `position` back to the host, changing it; undefined where it is lost on the way. */
  function bringBack(packet: Uint8Array, from: SimNode, position: number, journey: Journey): Delivery | undefined {
    let atMs = journey.atMs + crossingMs(from.spec);
    for (let at = position - 1, hopLimit = hopLimitOf(packet); at >= 0; at--, hopLimit--) {
      const router = journey.trail[at];
      if (router === undefined || hopLimit <= 1) return undefined;
      if (isDroppedOnItsWayBack(router.spec, packet) || prng.chance(router.spec.returnLoss ?? 0)) return undefined;
      setHopLimit(packet, hopLimit - 1);
      atMs += crossingMs(router.spec);
    }
    for (const translation of journey.translations.toReversed()) {
      if (translation.position < position) undo(packet, translation);
    }
    const { extraDelay, corrupt: corruption } = from.spec;
    if (extraDelay !== undefined && prng.chance(extraDelay.chance ?? 1)) atMs += extraDelay.ms;
    return { atMs, packet: corruption === undefined ? packet : corrupt(packet, corruption, prng) };
  }

  function answers(
    reply: Uint8Array | undefined,
    from: SimNode,
    position: number,
    journey: Journey,
  ): readonly Delivery[] {
    if (reply === undefined) return [];
    const copies: Delivery[] = [];
    for (let left = 1 + (from.spec.duplicates ?? 0); left > 0; left--) {
      const copy = bringBack(left > 1 ? reply.slice() : reply, from, position, journey);
      if (copy !== undefined) copies.push(copy);
    }
    return copies;
  }

  /** What a router does with a packet that is not for itself: an answer ends the journey. */
  function decide(router: Router, packet: Uint8Array, ip: IpPacket): "forward" | "drop" | "tcp-reset" | Refusal {
    // Hop limit first, as Linux's ip_forward does: a filtering router itself is still seen.
    const mayForwardZero = router.zeroTtlForward === true && ip.hopLimit === 1;
    if (ip.hopLimit <= 1 && !mayForwardZero) return { why: "time-exceeded" };
    if (router.unreachable !== undefined) return { why: "unreachable", reason: router.unreachable };
    const rule = router.rules?.find((each) => each.direction !== "back" && matches(each, ip));
    if (rule?.action === "prohibited") return { why: "unreachable", reason: "prohibited" };
    if (rule?.action === "drop" || rule?.action === "tcp-reset") return rule.action;
    if (router.mtu !== undefined && packet.length > router.mtu && ip.dontFragment) {
      return { why: "too-big", mtu: router.mtu };
    }
    return prng.chance(router.loss ?? 0) ? "drop" : "forward";
  }

  function forward(journey: Journey, position: number, router: Router, ip: IpPacket): void {
    setHopLimit(journey.packet, Math.max(0, ip.hopLimit - 1));
    const address = router.nat === undefined ? undefined : addressBytes(router.nat)[ip.version];
    if (router.nat === undefined || address === undefined) return;
    journey.translations.push({ position, nat: router.nat, original: ip.source.slice() });
    rewriteEnd(journey.packet, { end: "source", address, portShift: router.nat.portShift ?? 0 });
  }

  function walk(journey: Journey, ip: Travelling): readonly Delivery[] {
    for (let position = 0; ; ) {
      const here = hops[position];
      if (here === undefined) return arriveAtEnd(journey, position, ip);
      journey.branch = chooseBranch(here, ip, journey);
      const node = here.routers[journey.branch];
      if (node === undefined) return [];
      journey.trail[position] = node;
      journey.atMs += crossingMs(node.spec);
      const { packet, atMs } = journey;
      if (sameBytes(ip.destination, node.own[ip.version])) {
        const said = here.hosts[journey.branch]?.answer(packet, ip, atMs) ?? [];
        return node.spec.silent === true ? [] : said.flatMap((each) => answers(each, node, position, journey));
      }
      const decision = decide(node.spec, packet, ip);
      if (decision === "drop") return [];
      if (decision === "tcp-reset") return answers(forgedReset(ip), node, position, journey);
      if (decision !== "forward") return answers(refuse(node, packet, ip, decision, atMs), node, position, journey);
      forward(journey, position, node.spec, ip);
      ip.hopLimit = Math.max(0, ip.hopLimit - 1);
      position = node.spec.loopTo === undefined ? position + 1 : node.spec.loopTo - 1;
    }
  }

  function arriveAtEnd(journey: Journey, position: number, ip: IpPacket): readonly Delivery[] {
    if (sameBytes(ip.destination, target.own[ip.version])) {
      journey.atMs += crossingMs(target.spec);
      const said = targetHost.answer(journey.packet, ip, journey.atMs);
      return said.flatMap((each) => answers(each, target, position, journey));
    }
    // Nobody on the last link has that address: the last router says so.
    const last = journey.trail[position - 1];
    if (last === undefined) return [];
    const reply = refuse(last, journey.packet, ip, { why: "unreachable", reason: "host" }, journey.atMs);
    return answers(reply, last, position - 1, journey);
  }

  return {
    send: (sent, atMs) => {
      // A copy (which `slice` of a Buffer is not), parsed once: its fields are views, which rewriting on the way changes too.
      const packet = new Uint8Array(sent);
      const ip = parseIp(packet);
      // The first router drops what is no sound packet.
      if (ip === undefined || ip.truncated || (ip.version === 4 && !verifyIpv4Header(packet))) return [];
      return walk({ packet, atMs, trail: [], translations: [], branch: 0 }, ip);
    },
  };
}

/** Parsed only where there are rules: most routers have none. */
function isDroppedOnItsWayBack({ rules }: Router, packet: Uint8Array): boolean {
  const ip = rules === undefined ? undefined : parseIp(packet);
  if (ip === undefined) return false;
  return rules?.find((each) => each.direction === "back" && matches(each, ip))?.action === "drop";
}

/** A router spoken to by its own address answers as a plain host does. */
function routerAsTarget({ v4, v6, answersFrom, icmpRateLimit, quoteLength }: Router): NodeBehaviour {
  return {
    ...(v4 === undefined ? {} : { v4 }),
    ...(v6 === undefined ? {} : { v6 }),
    ...(answersFrom === undefined ? {} : { answersFrom }),
    ...(icmpRateLimit === undefined ? {} : { icmpRateLimit }),
    ...(quoteLength === undefined ? {} : { quoteLength }),
  };
}

/** What a NAT does to a reply: its destination is put back and, unless told otherwise, the quote in it. */
function undo(packet: Uint8Array, { nat, original }: Translation): void {
  const ip = parseIp(packet);
  if (ip === undefined) return;
  const portShift = -(nat.portShift ?? 0);
  rewriteEnd(packet, { end: "destination", address: original, portShift });
  const message = isErrorMessage(ip) ? parseIcmp(ip.payload) : undefined;
  if (message === undefined || nat.restoresQuotes === false) return;
  rewriteEnd(message.body, { end: "source", address: original, portShift });
  // The sums of header and body changed by different amounts: made anew, as nothing has spoilt the reply so far.
  const { version, source, destination } = ip;
  ip.payload.set(encodeIcmp({ version, ...message, source, destination }));
}

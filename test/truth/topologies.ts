import {
  balanced,
  closed,
  duplicating,
  filtered,
  late,
  lossy,
  minimalQuotes,
  mpls,
  nat,
  plain,
  rateLimited,
  reordering,
  router,
  scenario,
  silent,
  unreachable,
} from "../../core/sim/topologies.ts";
import type { Router } from "../../core/sim/topology.ts";
import { at, everywhere, line, several, type TruthCase } from "./case.ts";

const NAT = { v4: "203.0.113.7", v6: "2001:db8:face::7" } as const;
const OUTER_NAT = { v4: "203.0.113.99", v6: "2001:db8:face::99" } as const;
const LABEL = { label: 299_776, trafficClass: 0, bottomOfStack: true, ttl: 1 } as const;
/** What packets arrive with inside a tunnel that hides the hop limit of the packets it carries (RFC 3443). */
const tunnel = (quotedHopLimit: number): Omit<Router, "v4" | "v6"> => ({
  mpls: [{ ...LABEL, label: LABEL.label + quotedHopLimit }],
  quotedHopLimit,
});

/** The shape of the path. */
const SHAPES: readonly TruthCase[] = [
  { name: "five hops", topology: plain(5), ends: "reached 5" },
  { name: "the target next door", topology: plain(1), ends: "reached 1" },
  { name: "thirty hops", topology: plain(30), ends: "reached 30" },
  { name: "more than thirty hops", topology: plain(33), ends: "endless" },
  {
    name: "per-flow balancing at two hops, hop 1 silent",
    topology: scenario(),
    ends: "reached 12",
  },
  { name: "per-flow balancing that hashes ICMP too", topology: balanced(), ends: "reached 6" },
  { name: "sixteen routers at one hop", topology: line(5, { 3: several(3, 16) }), ends: "reached 5" },
  {
    name: "per-packet balancing",
    topology: line(6, { 3: several(3, 3, { balance: "per-packet" }) }),
    ends: "reached 6",
  },
  {
    name: "a diamond of two legs, three hops long",
    topology: line(8, {
      3: several(3, 2),
      4: several(4, 2, { balance: "same-branch" }),
      5: several(5, 2, { balance: "same-branch" }),
    }),
    ends: "reached 8",
  },
  {
    name: "two diamonds, the legs unequally slow",
    topology: line(9, {
      2: { routers: [router(2), router(2, { delayMs: 9 }, 1)] },
      3: several(3, 2, { balance: "same-branch" }),
      6: { routers: [router(6, { delayMs: 4 }), router(6, {}, 1), router(6, { delayMs: 7 }, 2)] },
      7: several(7, 3, { balance: "same-branch" }),
    }),
    ends: "reached 9",
  },
  {
    name: "one leg of a diamond silent",
    topology: line(6, { 3: { routers: [router(3), router(3, { silent: true }, 1)] } }),
    ends: "reached 6",
  },
  {
    name: "one leg of a balancer drops everything",
    topology: line(6, { 3: { routers: [router(3), router(3, { rules: [{ action: "drop" }] }, 1)] } }),
    ends: "reached 6",
    chancy: true,
  },
  {
    name: "a loop of two routers",
    topology: line(6, { 4: { loopTo: 3 } }),
    ends: "endless",
  },
  { name: "a loop of three routers", topology: line(8, { 5: { loopTo: 3 } }), ends: "endless" },
  { name: "a router that sends everything back to itself", topology: line(6, { 3: { loopTo: 3 } }), ends: "endless" },
];

/** Rewriting, labels, and oddities of headers. */
const HEADERS: readonly TruthCase[] = [
  { name: "a NAT that puts quotes back", topology: nat(true), ends: "reached 6" },
  { name: "a NAT that leaves quotes rewritten", topology: nat(false), ends: "reached 6" },
  {
    name: "two NATs behind each other",
    topology: line(7, {
      1: { nat: { ...NAT, portShift: 700 } },
      4: { nat: { ...OUTER_NAT, portShift: 2000 } },
    }),
    ends: "reached 7",
  },
  { name: "MPLS label stacks", topology: mpls(), ends: "reached 6" },
  {
    name: "an MPLS tunnel whose routers quote the hop limit inside",
    topology: line(8, { 3: tunnel(2), 4: tunnel(3), 5: tunnel(4) }),
    ends: "reached 8",
  },
  {
    name: "a stack of eight MPLS labels",
    topology: line(4, {
      2: {
        mpls: Array.from({ length: 8 }, (_, index) => ({
          label: 16 + index * 131_071,
          trafficClass: index,
          bottomOfStack: index === 7,
          ttl: 255 - index,
        })),
      },
    }),
    ends: "reached 4",
  },
  {
    name: "labels at every hop, quotes of 128 octets",
    topology: line(6, everywhere(6, { mpls: [LABEL], quoteLength: 128 })),
    ends: "reached 6",
  },
  {
    name: "quotes of a hop limit of 0 and of 255",
    topology: line(6, { 2: { quotedHopLimit: 0 }, 4: { quotedHopLimit: 255 } }),
    ends: "reached 6",
  },
  {
    name: "a router that forwards the last hop limit",
    topology: line(6, { 3: { zeroTtlForward: true } }),
    ends: "reached 6",
  },
  {
    name: "such a router before the target",
    topology: line(5, { 4: { zeroTtlForward: true } }),
    ends: "reached 4",
  },
  {
    name: "two such routers behind each other",
    topology: line(7, at([3, 4], { zeroTtlForward: true })),
    ends: "reached 7",
  },
  {
    name: "quotes of eight octets behind the IP header (IPv4)",
    topology: minimalQuotes(4),
    ends: "reached 5",
    families: [4],
  },
  {
    name: "quotes of eight octets behind the IP header (IPv6)",
    topology: minimalQuotes(6),
    ends: "reached 5",
    families: [6],
  },
  {
    name: "answers that start with hop limits of 64, 128, 255 and 30",
    topology: line(6, {
      1: { replyHopLimit: 64 },
      2: { replyHopLimit: 128 },
      4: { replyHopLimit: 30 },
    }),
    ends: "reached 6",
  },
  {
    name: "answers that expire on their way back",
    topology: line(7, { 4: { replyHopLimit: 3 }, 6: { replyHopLimit: 2 } }),
    ends: "reached 7",
  },
];

/** Silence, filters, and words of refusal. */
const REFUSALS: readonly TruthCase[] = [
  { name: "hop 1 silent", topology: line(5, { 1: { silent: true } }), ends: "reached 5" },
  { name: "two silent routers in the middle", topology: line(7, at([3, 4], { silent: true })), ends: "reached 7" },
  { name: "no router answers, the target does", topology: line(6, everywhere(6, { silent: true })), ends: "reached 6" },
  {
    name: "seven silent routers in a row",
    topology: line(10, at([2, 3, 4, 5, 6, 7, 8], { silent: true })),
    ends: "reached 10",
  },
  {
    name: "routers silent for ICMP and UDP",
    topology: line(6, at([2, 4], { silentFor: ["icmp", "udp"] })),
    ends: "reached 6",
  },
  { name: "routers silent for TCP", topology: line(6, at([3], { silentFor: ["tcp"] })), ends: "reached 6" },
  { name: "the target silent", topology: silent(), ends: "silent 4" },
  {
    name: "nothing answers behind hop 6 of 12",
    topology: line(12, at([7, 8, 9, 10, 11], { silent: true }), {
      icmp: "silent",
      udp: "silent",
      tcp: { others: "silent", ports: {} },
    }),
    ends: "silent 6",
  },
  { name: "all ports closed", topology: closed(), ends: "reached 5" },
  {
    name: "the target silent but for TCP",
    topology: line(5, {}, { icmp: "silent", udp: "silent" }),
    ends: { icmp: "silent 4", udp: "silent 4", tcp: "reached 5" },
  },
  {
    name: "the target answers UDP",
    topology: line(5, {}, { udp: "answer" }),
    ends: "reached 5",
  },
  {
    name: "the target prohibits the port",
    topology: line(5, {}, { tcp: { ports: { 443: "prohibited" } } }),
    ends: "reached 5",
  },
  { name: "host unreachable at hop 3", topology: unreachable(), ends: "unreachable 4" },
  { name: "network unreachable at hop 2", topology: line(5, { 2: { unreachable: "net" } }), ends: "unreachable 3" },
  {
    name: "administratively prohibited at hop 4",
    topology: line(6, { 4: { unreachable: "prohibited" } }),
    ends: "unreachable 5",
  },
  {
    name: "hop 4 drops ICMP and UDP",
    topology: filtered(),
    ends: { icmp: "silent 4", udp: "silent 4", tcp: "reached 8" },
  },
  {
    name: "hop 2 drops TCP",
    topology: line(6, { 2: { rules: [{ protocols: ["tcp"], action: "drop" }] } }),
    ends: { icmp: "reached 6", udp: "reached 6", tcp: "silent 2" },
  },
  {
    name: "hop 3 lets TCP 443 through and prohibits the rest",
    topology: line(6, { 3: { rules: [{ ports: [443], action: "accept" }, { action: "prohibited" }] } }),
    ends: { icmp: "unreachable 4", udp: "unreachable 4", tcp: "reached 6" },
  },
  {
    name: "ICMP errors dropped on their way back at hop 2",
    topology: line(6, { 2: { rules: [{ direction: "back", protocols: ["icmp"], action: "drop" }] } }),
    ends: { icmp: "silent 2", udp: "silent 2", tcp: "reached 6" },
  },
  {
    name: "a link narrower than any probe (IPv6)",
    topology: line(6, { 3: { mtu: 30 } }),
    ends: "unreachable 4",
    families: [6],
  },
  { name: "a link of 1,400 octets", topology: line(6, { 3: { mtu: 1400 } }), ends: "reached 6" },
  {
    name: "routers without an IPv6 address",
    topology: line(6, {
      2: { routers: [{ v4: "10.0.2.1" }] },
      3: { routers: [{ v4: "10.0.3.1" }] },
    }),
    ends: "reached 6",
  },
];

/** Addresses that are not where one expects them. */
const ADDRESSES: readonly TruthCase[] = [
  {
    name: "a router that answers from another address",
    topology: line(6, { 3: { answersFrom: { v4: "172.16.3.3", v6: "2001:db8:3::333" } } }),
    ends: "reached 6",
  },
  {
    name: "two hops that answer from one address",
    topology: line(6, { 3: { answersFrom: { v4: "10.0.2.1", v6: "2001:db8:2::1" } } }),
    ends: "reached 6",
  },
  {
    name: "a router that answers from the target's address",
    topology: line(6, { 3: { answersFrom: { v4: "198.51.100.10", v6: "2001:db8:ffff::10" } } }),
    ends: "reached 6",
  },
  {
    name: "the target answers from another address",
    topology: line(5, {}, { answersFrom: { v4: "198.51.100.77", v6: "2001:db8:ffff::77" } }),
    // An answer to a TCP segment from elsewhere belongs to no connection; an ICMP error says whose packet it quotes.
    ends: { icmp: "reached 5", udp: "unreachable 5", tcp: "silent 4" },
  },
  {
    name: "a NAT before the target answers in its name to nobody",
    topology: line(6, { 5: { nat: { ...NAT, portShift: 11 }, silent: true } }),
    ends: "reached 6",
  },
];

/** Loss, limits and time. */
const TROUBLE: readonly TruthCase[] = [
  { name: "a fifth lost behind hop 2", topology: lossy(), ends: "reached 6", chancy: true },
  { name: "half lost before the target", topology: line(5, { 4: { loss: 0.5 } }), ends: "reached 5", chancy: true },
  {
    name: "a third of the answers lost at hop 3",
    topology: line(7, { 3: { returnLoss: 0.33 } }),
    ends: "reached 7",
    chancy: true,
  },
  { name: "hop 3 answers five times a second", topology: rateLimited(), ends: "reached 6", chancy: true },
  {
    name: "every router answers ten times a second",
    topology: line(7, everywhere(7, { icmpRateLimit: { perSecond: 10, burst: 4 } })),
    ends: "reached 7",
    chancy: true,
  },
  {
    name: "the target limits its errors as Linux does",
    topology: line(5, {}, { icmpRateLimit: { perSecond: 1, burst: 6 } }),
    ends: "reached 5",
    chancy: true,
  },
  {
    name: "rate limiting at hop 3, loss behind hop 5",
    topology: line(8, { 3: { icmpRateLimit: { perSecond: 5, burst: 2 } }, 5: { loss: 0.2 } }),
    ends: "reached 8",
    chancy: true,
  },
  { name: "hop 2 answers 1.5 s late", topology: late(), ends: "reached 5", chancy: true },
  {
    name: "the target answers 0.5 s late",
    topology: line(5, {}, { extraDelay: { ms: 500 } }),
    ends: "reached 5",
    chancy: true,
  },
  {
    name: "hop 3 takes 50 ms for every other answer",
    topology: line(6, { 3: { extraDelay: { ms: 50, chance: 0.5 } } }),
    ends: "reached 6",
  },
  { name: "a satellite link of 300 ms one way", topology: line(6, { 3: { delayMs: 300 } }), ends: "reached 6" },
  { name: "every answer three times", topology: duplicating(), ends: "reached 5" },
  {
    name: "10 ms of jitter on each link",
    topology: line(6, everywhere(6, { jitterMs: 10 }), { jitterMs: 10 }),
    ends: "reached 6",
  },
  { name: "answers that overtake each other", topology: reordering(), ends: "reached 5", chancy: true },
  {
    name: "a third of the answers spoilt",
    topology: line(5, everywhere(5, { corrupt: { chance: 0.33 } }), { corrupt: { chance: 0.33 } }),
    ends: "reached 5",
    chancy: true,
  },
  {
    name: "hop 2 spoils its checksums, hop 3 quotes packets of others",
    topology: line(6, { 2: { corrupt: { ways: ["icmp-checksum"] } }, 3: { corrupt: { ways: ["foreign-quote"] } } }),
    ends: "reached 6",
    chancy: true,
  },
  {
    name: "much at once",
    topology: line(12, {
      1: { silent: true },
      2: { nat: { ...NAT, portShift: 1000 } },
      4: several(4, 3),
      5: several(5, 3, { balance: "same-branch" }, { mpls: [LABEL] }),
      7: { icmpRateLimit: { perSecond: 8, burst: 4 }, jitterMs: 3 },
      9: { loss: 0.1, delayMs: 30 },
      10: { duplicates: 1, returnLoss: 0.05 },
    }),
    ends: "reached 12",
    chancy: true,
  },
];

export const TRUTH_CASES: readonly TruthCase[] = [...SHAPES, ...HEADERS, ...REFUSALS, ...ADDRESSES, ...TROUBLE];

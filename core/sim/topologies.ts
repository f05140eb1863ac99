import { type Endpoint, type Family, parseAddress } from "../address.ts";
import type { Hop, Router, StreamService, Target, Topology } from "./topology.ts";

// Addresses are of the documentation ranges (RFC 5737, RFC 3849) and of 10/8.

const TARGET = { v4: "198.51.100.10", v6: "2001:db8:ffff::10" } as const;

/** The router of a hop (from 1) and branch (from 0), with addresses that tell both. */
export function router(hop: number, more: Omit<Router, "v4" | "v6"> = {}, branch = 0): Router {
  return { v4: `10.0.${hop}.${branch + 1}`, v6: `2001:db8:${hop.toString(16)}::${branch + 1}`, ...more };
}

/** RFC 9112: whoever asks for a page is told that it is there; others are told nothing. */
const webServer: StreamService = (said) => {
  if (!/^(GET|HEAD) \S+ HTTP\/1\.1\r\n/.test(String.fromCharCode(...said))) return undefined;
  return { bytes: new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), end: "closed" };
};

/** A target that answers echo, refuses UDP ports, serves pages on TCP 80, and listens on 443. */
export function target(more: Omit<Target, "v4" | "v6"> = {}): Target {
  return { ...TARGET, tcp: { ports: { 80: webServer, 443: "open" } }, ...more };
}

function single(hop: number, more: Omit<Router, "v4" | "v6"> = {}): Hop {
  return { routers: [router(hop, more)] };
}

/** Routers 1, 2… of one each, some of them with a behaviour of their own, then the target. */
function line(
  hops: number,
  special: Readonly<Record<number, Omit<Router, "v4" | "v6">>> = {},
  end = target(),
): Topology {
  return { hops: Array.from({ length: hops - 1 }, (_, at) => single(at + 1, special[at + 1])), target: end };
}

/** `hops` hops, the last of which is the target; every one answers. One way over each link takes 1 ms. */
export function plain(hops: number): Topology {
  return line(hops);
}

/** Twelve hops: the first is silent, the fifth and the eighth have several routers, the target is open on 443 only. */
export function scenario(): Topology {
  const { hops } = line(12, { 1: { silent: true } });
  const several = (hop: number, count: number): Hop => {
    const others = Array.from({ length: count - 1 }, (_, at) => router(hop, {}, at + 1));
    return { routers: [router(hop), ...others], balance: "per-flow" };
  };
  return {
    hops: hops.map((hop, at) => (at === 4 ? several(5, 2) : at === 7 ? several(8, 3) : hop)),
    target: target({ tcp: { others: "closed", ports: { 443: "open" } } }),
  };
}

/** Eight hops; the fourth answers, but lets neither ICMP nor UDP through. */
export function filtered(): Topology {
  return line(8, { 4: { rules: [{ protocols: ["icmp", "udp"], action: "drop" }] } });
}

/** Five hops; no TCP port is open. */
export function closed(): Topology {
  return line(5, {}, target({ tcp: { others: "closed" } }));
}

/** Five hops; the target answers nothing at all. */
export function silent(): Topology {
  return line(5, {}, target({ icmp: "silent", udp: "silent", tcp: { others: "silent" }, otherProtocols: "silent" }));
}

/** Six hops; the third says that there is no way to the host. */
export function unreachable(): Topology {
  return line(6, { 3: { unreachable: "host" } });
}

/** The fourth router sends everything back to the third. */
export function loop(): Topology {
  return line(6, { 4: { loopTo: 3 } });
}

/** Six hops; the second and third report the labels with which packets reach them. */
export function mpls(): Topology {
  const bottom = { label: 16, trafficClass: 5, bottomOfStack: true, ttl: 254 };
  return line(6, {
    2: { mpls: [{ label: 339_234, trafficClass: 0, bottomOfStack: false, ttl: 1 }, bottom] },
    3: { mpls: [{ label: 24_001, trafficClass: 2, bottomOfStack: true, ttl: 1 }] },
  });
}

/** Six hops; the second rewrites the source and shifts ports. `restoresQuotes` false: quotes stay rewritten. */
export function nat(restoresQuotes: boolean): Topology {
  return line(6, { 2: { nat: { v4: "203.0.113.7", v6: "2001:db8:face::7", portShift: 1000, restoresQuotes } } });
}

/** Five hops; the second answers 1.5 s late. */
export function late(): Topology {
  return line(5, { 2: { extraDelay: { ms: 1500 } } });
}

/** Six hops; the second loses some of what passes it. */
export function lossy(loss = 0.2): Topology {
  return line(6, { 2: { loss } });
}

/** Six hops; the second has three routers and the fourth two, among which flows are spread, those of ICMP as well. */
export function balanced(): Topology {
  const { hops, target: end } = line(6);
  const several = (hop: number, count: number): Hop => {
    const others = Array.from({ length: count - 1 }, (_, at) => router(hop, {}, at + 1));
    return { routers: [router(hop), ...others], balance: "per-flow", balanceIcmp: true };
  };
  return { hops: hops.map((hop, at) => (at === 1 ? several(2, 3) : at === 3 ? several(4, 2) : hop)), target: end };
}

/** Five hops; every answer comes three times. */
export function duplicating(): Topology {
  const duplicates = { duplicates: 2 };
  return line(5, { 1: duplicates, 2: duplicates, 3: duplicates, 4: duplicates }, target(duplicates));
}

/** Five hops; on each link a packet takes up to 40 ms longer than another, so that answers overtake each other. */
export function reordering(): Topology {
  const jitter = { jitterMs: 40 };
  return line(5, { 1: jitter, 2: jitter, 3: jitter, 4: jitter }, target(jitter));
}

/** Six hops; the third makes at most 5 ICMP errors a second, 3 at once. */
export function rateLimited(): Topology {
  return line(6, { 3: { icmpRateLimit: { perSecond: 5, burst: 3 } } });
}

/** Five hops, whose routers quote the IP header and 8 octets behind it: 28 octets over IPv4, 48 over IPv6. */
export function minimalQuotes(family: Family): Topology {
  const quoteLength = family === 4 ? 28 : 48;
  const routers = { 1: { quoteLength }, 2: { quoteLength }, 3: { quoteLength }, 4: { quoteLength } };
  return line(5, routers, target({ quoteLength, tcp: { ports: { 443: "open" } } }));
}

/** Four hops; every answer is spoilt in some way. */
export function hostile(): Topology {
  const corrupt = { chance: 0.9 };
  return line(4, { 1: { corrupt }, 2: { corrupt, duplicates: 2 }, 3: { corrupt } }, target({ corrupt }));
}

/** The topology's target as probes are sent to it. */
export function endpointOf({ target: { v4, v6 } }: Topology, family: Family, port: number): Endpoint {
  const address = parseAddress((family === 4 ? v4 : v6) ?? "");
  if (address === undefined) throw new TypeError(`Cannot address the target: it has no IPv${family} address`);
  return { address, port };
}

/** For each hop limit from 1 up to the target's, the addresses that may answer; none where the hop is silent. */
export function respondersOf(topology: Topology, family: Family): readonly (readonly string[])[] {
  const address = ({ v4, v6, answersFrom }: Router | Target): readonly string[] => {
    const text = family === 4 ? (answersFrom?.v4 ?? v4) : (answersFrom?.v6 ?? v6);
    return text === undefined ? [] : [text];
  };
  const hops = topology.hops.map(({ routers }) =>
    routers.flatMap((each) => (each.silent === true ? [] : address(each))),
  );
  return [...hops, address(topology.target)];
}

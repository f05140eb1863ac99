import type { Family } from "../../core/address.ts";
import { router, target } from "../../core/sim/topologies.ts";
import type { Hop, Router, Target, Topology } from "../../core/sim/topology.ts";

/** What probes of one protocol meet at the end of a path, and at which hop limit. */
export type End =
  /** The target answers. */
  | `reached ${number}`
  /** A router says that there is no way on. */
  | `unreachable ${number}`
  /** The hop limit of the last node that answers at all; 0: none. */
  | `silent ${number}`
  /** Routers answer at every hop limit. */
  | "endless";

export const PROBINGS = ["icmp", "udp", "tcp"] as const;
export type Probing = (typeof PROBINGS)[number];

/** A path of which all is known. TCP probes go to port 443, UDP probes to ports from 33,434 on. */
export interface TruthCase {
  readonly name: string;
  readonly topology: Topology;
  /** Said by hand, beside what the oracle derives from the topology: each guards the other. */
  readonly ends: End | Readonly<Record<Probing, End>>;
  /** Default: both. */
  readonly families?: readonly Family[];
  /** Answers may take so long, or be lost so often, that a tracer may miss what is there. */
  readonly chancy?: true;
}

/** What may be said of a router beside its addresses, or other routers beside each other at the same hop. */
type Special = Omit<Router, "v4" | "v6"> | Hop;
type Specials = Readonly<Record<number, Special>>;

/** `hops` hops, the last of which is the target; some with a behaviour of their own. */
export function line(hops: number, special: Specials = {}, end: Omit<Target, "v4" | "v6"> = {}): Topology {
  const hop = (number: number): Hop => {
    const given = special[number] ?? {};
    return "routers" in given ? given : { routers: [router(number, given)] };
  };
  return { hops: Array.from({ length: hops - 1 }, (_, at) => hop(at + 1)), target: target(end) };
}

/** The same behaviour at several hops. */
export function at(hops: readonly number[], special: Special): Specials {
  return Object.fromEntries(hops.map((hop) => [hop, special]));
}

/** All hops of a line up to the one before the target. */
export function everywhere(hops: number, special: Special): Specials {
  return at(
    Array.from({ length: hops - 1 }, (_, index) => index + 1),
    special,
  );
}

/** Several routers at one hop. */
export function several(hop: number, count: number, more: Omit<Hop, "routers"> = {}, special: Special = {}): Hop {
  const own = "routers" in special ? {} : special;
  const others = Array.from({ length: count - 1 }, (_, index) => router(hop, own, index + 1));
  return { routers: [router(hop, own), ...others], ...more };
}

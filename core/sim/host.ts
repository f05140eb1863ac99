import { type Family, type IpAddress, parseAddress } from "../address.ts";
import type { ProbeSocket, SocketSpec } from "../network.ts";
import type { IpPacket } from "../wire/mod.ts";
import { matches } from "./match.ts";
import type { PacketMatch } from "./topology.ts";

/** The host of the simulated network as plain data: its addresses, and what it allows. */
export interface HostProfile {
  /** Source address of each family, default 192.0.2.1 and 2001:db8::1; null: it has none, and no route either. */
  readonly v4?: string | null;
  readonly v6?: string | null;
  /** Default `eth0`. */
  readonly interface?: string;
  /** Octets; default 1500. */
  readonly mtu?: number;
  readonly refusedSockets?: readonly SocketRefusal[];
  /** The chain OUTPUT: the first match decides, what none matches passes. */
  readonly output?: readonly OutputRule[];
  readonly refusedRoutes?: readonly RouteRefusal[];
  /** INPUT lets no ICMP error in (ESTABLISHED without RELATED): only the packet tap sees them. */
  readonly inputDropsIcmpErrors?: boolean;
  /** A packet tap listens beside raw ICMP sockets. Default: only where `inputDropsIcmpErrors`. */
  readonly tap?: boolean;
  /** The kernel stamps what leaves (`departure` arrivals). Default true. */
  readonly departures?: boolean;
  /** How long after `send` a packet really leaves. Default 0. */
  readonly departureDelayMs?: number;
  /** When the kernel sends a dialled SYN again, after the first. Default 1 s, 3 s, 7 s, 15 s, 31 s, 63 s. */
  readonly synRetransmitsMs?: readonly number[];
  /** False: `retransmitFailures()` is undefined, as where /proc is not readable. Default true. */
  readonly countsRetransmitFailures?: boolean;
  /** False: sockets send and receive one packet at a time only (no `Network.openBatch`). Default true. */
  readonly batches?: boolean;
  /** Opening one more socket fails with EMFILE. Default: any number. */
  readonly maxSockets?: number;
}

interface SocketRefusal {
  readonly types: readonly ProbeSocket["type"][];
  readonly families?: readonly Family[];
  /** Of raw sockets: IP protocols. */
  readonly protocols?: readonly number[];
  /** `EPERM` for raw sockets without privilege, `EACCES` for ping sockets outside of ping_group_range. */
  readonly errno: string;
}

export interface OutputRule extends PacketMatch {
  readonly hopLimits?: readonly number[];
  readonly action:
    | { readonly do: "accept" }
    /** `everyNth` 3 drops the third packet that matches, the sixth…; absent: all. */
    | { readonly do: "drop"; readonly everyNth?: number }
    /** `icmp` is port unreachable, `admin-prohibited` its own code. */
    | { readonly do: "reject"; readonly with: "icmp" | "admin-prohibited" | "tcp-reset" };
}

/** A prohibit (EACCES), blackhole (EINVAL) or missing (ENETUNREACH) route. */
interface RouteRefusal {
  readonly families?: readonly Family[];
  /** Addresses as text; absent: all. */
  readonly to?: readonly string[];
  readonly errno: "EACCES" | "EINVAL" | "ENETUNREACH" | "EHOSTUNREACH";
}

/** The host's own addresses, by family. */
export interface HostAddresses {
  readonly 4: IpAddress | undefined;
  readonly 6: IpAddress | undefined;
}

export function hostAddresses({ v4 = "192.0.2.1", v6 = "2001:db8::1" }: HostProfile): HostAddresses {
  const parse = (text: string | null): IpAddress | undefined => {
    const address = text === null ? undefined : parseAddress(text);
    if (text !== null && address === undefined) throw new TypeError(`Cannot give the host the address ${text}`);
    return address;
  };
  return { 4: parse(v4), 6: parse(v6) };
}

export type OutputVerdict = "accept" | "drop" | "icmp" | "admin-prohibited" | "tcp-reset";

/** The host's firewall with its counters. */
export function createOutputChain(rules: readonly OutputRule[]): (ip: IpPacket) => OutputVerdict {
  const seen = new Map<OutputRule, number>();
  return (ip) => {
    for (const rule of rules) {
      if (!matches(rule, ip) || !(rule.hopLimits?.includes(ip.hopLimit) ?? true)) continue;
      const { action } = rule;
      if (action.do === "accept") return "accept";
      if (action.do === "reject") return action.with === "tcp-reset" && ip.protocol !== 6 ? "icmp" : action.with;
      const count = (seen.get(rule) ?? 0) + 1;
      seen.set(rule, count);
      if (count % (action.everyNth ?? 1) === 0) return "drop";
    }
    return "accept";
  };
}

/** The errno with which the kernel refuses to open such a socket; undefined: it opens. */
export function socketRefusal(
  host: HostProfile,
  spec: SocketSpec | { readonly type: "tcp-connect" },
  family: Family,
): string | undefined {
  return host.refusedSockets?.find(
    ({ types, families, protocols }) =>
      types.includes(spec.type) &&
      (families?.includes(family) ?? true) &&
      (protocols === undefined || (spec.type === "raw" && protocols.includes(spec.protocol))),
  )?.errno;
}

/** The errno with which the kernel refuses to send to an address for want of a route; undefined: there is one. */
export function routeRefusal(host: HostProfile, to: IpAddress, source: IpAddress | undefined): string | undefined {
  if (source === undefined) return "ENETUNREACH";
  return host.refusedRoutes?.find(
    ({ families, to: addresses }) => (families?.includes(to.family) ?? true) && (addresses?.includes(to.text) ?? true),
  )?.errno;
}

/** May open what needs no privilege only. */
export const UNPRIVILEGED: HostProfile = {
  refusedSockets: [
    { types: ["raw"], errno: "EPERM" },
    { types: ["ping"], errno: "EACCES" },
  ],
};

/** Lets nothing out but TCP to ports 80 and 443; drops the rest, which senders see as EPERM. */
export const RESTRICTED: HostProfile = {
  output: [{ protocols: ["tcp"], ports: [80, 443], action: { do: "accept" } }, { action: { do: "drop" } }],
};

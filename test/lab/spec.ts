/** A lab as data: a chain host – routers – target of real network namespaces, in IPv4 and IPv6 alike. */
export interface LabSpec {
  /** Positions 1, 2, 3… of the path; each a router or several between which the position before balances by flow. */
  readonly hops: readonly HopSpec[];
  readonly target?: TargetSpec;
  readonly host?: HostSpec;
  readonly dns?: DnsSpec;
}

export type HopSpec = RouterSpec | { readonly routers: readonly RouterSpec[] };

export type Transport = "icmp" | "udp" | "tcp";

/**
 * The kind of the default route, in the kernel's own words. What a tracer sees of a router with one in IPv4:
 * `unreachable` !H, `prohibit` !X, `missing` !N, `blackhole` nothing. In IPv6 `unreachable` is !N too. The kernel sends
 * the IPv4 errors at five at once and one a second thereafter (`ip_error`, a limit for the whole machine that no
 * namespace can lift): see `refuses` for errors without limit.
 */
export type RouteKind = "normal" | "unreachable" | "prohibit" | "blackhole" | "missing";

export interface RouterSpec {
  /** Sends no ICMP of its own: forwards, but never answers. */
  readonly silent?: boolean;
  /** Drops these when they travel towards the target; what comes back passes. */
  readonly filters?: readonly Transport[];
  /** `loop` sends everything for the target back to the position before. */
  readonly route?: RouteKind | "loop";
  /** Answers everything for the target, whatever its hop limit, with this error: `host` !H, `prohibited` !X, `net` !N. */
  readonly refuses?: "host" | "prohibited" | "net";
  /** Octets; of the link on which this position is reached. */
  readonly mtu?: number;
  /** Further rules, each an iptables argument line ("-A FORWARD …"), put before those of `silent` and `filters`. */
  readonly rules?: { readonly v4?: readonly string[]; readonly v6?: readonly string[] };
  /** PTR of the addresses; null for none (NXDOMAIN). Any characters below U+0100 are sent as octets. */
  readonly ptr?: string | null;
}

interface TargetSpec {
  /** Default [443]; a port that is not listed answers RST. */
  readonly tcpPorts?: readonly number[];
  /** Ports that answer each datagram with itself; default none. */
  readonly udpPorts?: readonly number[];
  /** Drops everything that comes in, without a word. */
  readonly silent?: boolean;
}

interface HostSpec {
  readonly firewall?: Firewall;
  /** Who may open ping sockets (`net.ipv4.ping_group_range`); default "none", as the kernel has it. */
  readonly pingGroups?: "none" | "all";
  /** Of the host's default routes through eth1. */
  readonly routes?: HostRoutes;
  /** A way to the target through eth0 too (one router), used only by who binds to eth0 or its addresses. */
  readonly privateUplink?: boolean;
}

export interface HostRoutes {
  readonly v4?: RouteKind;
  readonly v6?: RouteKind;
}

export type Firewall =
  | { readonly kind: "iptables"; readonly name: string; readonly v4: string; readonly v6: string }
  | { readonly kind: "nft"; readonly name: string; readonly ruleset: string };

interface DnsSpec {
  /** `silent` hears the questions and never answers; `none` has no server at the address at all. Default "answer". */
  readonly mode?: "answer" | "silent" | "none";
  /** Besides those of the lab itself. */
  readonly records?: readonly DnsRecord[];
  /** Names whose questions are heard and never answered. */
  readonly silentNames?: readonly string[];
}

export interface DnsRecord {
  readonly name: string;
  readonly type: "A" | "AAAA" | "PTR" | "CNAME" | "TXT";
  /** An address, a text, or a name whose characters below U+0100 are sent as octets. */
  readonly value: string;
}

export function routersOf(hop: HopSpec): readonly RouterSpec[] {
  return "routers" in hop ? hop.routers : [hop];
}

import {
  type Addresses,
  farSide,
  HOST,
  HOST_NETWORK,
  NAME_SERVER,
  nearSide,
  PRIVATE_HOST,
  PRIVATE_NETWORK,
  routerName,
  TARGET,
  UPLINK_FAR,
  UPLINK_NEAR,
} from "./addresses.ts";
import { type HostRoutes, type LabSpec, type RouteKind, type RouterSpec, routersOf, type Transport } from "./spec.ts";

/** What to do in one namespace, once its links exist. */
export interface NamespacePlan {
  /** Paths under /proc/sys/net to values; one that this kernel does not have is passed over. */
  readonly sysctls: readonly (readonly [string, string])[];
  /** Lines for `ip -batch`. */
  readonly ip: readonly string[];
  /** Lines for `ip -6 -batch`: the few commands that do not tell the family by the address. */
  readonly ip6: readonly string[];
  /** Lines for iptables-restore's filter table, in all namespaces but the host's. */
  readonly rules: Readonly<Record<"v4" | "v6", readonly string[]>>;
  /** For `nft -f`. */
  readonly nft?: string;
}

export interface LabPlan {
  /** By short name: "host", "dns", "target", "r1", "r5a"…, "wires". */
  readonly namespaces: ReadonlyMap<string, NamespacePlan>;
  /** Veth pairs: [namespace, interface] twice. */
  readonly links: readonly (readonly [End, End])[];
  /** By position. */
  readonly routers: readonly (readonly PlannedRouter[])[];
}

export interface PlannedRouter extends Addresses {
  readonly name: string;
  readonly spec: RouterSpec;
}

const FAMILIES = ["v4", "v6"] as const;
/** "default" in a batch is IPv4's; these name the family too. */
const DEFAULT: Addresses = { v4: "0.0.0.0/0", v6: "::/0" };

type End = readonly [namespace: string, device: string];

interface Draft {
  readonly sysctls: [string, string][];
  readonly ip: string[];
  readonly ip6: string[];
  readonly rules: { v4: string[]; v6: string[] };
  nft?: string;
}

/** Works out a lab without touching the machine. Throws a RangeError for a spec that cannot be built. */
export function planLab(spec: LabSpec): LabPlan {
  checkSpec(spec);
  const positions = spec.hops.map(routersOf);
  const routers = positions.map((position, index) =>
    position.map((router, lane) => ({
      name: routerName(index, lane, position.length),
      spec: router,
      ...nearSide(index, lane),
    })),
  );
  const drafts = new Map<string, Draft>();
  const links: [End, End][] = [];
  const draft = (name: string): Draft => {
    const known = drafts.get(name);
    if (known !== undefined) return known;
    const fresh: Draft = { sysctls: commonSysctls(), ip: ["link set lo up"], ip6: [], rules: { v4: [], v6: [] } };
    drafts.set(name, fresh);
    return fresh;
  };

  planHost(draft("host"), spec);
  routers.forEach((position, index) => {
    position.forEach((router, lane) => {
      planRouter(draft(router.name), router, { spec, index, lane });
    });
  });
  planTarget(draft("target"), spec, positions.length);
  joinPositions(routers, links, draft, spec);
  planPrivateSide(draft, links, spec);
  return { namespaces: drafts, links, routers };
}

function checkSpec(spec: LabSpec): void {
  if (spec.hops.length > 250) throw new RangeError(`Cannot plan a lab: ${spec.hops.length} hops, at most 250`);
  for (const [index, hop] of spec.hops.entries()) {
    const width = routersOf(hop).length;
    if (width < 1 || width > 26) {
      throw new RangeError(`Cannot plan a lab: hop ${index + 1} has ${width} routers, not 1-26`);
    }
    if (index === 0 && routersOf(hop).some((router) => router.route === "loop")) {
      throw new RangeError("Cannot plan a lab: hop 1 has no router before it to loop with");
    }
  }
}

function commonSysctls(): [string, string][] {
  return [
    ["ipv6/conf/*/disable_ipv6", "0"],
    // Both `all` and the device's must be 0, or duplicate address detection keeps IPv6 silent for a second or two.
    ["ipv6/conf/*/accept_dad", "0"],
    ["ipv6/conf/*/accept_ra", "0"],
    ["ipv4/conf/*/rp_filter", "0"],
    ["ipv4/conf/*/send_redirects", "0"],
    ["ipv4/conf/*/accept_redirects", "0"],
    ["ipv6/conf/*/accept_redirects", "0"],
    // Policy 1 would take the hash that a TCP socket of the host gave its packets: inside one machine it crosses the links,
    // and is another for each socket. Policy 3 reads the fields: addresses, protocol, ports (Linux 5.13).
    ["ipv4/fib_multipath_hash_policy", "3"],
    ["ipv4/fib_multipath_hash_fields", "55"],
    ["ipv6/fib_multipath_hash_policy", "3"],
    ["ipv6/fib_multipath_hash_fields", "55"],
    // Limits on ICMP errors look like packet loss to a tracer. The mask also disarms the limit that older kernels keep
    // for the whole machine instead of for each namespace.
    ["ipv4/icmp_ratelimit", "0"],
    ["ipv4/icmp_ratemask", "0"],
    ["ipv4/icmp_msgs_per_sec", "1000000"],
    ["ipv4/icmp_msgs_burst", "1000000"],
    ["ipv6/icmp/ratelimit", "0"],
    // Else a router answers with the address of the interface it answers through, and shows several addresses.
    ["ipv4/icmp_errors_use_inbound_ifaddr", "1"],
  ];
}

function planHost(host: Draft, spec: LabSpec): void {
  // The same socket-hash everywhere would make all balancers choose alike (6.11 and later can tell them apart).
  host.sysctls.push(["ipv4/fib_multipath_hash_seed", "1"]);
  bringUp(host, "eth1", HOST, mtuAt(spec, 0));
  host.ip.push(...hostRouteLines(spec, spec.host?.routes ?? {}));
}

/** Lines for `ip -batch` that give the host its default routes through eth1. */
export function hostRouteLines(spec: LabSpec, routes: HostRoutes): readonly string[] {
  const width = widthAt(spec, 0);
  return FAMILIES.flatMap((family) => {
    const kind = routes[family] ?? "normal";
    if (kind === "missing") return [];
    if (kind !== "normal") return [`route add ${kind} ${DEFAULT[family]} metric 100`];
    return [`route add ${DEFAULT[family]} metric 100${nextHops(family, 0, width, "eth1")}`];
  });
}

function planRouter(
  router: Draft,
  planned: PlannedRouter,
  { spec, index, lane }: { readonly spec: LabSpec; readonly index: number; readonly lane: number },
): void {
  router.sysctls.push(
    ["ipv4/ip_forward", "1"],
    ["ipv6/conf/all/forwarding", "1"],
    ["ipv4/fib_multipath_hash_seed", String(index + 2)],
  );
  bringUp(router, "near", nearSide(index, lane), mtuAt(spec, index));
  bringUp(router, "far", farSide(index + 1, lane), mtuAt(spec, index + 1));
  const back = farSide(index, lane % widthAt(spec, index - 1));
  if (index > 0) {
    router.ip.push(...FAMILIES.map((family) => `route add ${HOST_NETWORK[family]} via ${back[family]} dev near`));
  }
  router.ip.push(...onward(planned.spec.route ?? "normal", { index, next: widthAt(spec, index + 1), back }));
  if (planned.spec.refuses !== undefined) router.nft = refusal(planned.spec.refuses);
  router.rules.v4.push(...(planned.spec.rules?.v4 ?? []), ...filterRules(planned.spec, "icmp"));
  router.rules.v6.push(...(planned.spec.rules?.v6 ?? []), ...filterRules(planned.spec, "icmpv6"));
}

function onward(
  kind: RouteKind | "loop",
  { index, next, back }: { index: number; next: number; back: Addresses },
): string[] {
  return FAMILIES.flatMap((family) => {
    if (kind === "missing") return [];
    if (kind === "loop") return [`route add ${DEFAULT[family]} via ${back[family]} dev near`];
    if (kind === "normal") return [`route add ${DEFAULT[family]}${nextHops(family, index + 1, next, "far")}`];
    return [`route add ${kind} ${DEFAULT[family]}`];
  });
}

function nextHops(family: "v4" | "v6", position: number, width: number, device: string): string {
  const gateways = Array.from({ length: width }, (_, lane) => nearSide(position, lane)[family]);
  if (gateways.length === 1) return ` via ${gateways[0]} dev ${device}`;
  return gateways.map((gateway) => ` nexthop via ${gateway} dev ${device}`).join("");
}

/** Before routing, because a route of such a kind answers too sparingly, and REJECT in FORWARD only after the hop limit. */
function refusal(kind: "host" | "prohibited" | "net"): string {
  const v4 = { host: "host-unreachable", prohibited: "admin-prohibited", net: "net-unreachable" }[kind];
  const v6 = { host: "addr-unreachable", prohibited: "admin-prohibited", net: "no-route" }[kind];
  return `table inet refusal {
  chain before {
    type filter hook prerouting priority filter;
    ip daddr ${TARGET.v4} reject with icmp type ${v4}
    ip6 daddr ${TARGET.v6} reject with icmpv6 type ${v6}
  }
}`;
}

function filterRules(spec: RouterSpec, icmp: "icmp" | "icmpv6"): string[] {
  const protocol: Readonly<Record<Transport, string>> = { icmp, udp: "udp", tcp: "tcp" };
  const rules = (spec.filters ?? []).map((name) => `-A FORWARD -i near -p ${protocol[name]} -j DROP`);
  if (spec.silent !== true) return rules;
  return [...rules, ...(icmp === "icmpv6" ? discovery("OUTPUT") : []), `-A OUTPUT -p ${icmp} -j DROP`];
}

/** Neighbour discovery (RFC 4861) is ICMPv6 too, and without it there is no IPv6. */
function discovery(chain: "INPUT" | "OUTPUT"): string[] {
  return [135, 136].map((type) => `-A ${chain} -p icmpv6 --icmpv6-type ${type} -j ACCEPT`);
}

function planTarget(target: Draft, spec: LabSpec, hops: number): void {
  const back = farSide(hops, 0);
  bringUp(target, "near", nearSide(hops, 0), mtuAt(spec, hops));
  target.ip.push(`addr add ${TARGET.v4}/32 dev lo`, `addr add ${TARGET.v6}/128 dev lo nodad`);
  // Datagrams that the target sends by itself must come from the address that people know.
  target.ip.push(
    ...FAMILIES.map((family) => `route add ${DEFAULT[family]} via ${back[family]} dev near src ${TARGET[family]}`),
  );
  if (spec.target?.silent === true) {
    target.rules.v4.push("-A INPUT -i near -j DROP");
    target.rules.v6.push(...discovery("INPUT"), "-A INPUT -i near -j DROP");
  }
}

/** A veth where one meets one; a bridge in the namespace "wires" where more meet. */
function joinPositions(
  routers: readonly (readonly PlannedRouter[])[],
  links: [End, End][],
  draft: (name: string) => Draft,
  spec: LabSpec,
): void {
  const sides = [["host"], ...routers.map((position) => position.map((router) => router.name)), ["target"]];
  for (let position = 0; position + 1 < sides.length; position++) {
    const near: End[] = (sides[position] ?? []).map((name) => [name, position === 0 ? "eth1" : "far"]);
    const far: End[] = (sides[position + 1] ?? []).map((name) => [name, "near"]);
    const [first, second, ...more] = [...near, ...far];
    if (first === undefined || second === undefined) continue;
    if (more.length === 0) {
      links.push([first, second]);
      continue;
    }
    const wires = draft("wires");
    wires.sysctls.splice(0, wires.sysctls.length, ["ipv6/conf/*/disable_ipv6", "1"]);
    const bridge = `br${position + 1}`;
    // No snooping: without a multicast querier it would lose IPv6's neighbour solicitations.
    wires.ip.push(`link add ${bridge} type bridge forward_delay 0 mcast_snooping 0`, `link set ${bridge} up`);
    for (const [port, end] of [...near, ...far].entries()) {
      const name = `p${position + 1}-${port}`;
      links.push([end, ["wires", name]]);
      wires.ip.push(`link set ${name} master ${bridge} up${mtuArgument(mtuAt(spec, position))}`);
    }
  }
}

function planPrivateSide(draft: (name: string) => Draft, links: [End, End][], spec: LabSpec): void {
  links.push([
    ["host", "eth0"],
    ["dns", "eth0"],
  ]);
  bringUp(draft("host"), "eth0", PRIVATE_HOST);
  bringUp(draft("dns"), "eth0", NAME_SERVER);
  if (spec.host?.privateUplink !== true) return;
  links.push([
    ["dns", "eth1"],
    ["target", "side"],
  ]);
  const dns = draft("dns");
  dns.sysctls.push(["ipv4/ip_forward", "1"], ["ipv6/conf/all/forwarding", "1"]);
  bringUp(dns, "eth1", UPLINK_NEAR);
  bringUp(draft("target"), "side", UPLINK_FAR);
  for (const family of FAMILIES) {
    dns.ip.push(`route add ${DEFAULT[family]} via ${UPLINK_FAR[family]} dev eth1`);
    draft("target").ip.push(`route add ${PRIVATE_NETWORK[family]} via ${UPLINK_NEAR[family]} dev side`);
    draft("host").ip.push(
      `route add ${DEFAULT[family]} via ${NAME_SERVER[family]} dev eth0 metric 2000`,
      // A packet that already has eth0's address leaves through eth0.
      `route add ${DEFAULT[family]} via ${NAME_SERVER[family]} dev eth0 table 77`,
    );
    draft("host")[family === "v4" ? "ip" : "ip6"].push(`rule add from ${PRIVATE_HOST[family]} table 77`);
  }
}

function bringUp(draft: Draft, device: string, addresses: Addresses, mtu?: number): void {
  draft.ip.push(
    `link set ${device} up${mtuArgument(mtu)}`,
    `addr add ${addresses.v4}/24 dev ${device}`,
    `addr add ${addresses.v6}/64 dev ${device} nodad`,
  );
}

/** The host and the target count as positions of one. */
function widthAt(spec: LabSpec, position: number): number {
  const hop = spec.hops[position];
  return hop === undefined ? 1 : routersOf(hop).length;
}

function mtuAt(spec: LabSpec, position: number): number | undefined {
  const hop = spec.hops[position];
  return hop === undefined ? undefined : routersOf(hop).find((router) => router.mtu !== undefined)?.mtu;
}

function mtuArgument(mtu: number | undefined): string {
  return mtu === undefined ? "" : ` mtu ${mtu}`;
}

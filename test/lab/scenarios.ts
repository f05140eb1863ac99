import {
  noRelated,
  oneInThree,
  outputDrop,
  postroutingNft,
  rejecting,
  restrictedNft,
  restricted as restrictedRules,
} from "./firewalls.ts";
import type { Firewall, HopSpec, HostRoutes, LabSpec } from "./spec.ts";

const TWO: HopSpec = { routers: [{}, {}] };
const THREE: HopSpec = { routers: [{}, {}, {}] };

/** The positions 1 to `count`, all plain but the special ones. */
function positions(count: number, special: Readonly<Record<number, HopSpec>> = {}): readonly HopSpec[] {
  return Array.from({ length: count }, (_, index) => special[index + 1] ?? {});
}

/** The host under `firewall`; the target, open on 443, is hop 4. */
function shortPath(firewall?: Firewall, routes?: HostRoutes): LabSpec {
  const host = { ...(firewall === undefined ? {} : { firewall }), ...(routes === undefined ? {} : { routes }) };
  return { hops: positions(3), host };
}

/** Labs by name. Each builds in a fraction of a second, in IPv4 and IPv6. */
export const SCENARIOS = {
  /** The main job: all refused but TCP 80 and 443; hop 1 silent, hops 4 and 7 wide; the target, open on 443, is hop 12. */
  restricted: (): LabSpec => ({
    hops: positions(11, { 1: { silent: true }, 4: TWO, 7: THREE }),
    host: { firewall: restrictedRules() },
  }),
  /** No rules anywhere; the target is hop 4. */
  plain: (): LabSpec => shortPath(),
  /** Two balanced stretches, no rules; the target is hop 8. */
  balanced: (): LabSpec => ({ hops: positions(7, { 3: TWO, 4: TWO, 6: THREE }) }),
  /** Hop 4 lets no ICMP and no UDP through to the target, hop 8: what lies behind it answers to TCP alone. */
  midPathFilter: (): LabSpec => ({ hops: positions(7, { 4: { filters: ["icmp", "udp"] } }) }),
  /** Hops 3 and 4 say nothing; the target is hop 6. */
  silentMiddle: (): LabSpec => ({ hops: positions(5, { 3: { silent: true }, 4: { silent: true } }) }),

  /** The restricted host in nftables' words. */
  nft: (): LabSpec => shortPath(restrictedNft()),
  /** The same, dropped in the postrouting hook. */
  nftPostrouting: (): LabSpec => shortPath(postroutingNft()),
  /** REJECT with port-unreachable; TCP 443 passes. */
  reject: (): LabSpec => shortPath(rejecting()),
  /** REJECT of everything, with port-unreachable. */
  rejectAll: (): LabSpec => shortPath(rejecting({ tcpToo: true })),
  /** REJECT of everything, with admin-prohibited. */
  rejectProhibited: (): LabSpec => shortPath(rejecting({ answer: "admin-prohibited", tcpToo: true })),
  /** REJECT of everything, TCP with a reset that seems to be the target's. */
  rejectReset: (): LabSpec => shortPath(rejecting({ answer: "tcp-reset", tcpToo: true })),
  /** Each third packet out of eth1 is dropped: no policy, and not to be called one. */
  oneInThree: (): LabSpec => shortPath(oneInThree()),
  /** Nothing leaves through eth1. */
  outputDrop: (): LabSpec => shortPath(outputDrop()),
  /** The routers' answers are dropped on their way in. */
  noRelated: (): LabSpec => shortPath(noRelated()),
  prohibitRoute: (): LabSpec => shortPath(undefined, { v4: "prohibit", v6: "prohibit" }),
  blackholeRoute: (): LabSpec => shortPath(undefined, { v4: "blackhole", v6: "blackhole" }),
  unreachableRoute: (): LabSpec => shortPath(undefined, { v4: "unreachable", v6: "unreachable" }),
  missingRoute: (): LabSpec => shortPath(undefined, { v4: "missing", v6: "missing" }),

  /** The target, hop 4, listens on nothing. */
  closedTarget: (): LabSpec => ({ ...shortPath(), target: { tcpPorts: [] } }),
  /** The target, hop 4, drops all it gets. */
  silentTarget: (): LabSpec => ({ ...shortPath(), target: { silent: true } }),
  /** The target, hop 4, listens on 8443 and 8080, and answers UDP on 33434 and 53. */
  otherPorts: (): LabSpec => ({ ...shortPath(), target: { tcpPorts: [8443, 8080], udpPorts: [33434, 53] } }),
  /** Hop 3 says !H. */
  unreachableTarget: (): LabSpec => ({ hops: positions(4, { 3: { refuses: "host" } }) }),
  /** Hop 3 says !X. */
  prohibitedTarget: (): LabSpec => ({ hops: positions(4, { 3: { refuses: "prohibited" } }) }),
  /** Hop 3 says !N. */
  missingTarget: (): LabSpec => ({ hops: positions(4, { 3: { refuses: "net" } }) }),
  /** Hop 3 has an unreachable route: !H to five IPv4 probes at once, then to one a second; to all IPv6 probes !N. */
  unreachableSparingly: (): LabSpec => ({ hops: positions(4, { 3: { route: "unreachable" } }) }),
  /** Hop 3 sends everything back to hop 2. */
  loop: (): LabSpec => ({ hops: positions(4, { 3: { route: "loop" } }) }),
  /** Hop 3 is reached over a link of 1,400 octets. */
  narrow: (): LabSpec => ({ hops: positions(4, { 3: { mtu: 1400 } }) }),
  /** Under the restricted rules, eth0 leads to the target too: as hop 2, instead of 4. */
  twoUplinks: (): LabSpec => ({ ...shortPath(), host: { firewall: restrictedRules(), privateUplink: true } }),

  /** Routers with control characters, escape sequences, foreign octets, long names or no name in reverse DNS. */
  hostileNames: (): LabSpec => ({
    hops: [
      { ptr: "\u001b[31mred\u001b[0m.lab.example" },
      { ptr: "two\nlines\rback\u0007bell.lab.example" },
      { ptr: "\u001b]0;title\u0007\u009b2J.lab.example" },
      { ptr: "\u00ff\u00fe\u0000\u007f.lab.example" },
      { ptr: Array.from({ length: 3 }, () => "x".repeat(63)).join(".") },
      { ptr: null },
    ],
    // glibc and others refuse such names; whoever asks by hand gets them.
  }),
  /** The name server hears and says nothing. */
  silentDns: (): LabSpec => ({ ...shortPath(), dns: { mode: "silent" } }),
  /** Nothing listens where the name server should be: each question is refused at once. */
  noDns: (): LabSpec => ({ ...shortPath(), dns: { mode: "none" } }),
  /** Reverse names of hops 1 to 3 are never answered, forward names are. IPv6 has no route (for `v6only`). */
  slowReverse: (): LabSpec => ({
    ...shortPath(undefined, { v6: "missing" }),
    dns: { silentNames: ["1.1.18.198.in-addr.arpa", "1.2.18.198.in-addr.arpa", "1.3.18.198.in-addr.arpa"] },
  }),
} as const;

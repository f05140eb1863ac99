import { readFileSync } from "node:fs";
import type { Firewall } from "./spec.ts";

const RESTRICTED_V4 = readFileSync(new URL("./restricted-host.rules", import.meta.url), "utf8");

/**
 * IPv6 cannot live without neighbour discovery (RFC 4861: router and neighbour solicitations and advertisements, ICMPv6
 * types 133-136), which takes the place of ARP, and ARP is no business of iptables: so the IPv6 form of the same rules
 * lets it in and out. Nothing else is added.
 */
const NEIGHBOUR_DISCOVERY = [133, 134, 135, 136]
  .flatMap((type) => ["INPUT", "OUTPUT"].map((chain) => `-A ${chain} -p icmpv6 --icmpv6-type ${type} -j ACCEPT`))
  .join("\n");

function withNeighbourDiscovery(rules: string): string {
  return rules.replace(/(:OUTPUT \w+)\n/, `$1\n${NEIGHBOUR_DISCOVERY}\n`);
}

function iptables(name: string, v4: string, v6 = v4): Firewall {
  return { kind: "iptables", name, v4, v6: withNeighbourDiscovery(v6) };
}

/** Puts lines at the end of the rules, just before COMMIT. */
function appended(rules: string, ...lines: readonly string[]): string {
  return rules.replace(/^COMMIT$/m, `${lines.join("\n")}\nCOMMIT`);
}

/** No rules at all. */
export function open(): Firewall {
  return iptables("open", "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n");
}

/** All chains DROP, eth0 free, out of eth1 only TCP 80 and 443: exactly `restricted-host.rules`. */
export function restricted(): Firewall {
  return iptables("restricted", RESTRICTED_V4);
}

/** As restricted, but out of eth1 only TCP to the ports of proxies, 1080 and 3128. */
export function proxyOnly(): Firewall {
  return iptables("proxy-only", RESTRICTED_V4.replace("--dport 80,443", "--dport 1080,3128"));
}

/** The same policy in nftables' own language. */
export function restrictedNft(): Firewall {
  return {
    kind: "nft",
    name: "restricted-nft",
    ruleset: `table inet restricted {
  chain input {
    type filter hook input priority filter; policy drop;
    icmpv6 type { 133, 134, 135, 136 } accept
    ct state established,related accept
    iif lo accept
    iifname eth0 accept
    iifname eth1 tcp dport 20022 tcp flags & (fin|syn|rst|ack) == syn ct state new accept
  }
  chain forward { type filter hook forward priority filter; policy drop; }
  chain output {
    type filter hook output priority filter; policy drop;
    icmpv6 type { 133, 134, 135, 136 } accept
    ct state established,related accept
    oif lo accept
    oifname eth0 accept
    oifname eth1 tcp dport { 80, 443 } accept
  }
}
`,
  };
}

/** As restricted, but drops in nftables' postrouting hook: later in the way out than iptables' OUTPUT. */
export function postroutingNft(): Firewall {
  return {
    kind: "nft",
    name: "postrouting-nft",
    ruleset: `table inet restricted {
  chain out {
    type filter hook postrouting priority filter; policy drop;
    icmpv6 type { 133, 134, 135, 136 } accept
    ct state established,related accept
    oif lo accept
    oifname eth0 accept
    oifname eth1 tcp dport { 80, 443 } accept
  }
}
`,
  };
}

export interface RejectOptions {
  /** How the host refuses; `tcp-reset` refuses TCP so and all else with port-unreachable. Default port-unreachable. */
  readonly answer?: "port-unreachable" | "admin-prohibited" | "tcp-reset";
  /** Whether TCP to 80 and 443 is refused as well. Default false. */
  readonly tcpToo?: boolean;
}

/** As restricted, but refuses aloud (REJECT) what restricted drops. */
export function rejecting({ answer = "port-unreachable", tcpToo = false }: RejectOptions = {}): Firewall {
  const base = tcpToo ? RESTRICTED_V4.replace(/^-A OUTPUT .*--dports? .*\n/m, "") : RESTRICTED_V4;
  const tcp = answer === "tcp-reset" ? ["-A OUTPUT -p tcp -j REJECT --reject-with tcp-reset"] : [];
  const v4 = answer === "admin-prohibited" ? "icmp-admin-prohibited" : "icmp-port-unreachable";
  const v6 = answer === "admin-prohibited" ? "icmp6-adm-prohibited" : "icmp6-port-unreachable";
  return iptables(
    `reject-${answer}${tcpToo ? "-tcp-too" : ""}`,
    appended(base, ...tcp, `-A OUTPUT -j REJECT --reject-with ${v4}`),
    appended(base, ...tcp, `-A OUTPUT -j REJECT --reject-with ${v6}`),
  );
}

/** Lets everything pass, and tracks all connections, as any rule about their state has the kernel do. */
export function tracking(): Firewall {
  const rules = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n";
  return iptables("tracking", `${rules}-A OUTPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n`);
}

/** Lets everything out except each third packet on eth1 (counted, not drawn): a partial rule, which is no policy. */
export function oneInThree(): Firewall {
  return iptables(
    "one-in-three",
    `*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
-A OUTPUT -o eth1 -m statistic --mode nth --every 3 --packet 0 -j DROP
COMMIT
`,
  );
}

/** Nothing leaves through eth1, not even TCP 443. eth0 stays free, so that names resolve. */
export function outputDrop(): Firewall {
  return iptables("output-drop", RESTRICTED_V4.replace(/^-A OUTPUT .*(--dports? |RELATED).*\n/gm, ""));
}

/** As restricted, but INPUT knows ESTABLISHED only: the SYN-ACK comes in, the routers' answers are dropped. */
export function noRelated(): Firewall {
  return iptables(
    "no-related",
    RESTRICTED_V4.replace("-A INPUT -m state --state RELATED,ESTABLISHED", "-A INPUT -m state --state ESTABLISHED"),
  );
}

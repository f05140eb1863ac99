import type { Check, HostFiles } from "./check.ts";

/**
 * The rules of this host that decide about outgoing probes and their answers, as iptables and nft tell them. Only read;
 * root alone may. A rule that is not wholly understood is shown as it stands.
 */
export async function ruleChecks(files: HostFiles, isRoot: boolean): Promise<readonly Check[]> {
  if (!isRoot) {
    return [{ group: "rules", name: "firewall", state: "unknown", finding: "only root may read the rules" }];
  }
  const [legacy4, legacy6, nft] = await Promise.all([
    files.run("iptables-save", []),
    files.run("ip6tables-save", []),
    files.run("nft", ["list", "ruleset"]),
  ]);
  if (legacy4 === undefined && legacy6 === undefined && nft === undefined) {
    return [{ group: "rules", name: "firewall", state: "unknown", finding: "neither iptables nor nft is installed" }];
  }
  const checks = [
    ...iptablesChecks("IPv4", legacy4 ?? ""),
    ...iptablesChecks("IPv6", legacy6 ?? ""),
    ...nftChecks(nft ?? ""),
  ];
  if (checks.length > 0) return checks;
  return [{ group: "rules", name: "firewall", state: "ok", finding: "no rule about what this host sends or gets" }];
}

/** Chains through which a host's own packets and their answers go. */
const OWN_CHAINS = /^(OUTPUT|POSTROUTING|INPUT)$/;

/** Reads `iptables-save`: the policies and rules of the chains that matter, in words. */
export function iptablesChecks(family: string, saved: string): readonly Check[] {
  const checks: Check[] = [];
  let table = "";
  const policies = new Map<string, string>();
  for (const line of saved.split("\n")) {
    const opened = /^\*(\w+)$/.exec(line)?.[1];
    if (opened !== undefined) {
      table = opened;
      policies.clear();
    }
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (chain !== undefined && policy !== undefined) {
      policies.set(chain, policy);
      if (OWN_CHAINS.test(chain) && policy !== "ACCEPT" && policy !== "-") {
        checks.push(ruleCheck(`${family} ${table} ${chain}`, `what no rule accepts is ${verdictWord(policy)}`, policy));
      }
    }
    const [, ruled, rule] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    if (ruled === undefined || rule === undefined || !OWN_CHAINS.test(ruled)) continue;
    checks.push(ruleCheck(`${family} ${table} ${ruled}`, ruleInWords(rule), /-j (\S+)/.exec(rule)?.[1] ?? ""));
  }
  return checks;
}

/** `-o eth1 -p tcp -m multiport --dports 80,443 -j ACCEPT` → `tcp to port 80,443 out of eth1: accepted`. */
export function ruleInWords(rule: string): string {
  const words = rule.split(/\s+/);
  const parts: string[] = [];
  let verdict = "goes on";
  for (let at = 0; at < words.length; at += 1) {
    const option = words[at] ?? "";
    const value = (): string => {
      at += 1;
      return words[at] ?? "";
    };
    switch (option) {
      case "!":
        parts.push("not");
        break;
      case "-p":
        parts.push(value());
        break;
      case "-o":
        parts.push(`out of ${value()}`);
        break;
      case "-i":
        parts.push(`in by ${value()}`);
        break;
      case "-s":
        parts.push(`from ${value()}`);
        break;
      case "-d":
        parts.push(`to ${value()}`);
        break;
      case "--dport":
      case "--dports":
        parts.push(`to port ${value()}`);
        break;
      case "--sport":
      case "--sports":
        parts.push(`from port ${value()}`);
        break;
      case "--ctstate":
      case "--state":
        parts.push(`of ${value().toLowerCase().replaceAll(",", " or ")} connections`);
        break;
      case "--uid-owner":
        parts.push(`of user ${value()}`);
        break;
      case "-m":
        value();
        break;
      case "-j":
        verdict = verdictWord(value());
        break;
      case "--reject-with":
        verdict += ` with ${value()}`;
        break;
      default:
        if (option !== "") parts.push(option);
    }
  }
  return `${parts.length === 0 ? "everything" : parts.join(" ")}: ${verdict}`;
}

function verdictWord(target: string): string {
  const words: Readonly<Record<string, string>> = {
    ACCEPT: "accepted",
    DROP: "dropped",
    REJECT: "rejected",
    RETURN: "goes back",
  };
  return words[target] ?? `goes to ${target}`;
}

function ruleCheck(name: string, finding: string, target: string): Check {
  return { group: "rules", name, state: target === "DROP" || target === "REJECT" ? "limited" : "ok", finding };
}

/** Reads `nft list ruleset`: the rules of base chains at the hooks that matter, in nft's own words. iptables' own tables are left to iptables. */
export function nftChecks(ruleset: string): readonly Check[] {
  const checks: Check[] = [];
  let table = "";
  let chain = "";
  let hook: string | undefined;
  let isForeign = false;
  for (const raw of ruleset.split("\n")) {
    const line = raw.trim();
    if (line.startsWith("# Warning: table") && line.includes("iptables-nft")) isForeign = true;
    const opened = /^table (\w+ \S+) \{$/.exec(line)?.[1];
    if (opened !== undefined) {
      isForeign = isForeign || /^ip6? (filter|nat|mangle|raw|security)$/.test(opened);
      table = opened;
      continue;
    }
    if (raw === "}") isForeign = false;
    const begun = /^chain (\S+) \{$/.exec(line)?.[1];
    if (begun !== undefined) {
      chain = begun;
      hook = undefined;
      continue;
    }
    const base = /^type \w+ hook (output|postrouting|input|egress)\b.*?(?:policy (\w+);)?$/.exec(line);
    if (base !== null) {
      hook = base[1];
      if (base[2] === "drop" && !isForeign) {
        checks.push({
          group: "rules",
          name: `${table} ${chain}`,
          state: "limited",
          finding: `${hook}: what no rule accepts is dropped`,
        });
      }
      continue;
    }
    if (line === "}") hook = undefined;
    if (hook === undefined || isForeign || line === "" || line.startsWith("#")) continue;
    const isRefusal = /\b(drop|reject)\b/.test(line);
    checks.push({
      group: "rules",
      name: `${table} ${chain}`,
      state: isRefusal ? "limited" : "ok",
      finding: `${hook}: ${line}`,
    });
  }
  return checks;
}

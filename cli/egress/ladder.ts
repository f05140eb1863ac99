import {
  type EgressFinding,
  type EgressReport,
  OPERATORS_PORTS,
  type ProtocolPlugin,
  type Rung,
} from "../../core/mod.ts";

/** How many ports that the ladder lacks are added to it. */
const MOST_ADDED = 2;
/** Likeliest to be let out, and to be open at the other end, first. */
const PREFERRED: readonly number[] = [443, 80, 22, 53, 8443, 8080, 25, 993, 587];

/** The protocols of rungs that probes of egress can speak for. */
function kindOf({ name }: ProtocolPlugin): EgressFinding["protocol"] | undefined {
  if (name === "icmp" || name === "udp") return name;
  return name.startsWith("tcp-") ? "tcp" : undefined;
}

const portOf = ({ plugin, port }: Rung): number => port || (plugin.defaultPort ?? 0);

/** The ports worth a probe: those that operators care for, and those of the ladder. */
export function portsToTry(ladder: readonly Rung[]): readonly number[] {
  const own = ladder.flatMap((rung) => (kindOf(rung.plugin) === undefined ? [] : portOf(rung) || []));
  return [...new Set([...OPERATORS_PORTS, ...own])].sort((a, b) => a - b);
}

/**
 * The ladder in the order of what this host lets out: what leaves first, then what nothing is known of, then what is
 * refused. Where no TCP rung leaves, allowed ports are added to each TCP protocol of the ladder.
 */
export function reorder(ladder: readonly Rung[], { findings }: EgressReport): readonly Rung[] {
  const stateOf = (rung: Rung): EgressFinding["state"] => {
    const kind = kindOf(rung.plugin);
    const port = kind === "icmp" ? null : portOf(rung);
    return findings.find((each) => each.protocol === kind && each.port === port)?.state ?? "unknown";
  };
  const all = [...ladder, ...added(ladder, findings, stateOf)];
  const rank = (rung: Rung): number => ["out", "unknown", "refused"].indexOf(stateOf(rung));
  return all
    .map((rung, at) => ({ rung, at }))
    .sort((a, b) => rank(a.rung) - rank(b.rung) || a.at - b.at)
    .map(({ rung }) => rung);
}

function added(
  ladder: readonly Rung[],
  findings: readonly EgressFinding[],
  stateOf: (rung: Rung) => EgressFinding["state"],
): readonly Rung[] {
  const tcp = ladder.filter(({ plugin }) => kindOf(plugin) === "tcp");
  if (tcp.length === 0 || tcp.some((rung) => stateOf(rung) === "out")) return [];
  const open = findings.flatMap(({ protocol, port, state }) =>
    protocol === "tcp" && state === "out" && port !== null ? [port] : [],
  );
  const place = (port: number): number => (PREFERRED.includes(port) ? PREFERRED.indexOf(port) : PREFERRED.length);
  const best = open.sort((a, b) => place(a) - place(b) || a - b).slice(0, MOST_ADDED);
  const plugins = [...new Set(tcp.map(({ plugin }) => plugin))];
  return plugins.flatMap((plugin) => best.map((port) => ({ plugin, port })));
}

/** `icmp; tcp 80,443`, or `nothing`. */
export function letOut({ findings }: EgressReport): string {
  const parts = (["icmp", "udp", "tcp"] as const).flatMap((protocol) => {
    const out = findings.filter((each) => each.protocol === protocol && each.state === "out");
    const tried = findings.filter((each) => each.protocol === protocol);
    if (out.length === 0) return [];
    if (protocol === "icmp") return ["icmp"];
    return [
      out.length === tried.length
        ? `all ${protocol} that was tried`
        : `${protocol} ${out.map(({ port }) => port).join(",")}`,
    ];
  });
  return parts.length === 0 ? "nothing that was tried" : parts.join("; ");
}

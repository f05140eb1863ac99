import type { End, Probing } from "../../../test/truth/case.ts";
import type { Claim, HopClaim } from "../../../test/truth/judge.ts";
import { type Peer, QUERIES, WAIT_S } from "./peer.ts";

interface Trace {
  readonly type?: string;
  readonly stop_reason?: string;
  readonly stop_data?: number;
  readonly attempts?: number;
  readonly hop_count?: number;
  readonly hops?: readonly {
    readonly addr: string;
    readonly probe_ttl: number;
    readonly icmp_type?: number;
    readonly icmp_code?: number;
    readonly icmpext?: readonly {
      readonly ie_cn: number;
      readonly ie_ct: number;
      readonly mpls_labels?: readonly Label[];
    }[];
  }[];
}

interface Label {
  readonly mpls_label: number;
  readonly mpls_exp: number;
  readonly mpls_s: number;
  readonly mpls_ttl: number;
}

const scamper = (method: string, probing: Probing): Peer => ({
  name: `scamper ${method}`,
  program: "scamper",
  probing,
  argv: (target) => {
    const port = probing === "tcp" ? "-d 443 " : "";
    const trace = `trace -P ${method} ${port}-q ${QUERIES} -Q -w ${WAIT_S} -W 2 -m 30 ${target}`;
    return ["scamper", "-O", "json", "-I", trace];
  },
  read(stdout) {
    for (const line of stdout.split("\n")) {
      if (!line.startsWith("{")) continue;
      const trace = JSON.parse(line) as Trace;
      if (trace.type === "trace") return [claimOf(trace)];
    }
    return undefined;
  },
});

function claimOf({ hops = [], hop_count: count = 0, stop_reason: reason, attempts = QUERIES }: Trace): Claim {
  const byHop = new Map<number, HopClaim>();
  for (let hop = 1; hop <= count; hop += 1) byHop.set(hop, { hop, answers: [], unanswered: attempts });
  for (const { addr, probe_ttl: hop, icmp_type: type, icmp_code: code, icmpext = [] } of hops) {
    const known = byHop.get(hop) ?? { hop, answers: [], unanswered: attempts };
    const mpls = icmpext.flatMap(({ mpls_labels: labels = [] }) => labels).map(labelOf);
    const icmp = type === undefined || code === undefined ? {} : { icmp: { type, code } };
    const answers = [...known.answers, { address: addr, mpls, ofPath: true, ...icmp }];
    byHop.set(hop, { hop, answers, unanswered: Math.max(0, attempts - answers.length) });
  }
  const all = [...byHop.values()];
  const end = endOf(reason, all);
  return { hops: all, ...(end !== undefined && { end }) };
}

const labelOf = ({ mpls_label: label, mpls_exp: trafficClass, mpls_s: bottom, mpls_ttl: ttl }: Label) => ({
  label,
  trafficClass,
  bottomOfStack: bottom === 1,
  ttl,
});

function endOf(reason: string | undefined, hops: readonly HopClaim[]): End | undefined {
  const answered = hops.filter(({ answers }) => answers.length > 0).map(({ hop }) => hop);
  const last = Math.max(0, ...answered);
  if (reason === "COMPLETED") return `reached ${last}`;
  if (reason === "UNREACH") return `unreachable ${last}`;
  if (reason === "GAPLIMIT") return `silent ${last}`;
  return reason === "LOOP" || reason === "HOPLIMIT" ? "endless" : undefined;
}

export const scampers: readonly Peer[] = [
  scamper("udp-paris", "udp"),
  scamper("icmp-paris", "icmp"),
  scamper("tcp", "tcp"),
];

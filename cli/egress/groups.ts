import type { EgressFinding, EgressProtocol } from "../../core/mod.ts";

/** Ports of one protocol that met the same end. */
export interface EgressGroup {
  readonly protocol: EgressProtocol;
  readonly state: EgressFinding["state"];
  /** The errno, or what else it is known by. */
  readonly why: string;
  /** Empty for ICMP. */
  readonly ports: readonly number[];
  /** All ports of this protocol that were tried, but those of the groups before. */
  readonly isRest: boolean;
}

/** The findings of one protocol in as few lines as say it all: what is let out first, the greatest group last, as "all other". */
export function groupFindings(findings: readonly EgressFinding[]): readonly EgressGroup[] {
  const groups: EgressGroup[] = [];
  for (const protocol of new Set(findings.map((each) => each.protocol))) {
    const byEnd = new Map<string, EgressFinding[]>();
    for (const each of findings.filter((finding) => finding.protocol === protocol)) {
      const key = `${each.state} ${wordsFor(each)}`;
      byEnd.set(key, [...(byEnd.get(key) ?? []), each]);
    }
    const sorted = [...byEnd.values()].sort((a, b) => rank(a) - rank(b) || a.length - b.length);
    const greatest = sorted.reduce((best, each) => (each.length >= best.length ? each : best), sorted[0] ?? []);
    const inOrder = [...sorted.filter((each) => each !== greatest), greatest];
    for (const each of inOrder) {
      const [first] = each;
      if (first === undefined) continue;
      const ports = each.flatMap(({ port }) => (port === null ? [] : [port]));
      groups.push({
        protocol,
        state: first.state,
        why: wordsFor(first),
        ports,
        isRest: each === greatest && inOrder.length > 1,
      });
    }
  }
  return groups;
}

const rank = ([first]: readonly EgressFinding[]): number =>
  ["out", "unknown", "refused"].indexOf(first?.state ?? "unknown");

export function wordsFor({ state, evidence, errno, answeredBy }: EgressFinding): string {
  switch (evidence) {
    case "answered":
      return answeredBy === null ? "answered" : `${answeredBy.text} answers`;
    case "departed":
      return "it left this host; nobody answers";
    case "errno":
      return errno ?? "refused";
    case "local-reject":
      return "this host answers with a REJECT";
    case "counter":
      return state === "out"
        ? "it left this host, by TCPRetransFail; nobody answers"
        : "dropped by this host, by TCPRetransFail";
    case "silence":
      return "nothing came back, and nothing tells whether it left";
  }
}

import type { Effect, MplsLabel } from "../../core/probe.ts";
import type { End, Probing } from "./case.ts";
import type { AnswerClaim, Claim, HopClaim } from "./judge.ts";

/** The parts of nettrace's JSON documents that say something of the path (docs/schema). */
interface Document {
  readonly winner: number | null;
  readonly attempts: readonly AttemptDocument[];
}

interface AttemptDocument {
  readonly protocol: string;
  readonly port: number | null;
  readonly mode: string | null;
  readonly verdict: string | null;
  readonly sent: number;
  readonly unattributed_answers: number;
  readonly trace: TraceDocument | null;
}

interface TraceDocument {
  readonly outcome: string | null;
  readonly target_hop: number | null;
  readonly hops: readonly { readonly hop: number; readonly probes: readonly ProbeDocument[] }[];
}

interface ProbeDocument {
  readonly state: string;
  readonly address: string | null;
  readonly effect?: Effect;
  readonly icmp?: { readonly type: number; readonly code: number } | null;
  readonly mpls?: readonly {
    readonly label: number;
    readonly traffic_class: number;
    readonly bottom_of_stack: boolean;
    readonly ttl: number;
  }[];
  readonly flow: number;
}

/** What nettrace printed of the path that it shows, and how it came by it. */
export interface Printed {
  readonly claim: Claim;
  readonly probing: Probing;
  readonly port: number;
  readonly quotesMustFit: boolean;
  readonly admitsGaps: boolean;
  readonly sent: number;
}

const PROBING: Readonly<Record<string, Probing>> = { icmp: "icmp", udp: "udp", "tcp-syn": "tcp", "tcp-connect": "tcp" };

/** Reads a document of `auto` or `trace`; undefined where it shows no path. Throws a SyntaxError on anything but JSON. */
export function printedBy(stdout: string): Printed | undefined {
  const { attempts, winner } = JSON.parse(stdout) as Document;
  const attempt = attempts[winner ?? -1];
  if (attempt === undefined || attempt.trace === null) return undefined;
  const { protocol, port, mode, unattributed_answers: unattributed, sent, trace, verdict } = attempt;
  const end = verdict === "abandoned" ? undefined : endOf(trace);
  return {
    claim: { hops: trace.hops.map(hopOf), ...(end !== undefined && { end }) },
    probing: PROBING[protocol] ?? "icmp",
    port: port ?? 0,
    quotesMustFit: !/raw/.test(mode ?? ""),
    admitsGaps: unattributed > 0,
    sent,
  };
}

function hopOf({ hop, probes }: TraceDocument["hops"][number]): HopClaim {
  return {
    hop,
    answers: probes.flatMap((probe) => answerOf(probe) ?? []),
    unanswered: probes.filter(({ state }) => state === "lost").length,
    unfinished: probes.some(({ state }) => state === "abandoned"),
  };
}

function answerOf({ address, effect, icmp, mpls = [], flow }: ProbeDocument): AnswerClaim | undefined {
  if (address === null || effect === undefined) return undefined;
  const labels: readonly MplsLabel[] = mpls.map(({ label, traffic_class, bottom_of_stack, ttl }) => ({
    label,
    trafficClass: traffic_class,
    bottomOfStack: bottom_of_stack,
    ttl,
  }));
  return { address, effect, mpls: labels, ofPath: flow === 0, ...(icmp && { icmp }) };
}

function endOf({ outcome, target_hop, hops }: TraceDocument): End | undefined {
  const answered = hops.filter(({ probes }) => probes.some(({ address }) => address !== null)).map(({ hop }) => hop);
  switch (outcome) {
    case "reached":
      return `reached ${target_hop ?? 0}`;
    case "unreachable":
      return `unreachable ${hops.at(-1)?.hop ?? 0}`;
    case "silent":
      return `silent ${Math.max(0, ...answered)}`;
    case "max-hops":
      return "endless";
    default:
      return undefined;
  }
}

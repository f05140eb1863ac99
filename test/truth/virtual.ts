import type { Family } from "../../core/address.ts";
import { type Attempt, auto, type Path, type Rung } from "../../core/mod.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork } from "../../core/sim/network.ts";
import { endpointOf } from "../../core/sim/topologies.ts";
import type { TraceOptions } from "../../core/tracer/options.ts";
import type { End, Probing, TruthCase } from "./case.ts";
import { type Claim, type Fault, type Finding, judge } from "./judge.ts";
import { truthOf } from "./oracle.ts";
import { faultsOfWire, type Said, type WireFault } from "./wire.ts";

export interface VirtualTrace {
  readonly subject: TruthCase;
  readonly family: Family;
  readonly ladder: readonly Rung[];
  readonly host: HostProfile;
  readonly seed: number;
  readonly trace: Partial<TraceOptions>;
}

export interface VirtualResult {
  readonly findings: readonly { readonly fault: Fault | WireFault; readonly detail: string }[];
  readonly probes: number;
  readonly attempts: readonly Attempt[];
  readonly winner: Attempt | undefined;
}

const PROBING: Readonly<Record<string, Probing>> = { icmp: "icmp", udp: "udp", "tcp-syn": "tcp", "tcp-connect": "tcp" };

/** Traces a path in the virtual clock, and holds what is said of it against what it is. */
export async function traceVirtually(given: VirtualTrace): Promise<VirtualResult> {
  const { subject, family, ladder, host, seed, trace } = given;
  using network = createSimNetwork(subject.topology, { seed, host });
  const target = endpointOf(subject.topology, family, 0).address;
  const said: Said[] = [];
  let attempts: readonly Attempt[] = [];
  let winner: Attempt | undefined;
  for await (const event of auto(network, { target, ladder, trace })) {
    if (event.type === "trace") said.push({ by: event.attempt, event: event.event });
    if (event.type === "finished") ({ attempts, winner } = event);
  }
  const findings = attempts.flatMap((attempt) => {
    if (attempt.path.sent === 0) return [];
    const quotesMustFit = !/raw/.test(attempt.mode ?? "");
    const kind = { probing: PROBING[attempt.protocol] ?? "icmp", family, port: attempt.port ?? 0, quotesMustFit };
    const isWhole = attempt.verdict !== "abandoned" && (attempts.length === 1 || attempt === winner);
    const judged = judge(claimOf(attempt.path, isWhole), truthOf(subject.topology, kind), {
      chancy: subject.chancy === true,
      admitsGaps: attempt.unattributed > 0,
    });
    return judged.map((each) => named(each, attempt));
  });
  return {
    findings: [...findings, ...faultsOfWire(network, said, subject.topology)],
    probes: network.sent.length,
    attempts,
    winner,
  };
}

const named = <F extends Finding>(finding: F, { protocol, mode }: Attempt): F => ({
  ...finding,
  detail: `${protocol} (${mode}): ${finding.detail}`,
});

export function claimOf(path: Path, isWhole: boolean): Claim {
  const hops = path.hops().map(({ hop, probes }) => ({
    hop,
    answers: probes.flatMap(({ reply, probe }) =>
      reply === undefined
        ? []
        : [
            {
              address: reply.from.text,
              effect: reply.effect,
              ...(reply.icmp && { icmp: reply.icmp }),
              mpls: reply.mpls ?? [],
              ofPath: probe.flow === 0,
            },
          ],
    ),
    unanswered: probes.filter(({ state }) => state === "lost").length,
    unfinished: probes.some(({ state }) => state === "abandoned"),
  }));
  const end = endOf(path);
  return { hops, ...(isWhole && end !== undefined && { end }) };
}

function endOf(path: Path): End | undefined {
  switch (path.outcome) {
    case "reached":
      return `reached ${path.targetHop ?? 0}`;
    case "unreachable":
      return `unreachable ${path.endHop ?? 0}`;
    case "silent":
      return `silent ${path.farthestHop ?? 0}`;
    case "max-hops":
      return "endless";
    default:
      return undefined;
  }
}

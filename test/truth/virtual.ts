import type { Family } from "../../core/address.ts";
import { addressFromBytes } from "../../core/address.ts";
import { type Attempt, type AutoEvent, auto, type Path, type Rung, type TraceEvent, wire } from "../../core/mod.ts";
import { flowKey } from "../../core/sim/balance.ts";
import type { HostProfile } from "../../core/sim/host.ts";
import { createSimNetwork, type SimNetwork } from "../../core/sim/network.ts";
import { payloadIsSound } from "../../core/sim/node.ts";
import { endpointOf } from "../../core/sim/topologies.ts";
import type { TraceOptions } from "../../core/tracer/options.ts";
import type { End, Probing, TruthCase } from "./case.ts";
import { type Claim, type Fault, type Finding, judge } from "./judge.ts";
import { truthOf } from "./oracle.ts";

export interface VirtualTrace {
  readonly subject: TruthCase;
  readonly family: Family;
  readonly ladder: readonly Rung[];
  readonly host: HostProfile;
  readonly seed: number;
  readonly trace: Partial<TraceOptions>;
}

/** What the events of a trace say of single probes that the wire does not. */
export type WireFault =
  /** an answer that this probe did not meet */
  | "foreign answer"
  /** an RTT that is not from its departure to its arrival */
  | "wrong RTT"
  /** an answer with a wrong checksum was believed */
  | "spoilt answer"
  /** answered before it was given up */
  | "unnoticed answer"
  /** another flow than the path's */
  | "strayed flow";

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
  const events: (AutoEvent & { type: "trace" })[] = [];
  let attempts: readonly Attempt[] = [];
  let winner: Attempt | undefined;
  for await (const event of auto(network, { target, ladder, trace })) {
    if (event.type === "trace") events.push(event);
    if (event.type === "finished") ({ attempts, winner } = event);
  }
  const findings = attempts.flatMap((attempt) => {
    if (attempt.path.sent === 0) return [];
    const quotesMustFit = !/raw/.test(attempt.mode ?? "");
    const kind = { probing: PROBING[attempt.protocol] ?? "icmp", family, port: attempt.port ?? 0, quotesMustFit };
    const isWhole = attempt.verdict !== "abandoned" && (attempts.length === 1 || attempt === winner);
    const said = judge(claimOf(attempt.path, isWhole), truthOf(subject.topology, kind), {
      chancy: subject.chancy === true,
      admitsGaps: attempt.unattributed > 0,
    });
    return said.map((each) => named(each, attempt));
  });
  return {
    findings: [...findings, ...faultsOfWire(network, events, subject)],
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

interface OnWire {
  readonly flow: string;
  readonly hopLimit: number;
  readonly answers: readonly { readonly sentAtMs: number; readonly atMs: number; readonly packet: Uint8Array }[];
}

/** Each probe as it left, with all that came back of it and of the kernel's repetitions. */
function probesOnWire({ sent }: SimNetwork): readonly OnWire[] {
  const byPacket = new Map<Uint8Array, (typeof sent)[number][]>();
  for (const each of sent) byPacket.set(each.packet, [...(byPacket.get(each.packet) ?? []), each]);
  return [...byPacket.values()].map((copies) => {
    const [first] = copies;
    const ip = first && wire.parseIp(first.packet);
    return {
      flow: ip === undefined ? "" : flowKey(ip, { icmp: true }),
      hopLimit: first?.hopLimit ?? 0,
      answers: copies.flatMap(({ atMs: sentAtMs, answers }) => answers.map((each) => ({ sentAtMs, ...each }))),
    };
  });
}

function faultsOfWire(network: SimNetwork, events: readonly (AutoEvent & { type: "trace" })[], subject: TruthCase) {
  const findings: { fault: WireFault; detail: string }[] = [];
  const isSpoilt = JSON.stringify(subject.topology).includes('"corrupt"');
  const onWire = probesOnWire(network);
  const target = new Set([subject.topology.target.v4, subject.topology.target.v6]);
  /** A TCP segment from an address that nobody spoke to belongs to no connection. */
  const isHeard = (packet: Uint8Array): boolean => {
    const ip = wire.parseIp(packet);
    return ip !== undefined && (ip.protocol !== 6 || target.has(addressFromBytes(ip.source).text));
  };
  const flows = new Map<Attempt, string>();
  const known = new Map<Attempt, Map<number, OnWire>>();
  const unnoticed = new Map<Attempt, number>();
  let departed = 0;
  for (const { attempt, event } of events) {
    const probes = known.get(attempt) ?? new Map<number, OnWire>();
    known.set(attempt, probes);
    const find = (fault: WireFault, what: string): void => {
      const at = "probe" in event ? `hop limit ${event.probe.hopLimit}: ` : "";
      findings.push({ fault, detail: `${attempt.protocol} (${attempt.mode}): ${at}${what}` });
    };
    if (event.type === "sent") {
      const packet = onWire[departed];
      departed += 1;
      if (packet === undefined || packet.hopLimit !== event.probe.hopLimit) throw new Error("Cannot follow the probes");
      probes.set(event.probe.sequence, packet);
      if (event.probe.flow !== 0 || attempt.mode?.includes("varying ports") === true) continue;
      const flow = flows.get(attempt) ?? packet.flow;
      flows.set(attempt, flow);
      if (flow !== packet.flow) find("strayed flow", packet.flow);
    } else if (event.type === "reply" || event.type === "late" || event.type === "duplicate") {
      const fault = faultOfAnswer(event, probes.get(event.probe.sequence));
      if (fault !== undefined) find(fault, event.reply.from.text);
    } else if (event.type === "lost" && !event.abandoned && !isSpoilt) {
      const met = probes
        .get(event.probe.sequence)
        ?.answers.some((each) => each.atMs < event.atMs && isHeard(each.packet));
      if (met === true) unnoticed.set(attempt, (unnoticed.get(attempt) ?? 0) + 1);
    }
  }
  for (const [attempt, count] of unnoticed) {
    const isDisguised = subject.topology.hops.some(({ routers }) =>
      routers.some(({ nat }) => nat?.restoresQuotes === false),
    );
    // What it says it could not tell apart is no claim of loss; what the kernel keeps from it, it cannot notice.
    if (count <= attempt.unattributed || (isDisguised && !/raw/.test(attempt.mode ?? ""))) continue;
    findings.push({ fault: "unnoticed answer", detail: `${attempt.protocol} (${attempt.mode}): ${count}` });
  }
  return findings;
}

const NEAR_MS = 1e-6;

function faultOfAnswer(
  { reply, atMs, rttMs }: TraceEvent & { type: "reply" | "late" | "duplicate" },
  probe: OnWire | undefined,
): WireFault | undefined {
  const same = probe?.answers.filter(({ atMs: cameAtMs, packet }) => {
    const ip = wire.parseIp(packet);
    return (
      ip !== undefined && Math.abs(cameAtMs - atMs) < NEAR_MS && addressFromBytes(ip.source).text === reply.from.text
    );
  });
  const [answer] = same ?? [];
  if (answer === undefined) return "foreign answer";
  const ip = wire.parseIp(answer.packet);
  if (ip === undefined || !payloadIsSound(ip)) return "spoilt answer";
  if (rttMs === undefined) return undefined;
  return same?.some(({ atMs: cameAtMs, sentAtMs }) => Math.abs(rttMs - (cameAtMs - sentAtMs)) < NEAR_MS)
    ? undefined
    : "wrong RTT";
}

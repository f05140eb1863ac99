import { addressFromBytes } from "../../core/address.ts";
import { type TraceEvent, wire } from "../../core/mod.ts";
import { flowKey } from "../../core/sim/balance.ts";
import type { SimNetwork } from "../../core/sim/network.ts";
import { payloadIsSound } from "../../core/sim/node.ts";
import type { Topology } from "../../core/sim/topology.ts";

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

export interface WireFinding {
  readonly fault: WireFault;
  readonly detail: string;
}

/** Who traces: an attempt of `auto`, or a run of a driver. */
export interface Tracer {
  readonly protocol: string;
  readonly mode: string | null;
  /** Answers that it says it could not tell apart. */
  readonly unattributed: number;
}

/** An event of one of the traces on a network. */
export interface Said {
  readonly by: Tracer;
  readonly event: TraceEvent;
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

/** Holds all that was said, in its order, against what was on the wire. */
export function faultsOfWire(network: SimNetwork, all: readonly Said[], topology: Topology): readonly WireFinding[] {
  const findings: WireFinding[] = [];
  const isSpoilt = JSON.stringify(topology).includes('"corrupt"');
  const onWire = probesOnWire(network);
  const target = new Set([topology.target.v4, topology.target.v6]);
  /** A TCP segment from an address that nobody spoke to belongs to no connection. */
  const isHeard = (packet: Uint8Array): boolean => {
    const ip = wire.parseIp(packet);
    return ip !== undefined && (ip.protocol !== 6 || target.has(addressFromBytes(ip.source).text));
  };
  const flows = new Map<Tracer, string>();
  const known = new Map<Tracer, Map<number, OnWire>>();
  const unnoticed = new Map<Tracer, number>();
  let departed = 0;
  for (const { by, event } of all) {
    const probes = known.get(by) ?? new Map<number, OnWire>();
    known.set(by, probes);
    const find = (fault: WireFault, what: string): void => {
      const at = "probe" in event ? `hop limit ${event.probe.hopLimit}: ` : "";
      findings.push({ fault, detail: `${by.protocol} (${by.mode}): ${at}${what}` });
    };
    if (event.type === "sent") {
      const packet = onWire[departed];
      departed += 1;
      if (packet === undefined || packet.hopLimit !== event.probe.hopLimit) throw new Error("Cannot follow the probes");
      probes.set(event.probe.sequence, packet);
      if (event.probe.flow !== 0 || by.mode?.includes("varying ports") === true) continue;
      const flow = flows.get(by) ?? packet.flow;
      flows.set(by, flow);
      if (flow !== packet.flow) find("strayed flow", packet.flow);
    } else if (event.type === "reply" || event.type === "late" || event.type === "duplicate") {
      const fault = faultOfAnswer(event, probes.get(event.probe.sequence));
      if (fault !== undefined) find(fault, event.reply.from.text);
    } else if (event.type === "lost" && !event.abandoned && !isSpoilt) {
      const met = probes
        .get(event.probe.sequence)
        ?.answers.some((each) => each.atMs < event.atMs && isHeard(each.packet));
      if (met === true) unnoticed.set(by, (unnoticed.get(by) ?? 0) + 1);
    }
  }
  for (const [by, count] of unnoticed) {
    const isDisguised = topology.hops.some(({ routers }) => routers.some(({ nat }) => nat?.restoresQuotes === false));
    // What it says it could not tell apart is no claim of loss; what the kernel keeps from it, it cannot notice.
    if (count <= by.unattributed || (isDisguised && !/raw/.test(by.mode ?? ""))) continue;
    findings.push({ fault: "unnoticed answer", detail: `${by.protocol} (${by.mode}): ${count}` });
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

import {
  type Answers,
  type Attempt,
  formatAddress,
  type Hop,
  type HopProbe,
  loopOf,
  type MplsLabel,
  type Names,
} from "../../core/mod.ts";
import { EXIT_MEANINGS } from "../exit-codes.ts";
import { printableJson } from "../printable.ts";
import { exitCodeOf, type RunEnd, type RunHead, type SmallProbes } from "../result.ts";
import { type FinishedRun, rounded } from "./formats/run.ts";

/** The document of a run. Its shape is promised by docs/schema. */
export function json({ head, end, names }: FinishedRun): string {
  return `${printableJson(runDocument(head, end, names))}\n`;
}

function runDocument(head: RunHead, end: RunEnd, names: Names): object {
  const { attempts, winner } = end;
  const code = exitCodeOf(end);
  return {
    schema: `nettrace.${head.command}/1`,
    ...headDocument(head),
    duration_ms: rounded(end.durationMs),
    exit: { code, meaning: EXIT_MEANINGS[code] ?? null },
    attempts: attempts.map((attempt) => attemptDocument(attempt, names)),
    winner: winner?.index ?? null,
    ...(end.droppedHere && { dropped_here: { ...end.droppedHere } }),
    ...(end.smallProbes && { small_probes: smallDocument(end.smallProbes) }),
    trace: winner === undefined ? null : traceDocument(winner, names),
  };
}

export function smallDocument({ size, farthestHop, reached }: SmallProbes): object {
  return { instead_of_octets: size, farthest_hop: farthestHop, reached };
}

export function headDocument({ target, route, started }: RunHead): object {
  return {
    target: { name: target.name, address: formatAddress(target.address), family: target.address.family },
    source: {
      address: route === undefined ? null : formatAddress(route.source),
      interface: route?.interface ?? null,
    },
    started: started.toISOString(),
  };
}

export function attemptDocument(attempt: Attempt, names: Names): object {
  const { path } = attempt;
  return {
    protocol: attempt.protocol,
    port: attempt.port,
    mode: attempt.mode,
    verdict: attempt.verdict ?? null,
    stage: attempt.stage,
    errno: attempt.errno,
    reason: attempt.reason,
    farthest_hop: path.farthestHop ?? null,
    duration_ms: rounded(attempt.durationMs),
    sent: path.sent,
    received: path.received,
    refused_sends: attempt.refusedSends,
    tapped_only: path.tappedOnly,
    unattributed_answers: attempt.unattributed,
    connect: path.direct === undefined ? null : answersDocument(path.direct, names),
    trace: path.sent === 0 ? null : traceDocument(attempt, names),
  };
}

function traceDocument({ protocol, port, mode, path }: Attempt, names: Names): object {
  return {
    protocol,
    port,
    mode,
    outcome: path.outcome ?? null,
    target_hop: path.targetHop ?? null,
    loop: loopOf(path) ?? null,
    hops: path.hops().map((hop) => hopDocument(hop, names)),
  };
}

function hopDocument({ hop, ...answers }: Hop, names: Names): object {
  return { hop, ...answersDocument(answers, names) };
}

function answersDocument({ sent, received, rtt, probes }: Answers, names: Names): object {
  return {
    sent,
    received,
    rtt: {
      count: rtt.count,
      best_ms: rounded(rtt.bestMs),
      mean_ms: rounded(rtt.meanMs),
      worst_ms: rounded(rtt.worstMs),
      last_ms: rounded(rtt.lastMs),
      deviation_ms: rounded(rtt.deviationMs),
      jitter_ms: rounded(rtt.jitterMs),
    },
    probes: probes.map((probe) => probeDocument(probe, names)),
  };
}

function probeDocument({ probe, state, reply, rttMs, late, tapped, error }: HopProbe, names: Names): object {
  const flow = { flow: probe.flow, scout: probe.scout === true };
  if (reply === undefined) {
    return { state, address: null, rtt_ms: null, ...flow, ...(error !== undefined && { errno: error.errno }) };
  }
  return {
    state: late ? "late" : state,
    address: formatAddress(reply.from),
    name: names.of(reply.from) ?? null,
    rtt_ms: rounded(rttMs),
    effect: reply.effect,
    mark: reply.mark ?? null,
    icmp: reply.icmp === undefined ? null : { type: reply.icmp.type, code: reply.icmp.code },
    mpls: (reply.mpls ?? []).map(labelDocument),
    reply_hop_limit: reply.replyHopLimit ?? null,
    quoted_hop_limit: reply.quotedHopLimit ?? null,
    mtu: reply.mtu ?? null,
    late,
    tapped,
    ...flow,
  };
}

export function labelDocument({ label, trafficClass, bottomOfStack, ttl }: MplsLabel): object {
  return { label, traffic_class: trafficClass, bottom_of_stack: bottomOfStack, ttl };
}

import { hostname } from "node:os";
import {
  type Attempt,
  type AutoEvent,
  formatAddress,
  type Reply,
  type Route,
  type TraceEvent,
} from "../../core/mod.ts";
import { smallDocument } from "../render/json.ts";
import type { LiveHead, ReportHead } from "../render/report.ts";
import type { RunEnd, RunHead } from "../result.ts";

/** The schema of a recording: docs/schema/events-1.json. */
export const EVENTS_SCHEMA = "nettrace.events/1";

/** The first line: what is known before the first probe leaves. Times are milliseconds since then. */
export function headLine(head: RunHead | ReportHead | LiveHead): object {
  const { command, target, route, trace, ladder, started } = head;
  const rounds =
    "cycles" in head
      ? { cycles: head.cycles, interval_ms: head.intervalMs, local_host: head.localHost ?? hostname() }
      : {};
  const targets =
    "targets" in head
      ? {
          targets: head.targets.map(({ host, address, route: by }) => ({
            name: host,
            address: formatAddress(address),
            source: sourceOf(by),
          })),
        }
      : {};
  return {
    type: "run",
    schema: EVENTS_SCHEMA,
    command,
    target: { name: target.name, address: formatAddress(target.address) },
    source: sourceOf(route),
    started: started.toISOString(),
    trace: {
      first_hop: trace.firstHop,
      max_hop: trace.maxHop,
      queries: trace.queries,
      window: trace.window,
      max_gap: trace.maxGap,
      max_wait_ms: trace.maxWaitMs,
      packets_per_second: trace.packetsPerSecond,
      flow: trace.flow,
    },
    ladder: ladder.map(({ protocol, port }) => ({ protocol, port })),
    ...rounds,
    ...targets,
  };
}

function sourceOf(route: Route | undefined): object | null {
  return route === undefined ? null : { address: formatAddress(route.source), interface: route.interface ?? null };
}

/**
 * A line for an event, undefined for those that say nothing new. `startMs`: when the run began, on the events' clock;
 * `index`: the attempt's number in the recording.
 */
export function eventLine(event: AutoEvent, startMs: number, index?: number): object | undefined {
  const attemptKey = (attempt: Attempt): { readonly attempt: number } => ({ attempt: index ?? attempt.index });
  switch (event.type) {
    case "attempt-started":
      return {
        type: "attempt-started",
        ...attemptKey(event.attempt),
        protocol: event.attempt.protocol,
        port: event.attempt.port,
        at_ms: exact(event.attempt.startedMs - startMs),
        ...(isRounds(event.attempt) && { rounds: true }),
      };
    case "trace":
      return traceLine(attemptKey(event.attempt), event.event, startMs);
    case "attempt-ended": {
      const { mode, verdict, stage, errno, reason, refusedSends, unattributed, durationMs } = event.attempt;
      const counts = { refused_sends: refusedSends, unattributed_answers: unattributed };
      const ending = { mode, verdict: verdict ?? null, stage, errno, reason, ...counts };
      return { type: "attempt-ended", ...attemptKey(event.attempt), ...ending, duration_ms: exact(durationMs) };
    }
    case "leading":
      return { type: "leading", ...attemptKey(event.attempt) };
    case "finished":
      return undefined;
  }
}

/** Whether an attempt is the rounds of a report, and not one of those that chose their protocol. */
export function isRounds(attempt: Attempt & { readonly isRounds?: boolean }): boolean {
  return attempt.isRounds === true;
}

/** The last line. */
export function endLine({ winner, durationMs, interrupted, droppedHere, smallProbes }: RunEnd): object {
  return {
    type: "finished",
    winner: winner?.index ?? null,
    duration_ms: exact(durationMs),
    interrupted: interrupted ?? null,
    ...(droppedHere && { dropped_here: { ...droppedHere } }),
    ...(smallProbes && { small_probes: smallDocument(smallProbes) }),
  };
}

/** The name of a responder, as its resolver gave it. */
export function nameLine(address: string, name: string): object {
  return { type: "name", address, name };
}

function traceLine(key: { readonly attempt: number }, event: TraceEvent, startMs: number): object {
  const base = { type: event.type, ...key, at_ms: exact(event.atMs - startMs) };
  if (event.type === "stopped") {
    const { error } = event;
    return { ...base, outcome: event.outcome, ...(error && { error: errorOf(error) }) };
  }
  const { sequence, hopLimit, flow, round, scout, direct } = event.probe;
  const probe = { sequence, hop_limit: direct ? null : hopLimit, flow, round, ...(scout && { scout }) };
  switch (event.type) {
    case "sent":
      return { ...base, ...probe };
    case "lost":
      return { ...base, ...probe, abandoned: event.abandoned };
    case "failed":
      return { ...base, ...probe, error: errorOf(event.error), ...(event.reply && { reply: replyOf(event.reply) }) };
    default:
      return {
        ...base,
        ...probe,
        rtt_ms: exact(event.rttMs),
        tapped: event.tapped,
        ...(event.retransmitted && { retransmitted: true }),
        ...replyOf(event.reply),
      };
  }
}

function replyOf(reply: Reply): object {
  const { from, effect, icmp, mark, tcpFlags, mpls, replyHopLimit, quotedHopLimit, mtu, size, ambiguous, local } =
    reply;
  return {
    from: formatAddress(from),
    effect,
    ...(icmp && { icmp }),
    ...(mark !== undefined && { mark }),
    ...(tcpFlags !== undefined && { tcp_flags: tcpFlags }),
    ...(mpls && {
      mpls: mpls.map(({ label, trafficClass, bottomOfStack, ttl }) => ({
        label,
        traffic_class: trafficClass,
        bottom_of_stack: bottomOfStack,
        ttl,
      })),
    }),
    ...(replyHopLimit !== undefined && { reply_hop_limit: replyHopLimit }),
    ...(quotedHopLimit !== undefined && { quoted_hop_limit: quotedHopLimit }),
    ...(mtu !== undefined && { mtu }),
    ...(size !== undefined && { size }),
    ...(ambiguous && { ambiguous }),
    ...(local && { local }),
  };
}

export function errorOf(error: Error): object {
  const { name, message } = error;
  const more = "stage" in error && "errno" in error ? { stage: error.stage, errno: error.errno } : {};
  const evidence = "evidence" in error && typeof error.evidence === "string" ? { evidence: error.evidence } : {};
  return { name, message, ...more, ...evidence };
}

/** Nanoseconds: finer than any stamp, so that nothing is lost; null where it was not measured. */
export function exact(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1e6) / 1e6;
}

import { causeOfError, formatAddress, type Names, SocketError, type TableRow } from "../../core/mod.ts";
import { EXIT_MEANINGS } from "../exit-codes.ts";
import { printableJson } from "../printable.ts";
import type { Watched } from "../rounds.ts";
import { rounded } from "./formats/run.ts";
import { attemptDocument, headDocument, labelDocument } from "./json.ts";
import type { ReportEnd, ReportHead } from "./report.ts";

/** One document, whose shape is promised by docs/schema/report-1.json. */
export function reportDocument(head: ReportHead, end: ReportEnd, names: Names): string {
  const { attempts, winner, watched, exitCode } = end;
  const document = {
    schema: "nettrace.report/1",
    ...headDocument(head),
    duration_ms: rounded(end.durationMs),
    exit: { code: exitCode, meaning: EXIT_MEANINGS[exitCode] ?? null },
    attempts: attempts.map((attempt) => attemptDocument(attempt, names)),
    winner: winner?.index ?? null,
    ...(end.droppedHere && { dropped_here: { ...end.droppedHere } }),
    rounds: { asked: head.cycles, begun: watched?.table.rounds ?? 0, interval_ms: rounded(head.intervalMs) },
    report: watched === undefined ? null : watchedDocument(watched, names),
  };
  return `${printableJson(document)}\n`;
}

function watchedDocument({ protocol, port, mode, table, error }: Watched, names: Names): object {
  return {
    protocol,
    port,
    mode,
    outcome: table.outcome ?? null,
    target_hop: table.targetHop ?? null,
    errno: error instanceof SocketError ? error.errno : null,
    reason: error === undefined ? "" : causeOfError(error),
    hops: table.rows().map((row) => rowDocument(row, names)),
  };
}

function rowDocument(row: TableRow, names: Names): object {
  const { rtt } = row;
  return {
    hop: row.hop,
    sent: row.sent,
    received: row.received,
    late: row.late,
    dropped: row.dropped,
    in_flight: row.inFlight,
    abandoned: row.abandoned,
    refused: row.failed,
    duplicates: row.duplicates,
    retransmitted: row.retransmitted,
    loss_percent: rounded(row.lossPercent),
    transit_loss_percent: rounded(row.transitLossPercent),
    loses_in_transit: row.losesInTransit === true,
    rtt: {
      count: rtt.count,
      last_ms: rounded(rtt.lastMs),
      best_ms: rounded(rtt.bestMs),
      mean_ms: rounded(rtt.meanMs),
      worst_ms: rounded(rtt.worstMs),
      deviation_ms: rounded(rtt.deviationMs),
      geometric_mean_ms: rounded(rtt.geometricMeanMs),
      jitter_ms: rounded(rtt.jitterMs),
      last_jitter_ms: rounded(rtt.lastJitterMs),
      worst_jitter_ms: rounded(rtt.worstJitterMs),
      interarrival_jitter_ms: rounded(rtt.interarrivalJitterMs),
    },
    responders: row.responders.map((responder) => ({
      address: formatAddress(responder.address),
      name: names.of(responder.address) ?? null,
      answers: responder.count,
      share: Number(responder.share.toFixed(6)),
      latest: responder.isLatest,
      mpls: responder.mpls.map(labelDocument),
      reply_hop_limit: responder.replyHopLimit ?? null,
      quoted_hop_limit: responder.quotedHopLimit ?? null,
    })),
    other_responders: row.otherResponders,
    icmp: row.icmp.map(({ type, code, count }) => ({ type, code, count })),
    marks: row.marks.map(({ mark, count }) => ({ mark, count })),
    history: row.history.map(({ round, state, rttMs }) => ({ round, state, rtt_ms: rounded(rttMs) })),
  };
}

import type { IpAddress } from "./address.ts";
import type { IcmpCode, LateEvent, MplsLabel, ReplyEvent } from "./probe.ts";
import { createRttStatistics, type RttSummary } from "./statistics.ts";

/** One address that answered at a hop. */
export interface Responder {
  readonly address: IpAddress;
  /** Answers. */
  readonly count: number;
  /** Of all the hop's answers, 0-1. */
  readonly share: number;
  /** The latest answer of the hop came from here. */
  readonly isLatest: boolean;
  /** The labels of its latest answer. */
  readonly mpls: readonly MplsLabel[];
  /** Hop limits of its latest answer, where they were seen. */
  readonly replyHopLimit?: number;
  readonly quotedHopLimit?: number;
}

/** What became of a hop's probe of one round. `never`: the hop was not asked in it. */
export interface RoundEntry {
  readonly round: number;
  readonly state: "pending" | "answered" | "late" | "lost" | "abandoned" | "failed" | "never";
  /** Milliseconds; absent where it was not measured. */
  readonly rttMs?: number;
}

/** A hop of the table. */
export interface HopRow {
  readonly hop: number;
  /** Probes that left this host. */
  readonly sent: number;
  readonly inFlight: number;
  /** Answered, late ones included. */
  readonly received: number;
  /** Answered after they were given up. */
  readonly late: number;
  /** Given their full time, and not answered. */
  readonly dropped: number;
  /** The trace ended before they had their time: no evidence of loss. */
  readonly abandoned: number;
  /** Not sent, or sent back: this host refused. */
  readonly failed: number;
  readonly duplicates: number;
  /** Answers to what the kernel sent again by itself: those probes themselves count as dropped. */
  readonly retransmitted: number;
  /** 100 · (1 − received / (sent − in flight)), percent; undefined while no probe has had its time. */
  readonly lossPercent?: number;
  readonly rtt: RttSummary;
  /** In order of first appearance. */
  readonly responders: readonly Responder[];
  /** Answers from addresses beyond the first `MOST_RESPONDERS`. */
  readonly otherResponders: number;
  /** ICMP messages among the answers, the commonest first. */
  readonly icmp: readonly (IcmpCode & { readonly count: number; readonly family: IpAddress["family"] })[];
  /** What plugins said of answers, the commonest first. */
  readonly marks: readonly { readonly mark: string; readonly count: number }[];
  /** Latest rounds, oldest first. */
  readonly history: readonly RoundEntry[];
}

/** The statistics of one hop, streaming. */
export interface HopTally {
  readonly hop: number;
  readonly counts: { readonly sent: number; readonly received: number; readonly failed: number };
  sent(round: number): void;
  answered(event: ReplyEvent | LateEvent): void;
  lost(round: number, abandoned: boolean): void;
  /** `wasSent`: a REJECT answered what had left. */
  failed(round: number, wasSent: boolean): void;
  duplicate(): void;
  row(): HopRow;
}

/** A balancer over more addresses than this tells nothing more by them. */
const MOST_RESPONDERS = 64;
const MOST_MARKS = 32;

interface SeenResponder {
  readonly address: IpAddress;
  count: number;
  mpls: readonly MplsLabel[];
  replyHopLimit: number | undefined;
  quotedHopLimit: number | undefined;
}

export function createHopTally(hop: number, historyLength: number): HopTally {
  const rtt = createRttStatistics();
  const responders = new Map<string, SeenResponder>();
  const icmp = new Map<string, { type: number; code: number; family: IpAddress["family"]; count: number }>();
  const marks = new Map<string, number>();
  const history: RoundEntry[] = [];
  let firstRound = Number.POSITIVE_INFINITY;
  let lastRound = -1;
  const counts = {
    sent: 0,
    inFlight: 0,
    received: 0,
    late: 0,
    abandoned: 0,
    failed: 0,
    duplicates: 0,
    retransmitted: 0,
  };
  let latest: SeenResponder | undefined;
  let otherResponders = 0;

  const at = (round: number): number => round % historyLength;

  const enter = (entry: RoundEntry): void => {
    const known = history[at(entry.round)];
    // An answer may come after its place was taken by a later round.
    if (known === undefined || known.round <= entry.round) history[at(entry.round)] = entry;
    firstRound = Math.min(firstRound, entry.round);
    lastRound = Math.max(lastRound, entry.round);
  };

  const see = ({ reply }: ReplyEvent | LateEvent): void => {
    const { from, mpls = [], replyHopLimit, quotedHopLimit } = reply;
    let seen = responders.get(from.text);
    if (seen === undefined) {
      seen = { address: from, count: 0, mpls, replyHopLimit, quotedHopLimit };
      if (responders.size < MOST_RESPONDERS) responders.set(from.text, seen);
      else otherResponders += 1;
    }
    seen.count += 1;
    Object.assign(seen, { mpls, replyHopLimit, quotedHopLimit });
    latest = seen;
    if (reply.icmp !== undefined) {
      const { type, code } = reply.icmp;
      const key = `${from.family}/${type}/${code}`;
      const known = icmp.get(key) ?? { type, code, family: from.family, count: 0 };
      known.count += 1;
      if (icmp.size < MOST_MARKS) icmp.set(key, known);
    }
    if (reply.mark !== undefined && (marks.has(reply.mark) || marks.size < MOST_MARKS)) {
      marks.set(reply.mark, (marks.get(reply.mark) ?? 0) + 1);
    }
  };

  const latestRounds = (): RoundEntry[] => {
    if (lastRound < 0) return [];
    const from = Math.max(firstRound, lastRound - historyLength + 1);
    return Array.from({ length: lastRound - from + 1 }, (_, index) => {
      const round = from + index;
      const entry = history[at(round)];
      return entry?.round === round ? entry : { round, state: "never" };
    });
  };

  return {
    hop,
    counts,
    sent(round) {
      counts.sent += 1;
      counts.inFlight += 1;
      enter({ round, state: "pending" });
    },
    answered(event) {
      const { round } = event.probe;
      const isLate = event.type === "late";
      if (!isLate) counts.inFlight -= 1;
      see(event);
      if (event.retransmitted) {
        counts.retransmitted += 1;
        enter({ round, state: "lost" });
        return;
      }
      counts.received += 1;
      if (isLate) counts.late += 1;
      const { rttMs } = event;
      if (rttMs !== undefined) rtt.add(rttMs);
      enter({ round, state: isLate ? "late" : "answered", ...(rttMs !== undefined && { rttMs }) });
    },
    lost(round, abandoned) {
      counts.inFlight -= 1;
      if (abandoned) counts.abandoned += 1;
      enter({ round, state: abandoned ? "abandoned" : "lost" });
    },
    failed(round, wasSent) {
      counts.failed += 1;
      if (wasSent) {
        counts.sent -= 1;
        counts.inFlight -= 1;
      }
      enter({ round, state: "failed" });
    },
    duplicate() {
      counts.duplicates += 1;
    },
    row() {
      const settled = counts.sent - counts.inFlight - counts.abandoned;
      const answers = counts.received + counts.retransmitted;
      return {
        hop,
        ...counts,
        dropped: settled - counts.received,
        ...(settled > 0 && { lossPercent: 100 * (1 - counts.received / settled) }),
        rtt: rtt.summary(),
        responders: [...responders.values()].map((seen) => ({
          address: seen.address,
          count: seen.count,
          share: seen.count / answers,
          isLatest: seen === latest,
          mpls: seen.mpls,
          ...(seen.replyHopLimit !== undefined && { replyHopLimit: seen.replyHopLimit }),
          ...(seen.quotedHopLimit !== undefined && { quotedHopLimit: seen.quotedHopLimit }),
        })),
        otherResponders,
        icmp: [...icmp.values()].sort((a, b) => b.count - a.count).map((each) => ({ ...each })),
        marks: [...marks].sort(([, a], [, b]) => b - a).map(([mark, count]) => ({ mark, count })),
        history: latestRounds(),
      };
    },
  };
}

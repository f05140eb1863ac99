import type { IpAddress } from "./address.ts";
import { createMovingEnd } from "./end-of-path.ts";
import type { PluginError, SocketError } from "./errors.ts";
import { createHopTally, type HopRow, type HopTally } from "./hop-tally.ts";
import type { Outcome, TraceEvent } from "./probe.ts";
import { type Counts, losesMore } from "./transit-loss.ts";

/** A path that is asked round after round, folded into a table of statistics whose size does not grow with time. */
export interface RoundsTable {
  /** Takes an event of the trace; in the order in which they come. */
  apply(event: TraceEvent): void;
  /**
   * From the first hop asked to the path's end; behind the last answer, where the end is not known, one silent hop stands
   * for all, as in mtr.
   */
  rows(): readonly TableRow[];
  /** By the latest answers; undefined while the target has not answered. */
  readonly targetHop: number | undefined;
  /** The target, or where a router says that there is no way on. */
  readonly endHop: number | undefined;
  /** The highest hop that ever answered. */
  readonly farthestHop: number | undefined;
  /** The target answered at least once. */
  readonly hasReached: boolean;
  /** Rounds begun. */
  readonly rounds: number;
  /** Probes that left this host, and answers to them. */
  readonly sent: number;
  readonly received: number;
  /** Answers of which only the packet tap got a copy: an INPUT rule drops them. */
  readonly tappedOnly: number;
  /** Sends that this host refused. */
  readonly failed: number;
  readonly outcome: Outcome | undefined;
  readonly stoppedBy: SocketError | PluginError | undefined;
}

export interface TableRow extends HopRow {
  /**
   * Of this hop's loss, percent, what hops behind it do not show: the router limits what it says, or its answers are lost on
   * their way back; what passes it arrives. Undefined where the hop's loss or that of all hops behind it is unknown.
   */
  readonly transitLossPercent?: number;
  /** That difference is beyond chance. */
  readonly losesInTransit?: true;
}

/** How a table of rounds is kept. */
export interface RoundsTableOptions {
  /** How many rounds the history of each hop goes back; default 200. */
  readonly history?: number;
}

const HISTORY = 200;

/** An empty table. */
export function createRoundsTable({ history = HISTORY }: RoundsTableOptions = {}): RoundsTable {
  const tallies = new Map<number, HopTally>();
  /** Sequences in flight: a `failed` follows a `sent` or stands alone. */
  const inFlight = new Set<number>();
  /** Sequences whose answer only the packet tap has shown so far. */
  const tapped = new Set<number>();
  const end = createMovingEnd();
  let tappedOnly = 0;
  let hasReached = false;
  let rounds = 0;
  let outcome: Outcome | undefined;
  let stoppedBy: SocketError | PluginError | undefined;

  const tally = (hop: number): HopTally => {
    let known = tallies.get(hop);
    if (known === undefined) {
      known = createHopTally(hop, history);
      tallies.set(hop, known);
    }
    return known;
  };

  const sum = (of: (row: HopTally) => number): number => {
    let total = 0;
    for (const each of tallies.values()) total += of(each);
    return total;
  };

  const shown = (): HopTally[] => {
    const last = end.hop ?? end.farthest + 1;
    return [...tallies.values()]
      .filter(({ hop, counts }) => hop <= last && counts.sent > 0)
      .sort((a, b) => a.hop - b.hop);
  };

  return {
    apply(event) {
      if (event.type === "stopped") {
        ({ outcome } = event);
        stoppedBy = event.error;
        return;
      }
      const { hopLimit, round, sequence } = event.probe;
      const hop = tally(hopLimit);
      rounds = Math.max(rounds, round + 1);
      if (event.type === "sent") {
        inFlight.add(sequence);
        tapped.delete(sequence);
        hop.sent(round);
        return;
      }
      if (event.type === "duplicate") {
        // After the tap's the socket's own copy of an answer is no second one.
        if (tapped.delete(sequence)) tappedOnly -= 1;
        else hop.duplicate();
        return;
      }
      const wasSent = inFlight.delete(sequence);
      if (event.type === "lost") hop.lost(round, event.abandoned);
      else if (event.type === "failed") hop.failed(round, wasSent);
      else {
        hop.answered(event);
        if (event.tapped) {
          tapped.add(sequence);
          tappedOnly += 1;
        }
        end.note(hopLimit, event.reply.effect);
        hasReached ||= event.reply.effect === "reached";
      }
    },
    rows: () => withTransitLoss(shown().map((each) => each.row())),
    get targetHop() {
      return end.targetHop;
    },
    get endHop() {
      return end.hop;
    },
    get farthestHop() {
      return end.farthest === 0 ? undefined : end.farthest;
    },
    get hasReached() {
      return hasReached;
    },
    get rounds() {
      return rounds;
    },
    get sent() {
      return sum((each) => each.counts.sent);
    },
    get received() {
      return sum((each) => each.counts.received);
    },
    get tappedOnly() {
      return tappedOnly;
    },
    get failed() {
      return sum((each) => each.counts.failed);
    },
    get outcome() {
      return outcome;
    },
    get stoppedBy() {
      return stoppedBy;
    },
  };
}

/**
 * What a hop loses and a later one does not was not lost on the way there. A hop that answers nothing at all testifies to
 * nothing: it may be silent by choice.
 */
function withTransitLoss(rows: readonly HopRow[]): TableRow[] {
  let behind: HopRow | undefined;
  return rows
    .toReversed()
    .map((row): TableRow => {
      const { lossPercent } = row;
      if (lossPercent === undefined || row.received === 0) return row;
      const least = behind?.lossPercent;
      const result: TableRow =
        behind === undefined || least === undefined
          ? row
          : {
              ...row,
              transitLossPercent: Math.max(0, lossPercent - least),
              ...(losesMore(countsOf(row), countsOf(behind)) && { losesInTransit: true }),
            };
      if (least === undefined || lossPercent < least) behind = row;
      return result;
    })
    .toReversed();
}

const countsOf = ({ received, dropped }: HopRow): Counts => ({ received, sent: received + dropped });

/** The address that a hop's latest answer came from. */
export function latestResponder({ responders }: HopRow): IpAddress | undefined {
  return responders.find(({ isLatest }) => isLatest)?.address;
}

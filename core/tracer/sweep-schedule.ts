import type { Outcome } from "../probe.ts";
import type { Decision, Schedule, ScheduleFactory, Slot } from "./schedule.ts";
import {
  createCells,
  isDone,
  isFinal,
  type SweepCell,
  type SweepWait,
  takeFinalForward,
  timeoutMs,
} from "./sweep-cells.ts";

/** How the hops are swept, as traceroute does it. */
export interface SweepOptions {
  /** 1-255. */
  readonly firstHop: number;
  /** 1-255, not less than the first. */
  readonly maxHop: number;
  /** Probes a hop, from 1. */
  readonly queries: number;
  /** How many probes may be outstanding; 0 is as good as 1. */
  readonly simultaneous: number;
  /** Least time between two probes, milliseconds. */
  readonly sendWaitMs: number;
  readonly wait: SweepWait;
  /** `vary`: each probe is a flow of its own, counted from 0. */
  readonly flow: "constant" | "vary";
  /** Octets: what a router or this host cannot pass on unfragmented is sent again, no larger than it can. */
  readonly shrinkFrom?: number;
  /** Called once for each probe, in order, as soon as it and all before it are settled. */
  readonly onTurn: (turn: SweepTurn) => void;
}

/** What became of a probe: an answer, or else nothing. */
export type SweepTurn = Readonly<
  Pick<SweepCell, "hop" | "query" | "reply" | "rttMs" | "shrunkTo" | "tooBigHere" | "sentAtMs">
>;

/** Hop after hop, as Butskoy's traceroute 2.1 asks. One sweep may take several traces: it goes on where the last ended. */
export interface Sweep {
  readonly schedule: ScheduleFactory;
  /** Every probe up to the end of the path has had its turn. */
  readonly isFinished: boolean;
  /** Probes sent so far. */
  readonly sent: number;
  /** The size of packets, octets, that is known to be small enough so far; undefined without `shrinkFrom`. */
  readonly packetSize: number | undefined;
  /**
   * This host refused the latest probe for its size; `mtu` octets is the most that it sends. The next trace sends smaller
   * ones or, without `shrinkFrom`, goes on to the next probe. False where that does not help.
   */
  tooBigHere(mtu: number): boolean;
}

/**
 * Probes in order of hop, so many at a time; only the first that has not had its turn can expire, as the others may still be
 * answered while it is waited for; ends with the hop at which the target answers or a router says that there is no way on.
 */
export function createSweep(options: SweepOptions): Sweep {
  const { queries, simultaneous, sendWaitMs, wait, shrinkFrom, onTurn } = options;
  const cells = createCells(options.maxHop, queries);
  const bySlot = new Map<Slot, SweepCell>();
  const slots = new Map<SweepCell, Slot>();
  let start = (options.firstHop - 1) * queries;
  let end = cells.length;
  let lastSentMs = Number.NEGATIVE_INFINITY;
  let sent = 0;
  let packetSize = shrinkFrom;
  /** The host refused a probe, or packets must be made smaller: this trace ends. */
  let isHalted = false;
  let refused: SweepCell | undefined;
  let outcome: Outcome = "silent";

  const settled = (cell: SweepCell): void => {
    if (isFinal(cell)) end = Math.min(end, cell.hop * queries);
    if (cell.reply?.effect === "reached") outcome = "reached";
    else if (isFinal(cell) && outcome !== "reached") outcome = "unreachable";
  };

  /** Those whose turn has come. */
  const advance = (): void => {
    for (let cell = cells[start]; cell !== undefined && start < end && isDone(cell); cell = cells[start]) {
      start += 1;
      onTurn({ ...cell });
    }
  };

  const deadlineMs = (index: number): number => {
    const cell = cells[index];
    if (cell?.state !== "flight") return Number.POSITIVE_INFINITY;
    return cell.sentAtMs + timeoutMs(cells, index, queries, wait);
  };

  const cellOf = ({ hop, round }: Decision & { type: "send" }): SweepCell | undefined =>
    cells[(hop - 1) * queries + round];

  const record = (decision: Decision & { type: "send" }, state: "flight" | "failed", nowMs: number): Slot => {
    const { hop, round, scout } = decision;
    const slot: Slot = { hop, round, scout, state, sentAtMs: nowMs };
    const cell = cellOf(decision);
    if (state === "failed" || cell === undefined) {
      isHalted = true;
      refused = cell;
      return slot;
    }
    cell.state = "flight";
    cell.sentAtMs = nowMs;
    lastSentMs = nowMs;
    sent += 1;
    bySlot.set(slot, cell);
    slots.set(cell, slot);
    return slot;
  };

  const shrink = (cell: SweepCell, mtu: number): boolean => {
    if (packetSize === undefined || mtu >= packetSize || mtu <= 0) return false;
    packetSize = mtu;
    cell.state = "unsent";
    cell.shrunkTo = mtu;
    isHalted = true;
    return true;
  };

  const decide = (nowMs: number): Decision => {
    advance();
    if (start >= end) return { type: "done", outcome };
    if (isHalted) return { type: "done", outcome: "refused" };
    let open = 0;
    for (let index = start; index < end && open < Math.max(1, simultaneous); index += 1) {
      const cell = cells[index];
      if (cell === undefined || isDone(cell)) continue;
      if (cell.state === "unsent") {
        const readyMs = lastSentMs + sendWaitMs;
        if (readyMs > nowMs) return { type: "wait", untilMs: Math.min(readyMs, deadlineMs(start)) };
        const flow = { flow: options.flow === "vary" ? sent : 0 };
        return { type: "send", hop: cell.hop, round: cell.query, scout: false, ...flow };
      }
      open += 1;
    }
    return { type: "wait", untilMs: deadlineMs(start) };
  };

  const expire = (nowMs: number): readonly Slot[] => {
    const over: Slot[] = [];
    for (advance(); start < end && deadlineMs(start) <= nowMs; advance()) {
      const cell = cells[start];
      if (cell === undefined) break;
      const slot = slots.get(cell);
      if (slot?.state === "flight") {
        slot.state = "lost";
        over.push(slot);
      }
      cell.state = "lost";
      takeFinalForward(cells, start, queries);
      settled(cell);
    }
    return over;
  };

  const schedule: Schedule = {
    decide,
    expire,
    sent: (decision, nowMs) => record(decision, "flight", nowMs),
    refused: (decision, nowMs) => record(decision, "failed", nowMs),
    answered(slot, _effect, rttMs, reply) {
      const wasLost = slot.state !== "flight";
      slot.state = "answered";
      const cell = bySlot.get(slot);
      if (cell === undefined || wasLost || reply === undefined) return;
      if (reply.effect !== "transit" && reply.mtu !== undefined && shrink(cell, reply.mtu)) return;
      Object.assign(cell, { state: "answered", reply, rttMs });
      settled(cell);
    },
    failed(slot, said) {
      slot.state = "failed";
      const cell = bySlot.get(slot);
      if (said === undefined || cell === undefined) {
        isHalted = true;
        refused = cell;
        return;
      }
      // To traceroute it is an answer like others, from the first hop.
      Object.assign(cell, { state: "answered", ...said });
      settled(cell);
    },
  };

  return {
    schedule: () => {
      isHalted = false;
      return schedule;
    },
    get isFinished() {
      return start >= end;
    },
    get sent() {
      return sent;
    },
    get packetSize() {
      return packetSize;
    },
    tooBigHere(mtu) {
      const cell = refused;
      if (cell === undefined) return false;
      refused = undefined;
      if (shrinkFrom !== undefined) return shrink(cell, mtu);
      cell.state = "answered";
      cell.tooBigHere = mtu;
      settled(cell);
      return true;
    },
  };
}

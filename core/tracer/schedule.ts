import { createEndOfPath } from "../end-of-path.ts";
import type { Effect, Outcome, Reply } from "../probe.ts";
import type { TraceOptions } from "./options.ts";
import { createPacer } from "./pacer.ts";
import { createPatience } from "./patience.ts";

/** One probe of the schedule. */
export interface Slot {
  readonly hop: number;
  readonly round: number;
  /** On a flow of its own, to learn how far the path goes (see `Probe.scout`). */
  readonly scout: boolean;
  state: "flight" | "answered" | "lost" | "failed";
  readonly sentAtMs: number;
}

export type Decision =
  | {
      readonly type: "send";
      readonly hop: number;
      readonly round: number;
      readonly scout: boolean;
      /** Absent: as the trace's options say. */
      readonly flow?: number;
    }
  /** Nothing to send before `untilMs`, unless an answer arrives. */
  | { readonly type: "wait"; readonly untilMs: number }
  | { readonly type: "done"; readonly outcome: Outcome };

/**
 * How a trace asks: the path's own way (`createSchedule`) unless the caller brings another. `probesPerFlow` is the
 * session's.
 */
export type ScheduleFactory = (options: TraceOptions, probesPerFlow?: number) => Schedule;

/** Which probe goes next, until when to wait, and when a trace is complete. Pure: it knows neither sockets nor clocks. */
export interface Schedule {
  decide(nowMs: number): Decision;
  /** The decided probe left. */
  sent(decision: Decision & { type: "send" }, nowMs: number): Slot;
  /** The host would not send the decided probe. */
  refused(decision: Decision & { type: "send" }, nowMs: number): Slot;
  /** First answer of a slot, also after it was lost. `rttMs` absent: not measured. */
  answered(slot: Slot, effect: Effect, rttMs?: number, reply?: Reply): void;
  failed(slot: Slot): void;
  /** Slots whose time is over; they become lost. */
  expire(nowMs: number): readonly Slot[];
}

interface HopSlots {
  readonly own: Slot[];
  readonly scouts: Slot[];
}

/**
 * Hops are discovered by one probe each, in a window that slides with the farthest answer. Hops up to the farthest
 * responder then get their further probes at once, hops behind it only after a while without an answer: most of those
 * lie past the target.
 *
 * `probesPerFlow`: where a flow can carry only so many probes at a time, discovery is done by scouts on flows of their
 * own, and the path's flow is probed hop by hop behind them.
 */
export function createSchedule(options: TraceOptions, probesPerFlow?: number): Schedule {
  const { firstHop, maxHop, queries, window, maxGap } = options;
  const serial = probesPerFlow !== undefined && options.flow === "constant";
  const patience = createPatience(options);
  const pacer = createPacer(window * queries, options.packetsPerSecond);
  const end = createEndOfPath();
  const hops: HopSlots[] = [];
  const flights = new Set<Slot>();
  let farthestAnswer = firstHop - 1;

  const at = (hop: number): HopSlots => {
    hops[hop] ??= { own: [], scouts: [] };
    return hops[hop];
  };
  const discovery = (hop: number): Slot[] => (serial ? at(hop).scouts : at(hop).own);
  const farthest = (): number => Math.min(farthestAnswer, end.hop ?? farthestAnswer);
  const inFlight = (slots: readonly Slot[]): boolean => slots.some((slot) => slot.state === "flight");
  const last = (): number => end.hop ?? Math.min(maxHop, farthest() + maxGap);

  /** A hop behind the farthest answer that has had all its probes and all their time. */
  const isSilent = (hop: number): boolean => discovery(hop).length >= queries && !inFlight(discovery(hop));

  const complete = (): boolean => {
    const known = farthest();
    for (let hop = firstHop; hop <= last(); hop += 1) {
      const slots = hop <= known ? at(hop).own : discovery(hop);
      if (slots.length < queries || inFlight(slots)) return false;
    }
    return true;
  };

  const outcome = (): Outcome => {
    if (end.targetHop !== undefined) return "reached";
    if (end.hop !== undefined) return "unreachable";
    return farthest() >= maxHop ? "max-hops" : "silent";
  };

  const send = (hop: number, scout: boolean): Decision => {
    const round = scout ? at(hop).scouts.length : at(hop).own.length;
    return { type: "send", hop, round, scout };
  };

  const nextDiscovery = (): Decision | undefined => {
    if (end.hop !== undefined) return undefined;
    const base = farthest();
    let limit = base + window;
    for (let hop = base + 1; hop <= Math.min(last(), limit); hop += 1) {
      if (discovery(hop).length === 0) return send(hop, serial);
      if (isSilent(hop)) limit += 1;
    }
    return undefined;
  };

  const nextFill = (): Decision | undefined => {
    if (serial) {
      let flying = 0;
      for (const slot of flights) if (!slot.scout) flying += 1;
      if (flying >= (probesPerFlow ?? 1)) return undefined;
    }
    let fewest: number | undefined;
    for (let hop = firstHop; hop <= farthest(); hop += 1) {
      const count = at(hop).own.length;
      if (count < queries && (fewest === undefined || count < at(fewest).own.length)) fewest = hop;
    }
    return fewest === undefined ? undefined : send(fewest, false);
  };

  /** The hop behind the farthest answer whose silence is the next to deserve another probe, and when. */
  const nextHedge = (): { readonly hop: number; readonly atMs: number } | undefined => {
    if (end.hop !== undefined) return undefined;
    let best: { hop: number; atMs: number } | undefined;
    for (let hop = farthest() + 1; hop <= last(); hop += 1) {
      const slots = discovery(hop);
      const latest = slots.at(-1);
      if (latest === undefined || slots.length >= queries) continue;
      const atMs = latest.state === "flight" ? latest.sentAtMs + patience.hedge() : latest.sentAtMs;
      if (best === undefined || atMs < best.atMs) best = { hop, atMs };
    }
    return best;
  };

  const timeoutMs = (slot: Slot): number => (slot.hop <= farthest() ? patience.inside() : patience.beyond());

  const record = (decision: Decision & { type: "send" }, state: Slot["state"], nowMs: number): Slot => {
    const { hop, round, scout } = decision;
    const slot: Slot = { hop, round, scout, state, sentAtMs: nowMs };
    (scout ? at(hop).scouts : at(hop).own).push(slot);
    return slot;
  };

  return {
    decide(nowMs) {
      if (complete()) return { type: "done", outcome: outcome() };
      let wakeMs = Number.POSITIVE_INFINITY;
      for (const slot of flights) wakeMs = Math.min(wakeMs, slot.sentAtMs + timeoutMs(slot));
      const hedge = nextHedge();
      const next = nextDiscovery() ?? nextFill();
      const due = hedge !== undefined && hedge.atMs <= nowMs ? send(hedge.hop, serial) : undefined;
      const decision = next ?? due;
      if (decision !== undefined) {
        const readyMs = pacer.readyAtMs(nowMs);
        if (readyMs <= nowMs) return decision;
        wakeMs = Math.min(wakeMs, readyMs);
      } else if (hedge !== undefined) wakeMs = Math.min(wakeMs, hedge.atMs);
      return { type: "wait", untilMs: wakeMs };
    },
    sent(decision, nowMs) {
      pacer.take(nowMs);
      const slot = record(decision, "flight", nowMs);
      flights.add(slot);
      return slot;
    },
    refused: (decision, nowMs) => record(decision, "failed", nowMs),
    answered(slot, effect, rttMs) {
      flights.delete(slot);
      slot.state = "answered";
      end.note(slot.hop, effect);
      farthestAnswer = Math.max(farthestAnswer, slot.hop);
      if (rttMs !== undefined) patience.note(rttMs);
    },
    failed(slot) {
      flights.delete(slot);
      slot.state = "failed";
    },
    expire(nowMs) {
      const over: Slot[] = [];
      for (const slot of flights) {
        if (slot.sentAtMs + timeoutMs(slot) > nowMs) continue;
        slot.state = "lost";
        flights.delete(slot);
        over.push(slot);
      }
      return over;
    },
  };
}

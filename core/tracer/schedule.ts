import { createEndOfPath } from "../end-of-path.ts";
import type { Effect, Outcome, Reply } from "../probe.ts";
import type { TraceOptions } from "./options.ts";
import { createPacer } from "./pacer.ts";
import { createPatience } from "./patience.ts";

/** One probe of the schedule. */
export interface Slot {
  readonly hop: number;
  readonly round: number;
  readonly scout: boolean;
  state: "flight" | "answered" | "lost" | "failed";
  /** From then on its answer is waited for. */
  sentAtMs: number;
  /** The target has it, and is given until then to say more. */
  untilMs?: number;
}

/** What a schedule has decided. */
export type Decision =
  /** `scout`: beside the probes asked for (see `Probe.scout`); `apart`: on a flow of its own. */
  | {
      readonly type: "send";
      readonly hop: number;
      readonly round: number;
      readonly scout: boolean;
      readonly apart?: boolean;
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
  /** What to do at `nowMs`. A decision to send is followed by `sent` or `refused`. */
  decide(nowMs: number): Decision;
  /** The decided probe left. */
  sent(decision: Decision & { type: "send" }, nowMs: number): Slot;
  /** The host would not send the decided probe. */
  refused(decision: Decision & { type: "send" }, nowMs: number): Slot;
  /** First answer of a slot, also after it was lost. `rttMs` absent: not measured. */
  answered(slot: Slot, effect: Effect, rttMs?: number, reply?: Reply): void;
  /**
   * A probe that had left was refused by this host after all. `said`: its own words, where it only found no neighbour to
   * hand the probe to.
   */
  failed(slot: Slot, said?: { readonly reply: Reply; readonly rttMs: number }): void;
  /** A slot in flight has met a first answer, and its own is still to come. Absent: it is given no more time for that. */
  provisional?(slot: Slot, nowMs: number): void;
  /** Slots whose time is over; they become lost. */
  expire(nowMs: number): readonly Slot[];
  /** Answers change nothing for so long, milliseconds: the network need not hurry with them. Absent: it must. */
  readonly patienceMs?: number;
}

interface HopSlots {
  readonly own: Slot[];
  readonly scouts: Slot[];
}

/** A service answers when its program gets to it, not when the packet comes. */
const SERVICE_MS = 2000;
/** A path that has not shown its end after this is a long one. */
const LONG_PATH_MS = 8;
/** What is sent unasked on a long path leaves one by one, since an answer may make the rest needless. */
const UNASKED_STEP_MS = 0.25;
/** Packets at once, where fewer than that are asked for in a second. */
const MANNERLY_BURST = 24;
/** Probes beyond `queries` for a hop that stays silent between others that answer. */
const SPARES = 2;

/**
 * Hops are discovered by one probe each, in a window that slides with the farthest answer. Hops up to the farthest
 * responder then get their further probes at once, hops behind it only after a while without an answer: most of those
 * lie past the target.
 *
 * On a long path that would cost the target's RTT twice: once to find it, once for its further probes. So where a path
 * has not shown its end soon after the first probe, its first two windows are sent whole, unasked.
 *
 * A hop between responders that answered none of its probes gets spare ones, for as long as the trace lasts anyway.
 *
 * `probesPerFlow`: where a flow can carry only so many probes at a time, discovery is done by scouts on flows of their
 * own, and the path's flow is probed hop by hop behind them.
 */
export function createSchedule(options: TraceOptions, probesPerFlow?: number): Schedule {
  const { firstHop, maxHop, queries, window, maxGap } = options;
  const serial = probesPerFlow !== undefined && options.flow === "constant";
  const patience = createPatience(options);
  const opening = Math.min(maxHop, firstHop - 1 + 2 * Math.min(window, maxGap));
  const burst = Math.min(window * queries, Math.max(MANNERLY_BURST, options.packetsPerSecond));
  const pacer = createPacer(
    Math.max(burst, Math.min(2 * burst, options.packetsPerSecond / 2)),
    options.packetsPerSecond,
  );
  const end = createEndOfPath();
  const hops: HopSlots[] = [];
  const flights = new Set<Slot>();
  let farthestAnswer = firstHop - 1;
  let farthestAsked = firstHop - 1;
  let startedMs: number | undefined;
  let unasked = 0;

  const at = (hop: number): HopSlots => {
    hops[hop] ??= { own: [], scouts: [] };
    return hops[hop];
  };
  const discovery = (hop: number): Slot[] => (serial ? at(hop).scouts : at(hop).own);
  const farthest = (): number => Math.min(farthestAnswer, end.hop ?? farthestAnswer);
  const inFlight = (slots: readonly Slot[]): boolean => slots.some((slot) => slot.state === "flight");
  /** A gap is at least `maxGap` long; what was asked behind it in the opening is waited for too, at the same time. */
  const last = (): number => end.hop ?? Math.min(maxHop, Math.max(farthest() + maxGap, farthestAsked));

  /** Whether a probe has met the path's end, where it may still be about to say so: no more are sent to look for it. */
  const isEndMet = (): boolean => end.hop !== undefined || [...flights].some(({ untilMs }) => untilMs !== undefined);

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
    return { type: "send", hop, round, scout, apart: scout && serial };
  };

  const nextDiscovery = (): Decision | undefined => {
    if (isEndMet()) return undefined;
    const base = farthest();
    let limit = base + window;
    for (let hop = base + 1; hop <= Math.min(last(), limit); hop += 1) {
      if (discovery(hop).length === 0) return send(hop, serial);
      if (isSilent(hop)) limit += 1;
    }
    return undefined;
  };

  /** The next probe of a long path's first two windows that nothing has asked for yet, and when. */
  const nextUnasked = (): { readonly hop: number; readonly atMs: number } | undefined => {
    if (isEndMet() || startedMs === undefined) return undefined;
    const wanted = serial ? 1 : queries;
    for (let hop = farthest() + 1; hop <= opening; hop += 1) {
      if (discovery(hop).length < wanted) {
        return { hop, atMs: startedMs + LONG_PATH_MS + unasked * UNASKED_STEP_MS };
      }
    }
    return undefined;
  };

  /** The silent hop between responders that is the next to get a spare probe, and when. */
  const nextSpare = (): { readonly hop: number; readonly atMs: number } | undefined => {
    if (serial) return undefined;
    let best: { hop: number; atMs: number } | undefined;
    for (let hop = firstHop; hop < farthest(); hop += 1) {
      const { own, scouts } = at(hop);
      const latest = scouts.at(-1) ?? own.at(-1);
      if (latest === undefined || own.length < queries || scouts.length >= SPARES) continue;
      if ([...own, ...scouts].some((slot) => slot.state === "answered")) continue;
      const atMs = latest.sentAtMs + patience.inside(hop) / 2;
      if (best === undefined || atMs < best.atMs) best = { hop, atMs };
    }
    return best;
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
    if (isEndMet()) return undefined;
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

  const timeoutMs = (slot: Slot): number => (slot.hop <= farthest() ? patience.inside(slot.hop) : patience.beyond());

  const dueMs = (slot: Slot): number => slot.untilMs ?? slot.sentAtMs + timeoutMs(slot);

  const record = (decision: Decision & { type: "send" }, state: Slot["state"], nowMs: number): Slot => {
    const { hop, round, scout } = decision;
    const slot: Slot = { hop, round, scout, state, sentAtMs: nowMs };
    (scout ? at(hop).scouts : at(hop).own).push(slot);
    farthestAsked = Math.max(farthestAsked, hop);
    return slot;
  };

  return {
    decide(nowMs) {
      if (complete()) return { type: "done", outcome: outcome() };
      let wakeMs = Number.POSITIVE_INFINITY;
      for (const slot of flights) wakeMs = Math.min(wakeMs, dueMs(slot));
      const hedge = nextHedge();
      const spare = nextSpare();
      const ahead = nextUnasked();
      const due = [ahead, hedge, spare].find((each) => each !== undefined && each.atMs <= nowMs);
      const asked = nextDiscovery() ?? nextFill();
      const decision = asked ?? (due && send(due.hop, due === spare || serial));
      if (decision !== undefined) {
        const readyMs = pacer.readyAtMs(nowMs);
        if (readyMs > nowMs) return { type: "wait", untilMs: Math.min(wakeMs, readyMs) };
        if (asked === undefined && due === ahead) unasked += 1;
        return decision;
      }
      for (const each of [ahead, hedge, spare]) if (each !== undefined) wakeMs = Math.min(wakeMs, each.atMs);
      return { type: "wait", untilMs: wakeMs };
    },
    sent(decision, nowMs) {
      pacer.take(nowMs);
      startedMs ??= nowMs;
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
      if (rttMs !== undefined) patience.note(slot.hop, rttMs);
    },
    failed(slot) {
      flights.delete(slot);
      slot.state = "failed";
    },
    provisional(slot, nowMs) {
      slot.untilMs = nowMs + Math.min(options.maxWaitMs, Math.max(SERVICE_MS, patience.beyond()));
    },
    expire(nowMs) {
      const over: Slot[] = [];
      for (const slot of flights) {
        if (dueMs(slot) > nowMs) continue;
        slot.state = "lost";
        flights.delete(slot);
        over.push(slot);
      }
      return over;
    },
  };
}

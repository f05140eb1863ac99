import type { Effect, Outcome } from "../probe.ts";
import type { TraceOptions } from "./options.ts";
import type { Schedule, ScheduleFactory, Slot } from "./schedule.ts";

/** One hop limit asked again and again, as ping(8) does. All times in milliseconds. */
export interface PingScheduleOptions {
  /** Between two probes; 0: as soon as the last is answered, and after 10 ms in any case (ping's flood). */
  readonly intervalMs: number;
  /** Probes to send; absent: endless. */
  readonly count?: number;
  /** How many probes may be sent at once before the interval holds, 1 or more (`ping -l`). Default 1. */
  readonly preload?: number;
  /** The interval follows the round trip time, but is never less than this (`ping -A`). Absent: it stays. */
  readonly adaptiveMinMs?: number;
  /** After the last probe, where nothing was answered before it: how long to wait. May be infinite. */
  readonly lingerMs: number;
  /**
   * The end, so long after the first probe, whatever is outstanding; until then `count` is no limit, and the caller ends the
   * trace once enough was answered. Absent: none.
   */
  readonly deadlineMs?: number;
}

/** What is known of a probe when it is asked for the state of all. */
interface Pace {
  /** When the last probe was due, and how much of the allowance was left. */
  dueMs: number;
  tokens: number;
}

/** With nothing answered, a flood sends so seldom: 100 probes a second. */
const FLOOD_MS = 10;
/** An unanswered probe is given up as lost after so long, and counts as late if it is answered yet. */
const LOST_MS = 10_000;

/**
 * A probe goes to the last hop limit of the trace each interval. After the last one, what is outstanding is waited for:
 * twice the slowest answer or one interval, whichever is longer; `lingerMs` where nothing was answered.
 *
 * Where a flow can carry only so many probes at a time, each probe is a flow of its own.
 */
export function createPingSchedule(ping: PingScheduleOptions): ScheduleFactory {
  return (options, probesPerFlow) => createPing(ping, options, probesPerFlow !== undefined);
}

function createPing(ping: PingScheduleOptions, { maxHop: hop }: TraceOptions, isSerial: boolean): Schedule {
  const { preload = 1, lingerMs, adaptiveMinMs, deadlineMs = Number.POSITIVE_INFINITY } = ping;
  const count = ping.deadlineMs === undefined ? (ping.count ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  const flights = new Set<Slot>();
  let intervalMs = ping.intervalMs;
  let pace: Pace | undefined;
  let startedMs: number | undefined;
  let sent = 0;
  let settled = 0;
  /** The newest probe that was answered: those before it are no longer waited for. */
  let newest = 0;
  let slowestMs: number | undefined;
  let smoothedMs: number | undefined;
  let endMs: number | undefined;
  let effect: Effect | undefined;

  const outcome = (): Outcome => {
    if (effect === undefined) return "silent";
    return effect === "transit" ? "max-hops" : effect;
  };

  /** When the next probe may leave. */
  const readyMs = (nowMs: number): number => {
    if (pace === undefined) return nowMs;
    if (intervalMs === 0) return sent - newest >= preload ? pace.dueMs + FLOOD_MS : nowMs;
    return pace.dueMs + intervalMs - pace.tokens;
  };

  const advance = (nowMs: number): void => {
    const gained =
      pace === undefined ? preload * intervalMs : Math.min(preload * intervalMs, pace.tokens + nowMs - pace.dueMs);
    pace = { dueMs: nowMs, tokens: Math.max(0, gained - intervalMs) };
    startedMs ??= nowMs;
    sent += 1;
    if (sent >= count) {
      endMs = nowMs + (slowestMs === undefined ? lingerMs : Math.max(2 * slowestMs, intervalMs));
    }
  };

  const settle = (slot: Slot): void => {
    flights.delete(slot);
    settled += 1;
    newest = Math.max(newest, slot.round + 1);
  };

  const isOver = (nowMs: number): boolean =>
    nowMs >= (startedMs ?? nowMs) + deadlineMs ||
    (sent >= count && settled >= sent) ||
    nowMs >= (endMs ?? Number.POSITIVE_INFINITY);

  const adapt = (rttMs: number): void => {
    slowestMs = Math.max(slowestMs ?? 0, rttMs);
    smoothedMs = smoothedMs === undefined ? rttMs : smoothedMs + (rttMs - smoothedMs) / 8;
    if (adaptiveMinMs !== undefined) intervalMs = Math.max(adaptiveMinMs, Math.round(smoothedMs));
  };

  return {
    decide(nowMs) {
      if (isOver(nowMs)) return { type: "done", outcome: outcome() };
      let wakeMs = Math.min((startedMs ?? nowMs) + deadlineMs, endMs ?? Number.POSITIVE_INFINITY);
      if (sent < count) {
        const dueMs = readyMs(nowMs);
        if (dueMs <= nowMs) return { type: "send", hop, round: sent, scout: false, ...(isSerial && { apart: true }) };
        wakeMs = Math.min(wakeMs, dueMs);
      }
      const [first] = flights;
      return { type: "wait", untilMs: Math.min(wakeMs, first === undefined ? wakeMs : first.sentAtMs + LOST_MS) };
    },
    sent({ round }, nowMs) {
      advance(nowMs);
      const slot: Slot = { hop, round, scout: false, state: "flight", sentAtMs: nowMs };
      flights.add(slot);
      return slot;
    },
    refused({ round }, nowMs) {
      advance(nowMs);
      if (pace !== undefined) pace.tokens = 0;
      settled += 1;
      return { hop, round, scout: false, state: "failed", sentAtMs: nowMs };
    },
    answered(slot, met, rttMs) {
      settle(slot);
      slot.state = "answered";
      if (effect !== "reached") effect = met;
      if (rttMs !== undefined) adapt(rttMs);
    },
    failed(slot) {
      settle(slot);
      slot.state = "failed";
    },
    expire(nowMs) {
      const over: Slot[] = [];
      for (const slot of flights) {
        if (slot.sentAtMs + LOST_MS > nowMs) break;
        slot.state = "lost";
        flights.delete(slot);
        over.push(slot);
      }
      return over;
    },
  };
}

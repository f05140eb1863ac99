import type { Effect, Outcome } from "../probe.ts";
import type { TraceOptions } from "./options.ts";
import type { Decision, Schedule, ScheduleFactory, Slot } from "./schedule.ts";

/** How hops are asked again and again: mtr's rounds or, with the first hop also the last, ping's repetition. */
export interface RoundsOptions {
  /** Length of a round, milliseconds: each hop is asked once in it. */
  readonly intervalMs: number;
  /** Rounds; absent: endless, until the control or the caller ends it. */
  readonly cycles?: number;
  /** A probe unanswered for so long is lost, milliseconds. */
  readonly perProbeTimeoutMs: number;
  /** After the last probe, what is outstanding is waited for at most so long, milliseconds. */
  readonly graceMs: number;
  /**
   * Cuts the grace to this multiple of the slowest answer (never below `graceFloorMs`, 1000): a hop that never answers need
   * not hold up the end. Absent: the whole grace for whatever is outstanding.
   */
  readonly graceFactor?: number;
  readonly graceFloorMs?: number;
  /** A round ends after so many silent hops behind the farthest answer, and two more as in mtr. Default 12. */
  readonly maxUnknown?: number;
  /** How many hops the first round is spread for, where that is known beforehand. Default 10, as in mtr. */
  readonly expectedHops?: number;
  /** So many probes are sent at the start without a pause (`ping -l`). Default 0. */
  readonly preload?: number;
  /** With nothing outstanding the next probe leaves after so many milliseconds already (`ping -A`, `-f`). */
  readonly adaptiveMinMs?: number;
  /** Changes made to it while the rounds run take effect within `CONTROL_MS`. */
  readonly control?: RoundsControl;
}

/** A hand on rounds that are under way. */
export interface RoundsControl {
  /** Overrides `RoundsOptions.intervalMs`. */
  intervalMs?: number;
  /** Nothing is sent; what is outstanding is still waited for. */
  isPaused?: boolean;
  /** No further probe is sent; the trace ends once nothing is outstanding. */
  isFinishing?: boolean;
}

const CONTROL_MS = 100;
const DEFAULT_MAX_UNKNOWN = 12;
const DEFAULT_EXPECTED_HOPS = 10;
const DEFAULT_GRACE_FLOOR_MS = 1000;
/** A sequence number may name one probe only: half of them may be in flight at most. */
const MAX_IN_FLIGHT = 32_768;
/** Sends that are this late are not made up for: the host slept, and a burst would measure nothing. */
const CATCH_UP_MS = 50;
/** The kernel sends a SYN again after 1, 3, 7 s (RFC 6298 §5.5): where it does so, waiting longer only brings more of them. */
const SERIAL_TIMEOUT_MS = 2900;

/**
 * Rounds over the hops `firstHop`..`maxHop` of the trace, one probe a hop spread over the interval. A round stops at the
 * target once that is known, and a path that grows or shrinks later is followed. At the end only what is outstanding
 * is waited for.
 *
 * Where a flow can carry only so many probes at a time, each probe is a flow of its own.
 */
export function createRoundsSchedule(rounds: RoundsOptions): ScheduleFactory {
  return (options, probesPerFlow) => createRounds(rounds, options, probesPerFlow !== undefined);
}

function createRounds(rounds: RoundsOptions, options: TraceOptions, serial: boolean): Schedule {
  const { cycles = Number.POSITIVE_INFINITY, control, preload = 0 } = rounds;
  const { firstHop, maxHop } = options;
  const timeoutMs = serial ? Math.min(SERIAL_TIMEOUT_MS, rounds.perProbeTimeoutMs) : rounds.perProbeTimeoutMs;
  const horizon = createHorizon(firstHop, maxHop, rounds.maxUnknown ?? DEFAULT_MAX_UNKNOWN);
  /** In order of sending, and all with the same timeout: the first is the first to expire. */
  const flights = new Set<Slot>();
  let round = 0;
  let hop = firstHop;
  let hopsARound = Math.min(rounds.expectedHops ?? DEFAULT_EXPECTED_HOPS, maxHop - firstHop + 1);
  /** When the latest probe was due and when it left. */
  let latestDueMs: number | undefined;
  let latestMs = Number.NEGATIVE_INFINITY;
  let slowestMs: number | undefined;
  let probes = 0;

  const isOver = (): boolean => round >= cycles || control?.isFinishing === true;
  const spacingMs = (): number => (control?.intervalMs ?? rounds.intervalMs) / hopsARound;

  const graceMs = (): number => {
    if (rounds.graceFactor === undefined || slowestMs === undefined) return rounds.graceMs;
    return Math.min(
      rounds.graceMs,
      Math.max(rounds.graceFloorMs ?? DEFAULT_GRACE_FLOOR_MS, rounds.graceFactor * slowestMs),
    );
  };

  const deadlineMs = (slot: Slot): number => {
    const own = slot.sentAtMs + timeoutMs;
    return isOver() ? Math.min(own, latestMs + graceMs()) : own;
  };

  const firstDeadlineMs = (): number => {
    const [first] = flights;
    return first === undefined ? Number.POSITIVE_INFINITY : deadlineMs(first);
  };

  const dueMs = (nowMs: number): number => {
    if (latestDueMs === undefined || probes < preload) return nowMs;
    const regularMs = latestDueMs + spacingMs();
    if (rounds.adaptiveMinMs === undefined || flights.size > 0) return regularMs;
    return Math.min(regularMs, latestMs + rounds.adaptiveMinMs);
  };

  /** The round that is over makes room for the next one. */
  const turnRound = (): void => {
    if (hop <= horizon.last()) return;
    hopsARound = hop - firstHop;
    hop = firstHop;
    round += 1;
  };

  const wait = (untilMs: number, nowMs: number): Decision => {
    const boundMs = control === undefined ? Number.POSITIVE_INFINITY : nowMs + CONTROL_MS;
    return { type: "wait", untilMs: Math.min(untilMs, firstDeadlineMs(), boundMs) };
  };

  const advance = (decision: Decision & { type: "send" }, nowMs: number): void => {
    const due = dueMs(nowMs);
    latestDueMs = nowMs - due > Math.max(CATCH_UP_MS, 2 * spacingMs()) ? nowMs : due;
    latestMs = nowMs;
    hop = decision.hop + 1;
    probes += 1;
  };

  return {
    decide(nowMs) {
      turnRound();
      if (isOver()) {
        return flights.size === 0 ? { type: "done", outcome: horizon.outcome() } : wait(firstDeadlineMs(), nowMs);
      }
      if (control?.isPaused || flights.size >= MAX_IN_FLIGHT) return wait(Number.POSITIVE_INFINITY, nowMs);
      const due = dueMs(nowMs);
      if (due > nowMs) return wait(due, nowMs);
      return { type: "send", hop, round, scout: false, ...(serial && { flow: probes + 1 }) };
    },
    sent(decision, nowMs) {
      advance(decision, nowMs);
      const slot: Slot = { hop: decision.hop, round: decision.round, scout: false, state: "flight", sentAtMs: nowMs };
      flights.add(slot);
      return slot;
    },
    refused(decision, nowMs) {
      advance(decision, nowMs);
      return { hop: decision.hop, round: decision.round, scout: false, state: "failed", sentAtMs: nowMs };
    },
    answered(slot, effect, rttMs) {
      flights.delete(slot);
      slot.state = "answered";
      horizon.note(slot.hop, effect);
      if (rttMs !== undefined) slowestMs = Math.max(slowestMs ?? 0, rttMs);
    },
    failed(slot) {
      flights.delete(slot);
      slot.state = "failed";
    },
    expire(nowMs) {
      const over: Slot[] = [];
      for (const slot of flights) {
        if (deadlineMs(slot) > nowMs) break;
        slot.state = "lost";
        flights.delete(slot);
        over.push(slot);
      }
      return over;
    },
  };
}

/** How far a round goes, by the latest answer of each hop: a path may grow or shrink while it is watched. */
interface Horizon {
  note(hop: number, effect: Effect): void;
  /** Last hop of a round. */
  last(): number;
  outcome(): Outcome;
}

function createHorizon(firstHop: number, maxHop: number, maxUnknown: number): Horizon {
  const effects: (Effect | undefined)[] = [];
  let hasReached = false;

  const find = (effect: Effect): number | undefined => {
    const hop = effects.indexOf(effect, firstHop);
    return hop < 0 ? undefined : hop;
  };

  /** The target; else the first that says there is no way on, unless a hop beyond it was passed. */
  const end = (): number | undefined => {
    const target = find("reached");
    if (target !== undefined) return target;
    const passed = effects.lastIndexOf("transit");
    const refusing = effects.indexOf("unreachable", Math.max(firstHop, passed + 1));
    return refusing < 0 ? undefined : refusing;
  };

  const farthest = (): number => Math.max(firstHop - 1, effects.length - 1);

  return {
    note(hop, effect) {
      hasReached ||= effect === "reached";
      effects[hop] = effect;
    },
    last: () => end() ?? Math.min(maxHop, farthest() + maxUnknown + 2),
    outcome() {
      if (hasReached) return "reached";
      if (end() !== undefined) return "unreachable";
      return farthest() >= maxHop ? "max-hops" : "silent";
    },
  };
}

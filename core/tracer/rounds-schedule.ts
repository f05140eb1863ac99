import { createMovingEnd } from "../end-of-path.ts";
import type { Outcome } from "../probe.ts";
import type { TraceOptions } from "./options.ts";
import { createQueue } from "./queue.ts";
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
   * Cuts the grace to this multiple of the slowest answer (never below `graceFloorMs`, 1000) once the target has answered: a
   * hop that never answers need not hold up the end. Absent: the whole grace for whatever is outstanding.
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
  /**
   * Answers may be told so many milliseconds late (`Network.receive`), so that fewer wake-ups do: their times are the
   * kernel's all the same. Default 0: at once.
   */
  readonly patienceMs?: number;
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
  const maxUnknown = rounds.maxUnknown ?? DEFAULT_MAX_UNKNOWN;
  const end = createMovingEnd();
  let hasReached = false;
  /** In order of sending, and all with the same timeout: the first is the first to expire. Some have been answered. */
  const sent = createQueue<Slot>();
  let inFlight = 0;
  let round = 0;
  let hop = firstHop;
  let hopsARound = Math.min(rounds.expectedHops ?? DEFAULT_EXPECTED_HOPS, maxHop - firstHop + 1);
  /** When the latest probe was due and when it left. */
  let latestDueMs: number | undefined;
  let latestMs = Number.NEGATIVE_INFINITY;
  let slowestMs: number | undefined;
  let probes = 0;

  const lastHop = (): number => end.hop ?? Math.min(maxHop, Math.max(firstHop - 1, end.farthest) + maxUnknown + 2);

  const outcome = (): Outcome => {
    if (hasReached) return "reached";
    if (end.hop !== undefined) return "unreachable";
    return end.farthest >= maxHop ? "max-hops" : "silent";
  };

  const isOver = (): boolean => round >= cycles || control?.isFinishing === true;
  const spacingMs = (): number => (control?.intervalMs ?? rounds.intervalMs) / hopsARound;

  const graceMs = (): number => {
    if (rounds.graceFactor === undefined || slowestMs === undefined || !hasReached) return rounds.graceMs;
    return Math.min(
      rounds.graceMs,
      Math.max(rounds.graceFloorMs ?? DEFAULT_GRACE_FLOOR_MS, rounds.graceFactor * slowestMs),
    );
  };

  const deadlineMs = (slot: Slot): number => {
    const own = slot.sentAtMs + timeoutMs;
    return isOver() ? Math.min(own, latestMs + graceMs()) : own;
  };

  const oldest = (): Slot | undefined => {
    while (sent.first !== undefined && sent.first.state !== "flight") sent.shift();
    return sent.first;
  };

  const firstDeadlineMs = (): number => {
    const first = oldest();
    return first === undefined ? Number.POSITIVE_INFINITY : deadlineMs(first);
  };

  const settle = (slot: Slot, state: "answered" | "lost" | "failed"): void => {
    if (slot.state === "flight") inFlight -= 1;
    slot.state = state;
  };

  const dueMs = (nowMs: number): number => {
    if (latestDueMs === undefined || probes < preload) return nowMs;
    const regularMs = latestDueMs + spacingMs();
    if (rounds.adaptiveMinMs === undefined || inFlight > 0) return regularMs;
    return Math.min(regularMs, latestMs + rounds.adaptiveMinMs);
  };

  /** The round that is over makes room for the next one. */
  const turnRound = (): void => {
    if (hop <= lastHop()) return;
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
    /** At the end what is outstanding is all that is waited for. */
    get patienceMs() {
      return isOver() ? 0 : (rounds.patienceMs ?? 0);
    },
    decide(nowMs) {
      turnRound();
      if (isOver()) {
        return inFlight === 0 ? { type: "done", outcome: outcome() } : wait(firstDeadlineMs(), nowMs);
      }
      if (control?.isPaused || inFlight >= MAX_IN_FLIGHT) return wait(Number.POSITIVE_INFINITY, nowMs);
      const due = dueMs(nowMs);
      if (due > nowMs) return wait(due, nowMs);
      return { type: "send", hop, round, scout: false, ...(serial && { apart: true }) };
    },
    sent(decision, nowMs) {
      advance(decision, nowMs);
      const slot: Slot = { hop: decision.hop, round: decision.round, scout: false, state: "flight", sentAtMs: nowMs };
      sent.push(slot);
      inFlight += 1;
      return slot;
    },
    refused(decision, nowMs) {
      advance(decision, nowMs);
      return { hop: decision.hop, round: decision.round, scout: false, state: "failed", sentAtMs: nowMs };
    },
    answered(slot, effect, rttMs) {
      settle(slot, "answered");
      end.note(slot.hop, effect);
      hasReached ||= effect === "reached";
      if (rttMs !== undefined) slowestMs = Math.max(slowestMs ?? 0, rttMs);
    },
    failed: (slot) => settle(slot, "failed"),
    expire(nowMs) {
      const over: Slot[] = [];
      for (let slot = oldest(); slot !== undefined && deadlineMs(slot) <= nowMs; slot = oldest()) {
        settle(slot, "lost");
        over.push(slot);
      }
      return over;
    },
  };
}

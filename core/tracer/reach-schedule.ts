import type { Outcome } from "../probe.ts";
import { createPacer } from "./pacer.ts";
import type { ScheduleFactory, Slot } from "./schedule.ts";

/** The hop limit of probes that carry none of ours; they belong to no hop (`Probe.direct`). */
const NO_HOP = 255;
/** A probe that is not answered in this time lets the next leave beside it. */
const HEDGE_MS = 250;

/** The schedule of a session that sees the target alone: `queries` probes, each as soon as the one before is answered. */
export const createReachSchedule: ScheduleFactory = ({ queries, maxWaitMs, packetsPerSecond }) => {
  const pacer = createPacer(1, packetsPerSecond);
  const flights = new Set<Slot>();
  let asked = 0;
  let latestMs = Number.NEGATIVE_INFINITY;
  let outcome: Outcome = "silent";

  const record = (round: number, state: Slot["state"], nowMs: number): Slot => {
    asked += 1;
    latestMs = nowMs;
    return { hop: NO_HOP, round, scout: false, state, sentAtMs: nowMs };
  };

  return {
    decide(nowMs) {
      if (asked >= queries && flights.size === 0) return { type: "done", outcome };
      let wakeMs = Number.POSITIVE_INFINITY;
      for (const slot of flights) wakeMs = Math.min(wakeMs, slot.sentAtMs + maxWaitMs);
      if (asked >= queries) return { type: "wait", untilMs: wakeMs };
      const fromMs = Math.max(pacer.readyAtMs(nowMs), flights.size === 0 ? nowMs : latestMs + HEDGE_MS);
      if (fromMs > nowMs) return { type: "wait", untilMs: Math.min(wakeMs, fromMs) };
      return { type: "send", hop: NO_HOP, round: asked, scout: false };
    },
    sent({ round }, nowMs) {
      pacer.take(nowMs);
      const slot = record(round, "flight", nowMs);
      flights.add(slot);
      return slot;
    },
    refused: ({ round }, nowMs) => record(round, "failed", nowMs),
    answered(slot, effect) {
      flights.delete(slot);
      slot.state = "answered";
      if (effect === "reached") outcome = "reached";
      else if (outcome !== "reached") outcome = "unreachable";
    },
    failed(slot) {
      flights.delete(slot);
      slot.state = "failed";
    },
    expire(nowMs) {
      const over = [...flights].filter(({ sentAtMs }) => sentAtMs + maxWaitMs <= nowMs);
      for (const slot of over) {
        slot.state = "lost";
        flights.delete(slot);
      }
      return over;
    },
  };
};

import type { TraceOptions } from "./options.ts";

/**
 * How long to wait for an answer, from what the path has shown. All times in milliseconds.
 *
 * A hop before the farthest responder is bounded by the slowest answer: its router is no farther away. Behind the
 * farthest responder nothing bounds the distance (the next link may cross an ocean), so the wait there is long, and
 * spent once for the whole run of silent hops since they are probed at the same time.
 */
export interface Patience {
  /** An answer arrived after `rttMs`. */
  note(rttMs: number): void;
  /** Timeout of a probe at a hop that lies before a known responder. */
  inside(): number;
  /** Timeout of a probe behind the farthest responder. */
  beyond(): number;
  /** How long a probe behind the farthest responder stays alone before another is sent beside it. */
  hedge(): number;
}

/** RFC 6298 §2.1: one second before the first measurement. */
const INITIAL_MS = 1000;
/** Routers answer in their control plane: tens of milliseconds on an idle path are no loss. */
const INSIDE_FLOOR_MS = 60;
const INSIDE_MARGIN_MS = 15;
const INSIDE_FACTOR = 1.1;
/** Half the earth and back in fibre is about 200 ms; queues and detours double it. */
const BEYOND_FLOOR_MS = 600;
const BEYOND_FACTOR = 2;
const HEDGE_MS = 200;

export function createPatience({ maxWaitMs }: Pick<TraceOptions, "maxWaitMs">): Patience {
  let slowest: number | undefined;
  return {
    note(rttMs) {
      slowest = Math.max(slowest ?? 0, rttMs);
    },
    inside() {
      if (slowest === undefined) return Math.min(maxWaitMs, INITIAL_MS);
      return Math.min(maxWaitMs, Math.max(INSIDE_FLOOR_MS, slowest * INSIDE_FACTOR + INSIDE_MARGIN_MS));
    },
    beyond() {
      if (slowest === undefined) return Math.min(maxWaitMs, INITIAL_MS);
      return Math.min(maxWaitMs, Math.max(BEYOND_FLOOR_MS, slowest * BEYOND_FACTOR));
    },
    hedge() {
      return Math.min(maxWaitMs / 2, Math.max(HEDGE_MS, (slowest ?? 0) * INSIDE_FACTOR));
    },
  };
}

import type { TraceOptions } from "./options.ts";

/**
 * How long to wait for an answer, from what the path has shown. All times in milliseconds.
 *
 * A hop before the farthest responder is bounded by what that hop, or the nearest responder behind it, took: its router
 * is no farther away. Behind the farthest responder nothing bounds the distance (the next link may cross an ocean), so
 * the wait there is long, and spent once for the whole run of silent hops since they are probed at the same time.
 */
export interface Patience {
  /** A probe of `hop` was answered after `rttMs`. */
  note(hop: number, rttMs: number): void;
  /** Timeout of a probe at a hop that lies before a known responder, or is one. */
  inside(hop: number): number;
  /** Timeout of a probe behind the farthest responder. */
  beyond(): number;
  /** How long a probe behind the farthest responder stays alone before another is sent beside it. */
  hedge(): number;
}

/** RFC 6298 §2.1: one second before the first measurement. */
const INITIAL_MS = 1000;
/** Routers answer in their control plane: tens of milliseconds on an idle path are no loss. */
const INSIDE_FLOOR_MS = 60;
/** A hop that has answered: its further answers take about as long. */
const HERE = { factor: 1.05, marginMs: 15 };
/** So on a path that has shown, by so many answers of hops that had answered before, how much they differ. */
const HERE_STEADY = { factor: 1.02, marginMs: 8 };
const STEADY_REPEATS = 8;
/** The nearest responder behind a silent hop: an answer made slowly may take some times as long as one from there. */
const NEAR = { factor: 3, marginMs: 30 };
/** The slowest of all bounds every other. */
const SLOWEST = { factor: 1.1, marginMs: 15 };
/** Where answers of one hop differ, the next may differ more: so many times that is granted beside. */
const SPREAD_FACTOR = 2;
/** Half the earth and back in fibre is about 200 ms; queues and detours double it. */
const BEYOND_FLOOR_MS = 600;
const BEYOND_FACTOR = 2;
const HEDGE_MS = 200;

export function createPatience({ maxWaitMs }: Pick<TraceOptions, "maxWaitMs">): Patience {
  const slowestAt = new Map<number, number>();
  const quickestAt = new Map<number, number>();
  let slowest: number | undefined;
  /** Of all hops the largest difference between two answers of one. */
  let spread = 0;
  let repeats = 0;

  const nearest = (hop: number): number | undefined => {
    let found: number | undefined;
    for (const known of slowestAt.keys()) if (known > hop && known < (found ?? Number.POSITIVE_INFINITY)) found = known;
    return found === undefined ? undefined : slowestAt.get(found);
  };
  const stretched = (rttMs: number, by: { readonly factor: number; readonly marginMs: number }): number =>
    rttMs * by.factor + Math.max(by.marginMs, spread * SPREAD_FACTOR);

  return {
    note(hop, rttMs) {
      if (slowestAt.has(hop)) repeats += 1;
      slowestAt.set(hop, Math.max(slowestAt.get(hop) ?? 0, rttMs));
      quickestAt.set(hop, Math.min(quickestAt.get(hop) ?? rttMs, rttMs));
      spread = Math.max(spread, (slowestAt.get(hop) ?? rttMs) - (quickestAt.get(hop) ?? rttMs));
      slowest = Math.max(slowest ?? 0, rttMs);
    },
    inside(hop) {
      if (slowest === undefined) return Math.min(maxWaitMs, INITIAL_MS);
      const here = slowestAt.get(hop);
      const near = here === undefined ? nearest(hop) : undefined;
      const known =
        here !== undefined
          ? stretched(here, repeats < STEADY_REPEATS ? HERE : HERE_STEADY)
          : stretched(near ?? slowest, NEAR);
      return Math.min(maxWaitMs, Math.max(INSIDE_FLOOR_MS, Math.min(known, stretched(slowest, SLOWEST))));
    },
    beyond() {
      if (slowest === undefined) return Math.min(maxWaitMs, INITIAL_MS);
      return Math.min(maxWaitMs, Math.max(BEYOND_FLOOR_MS, slowest * BEYOND_FACTOR));
    },
    hedge() {
      return Math.min(maxWaitMs / 2, Math.max(HEDGE_MS, (slowest ?? 0) * SLOWEST.factor));
    },
  };
}

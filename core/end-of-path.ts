import type { Effect } from "./probe.ts";

/** Where a path ends, on the evidence so far. */
export interface EndOfPath {
  note(hop: number, effect: Effect): void;
  /** The least hop at which the target answered. */
  readonly targetHop: number | undefined;
  /**
   * The target's hop; else the least hop from which a router said "unreachable", unless a hop beyond it was passed: a
   * router that refuses some probes and forwards others does not end the path.
   */
  readonly hop: number | undefined;
}

export function createEndOfPath(): EndOfPath {
  let target: number | undefined;
  let passed = 0;
  const unreachable = new Set<number>();
  return {
    note(hop, effect) {
      if (effect === "reached") target = Math.min(target ?? hop, hop);
      else if (effect === "transit") passed = Math.max(passed, hop);
      else unreachable.add(hop);
    },
    get targetHop() {
      return target;
    },
    get hop() {
      if (target !== undefined) return target;
      let least: number | undefined;
      for (const hop of unreachable) if (hop > passed) least = Math.min(least ?? hop, hop);
      return least;
    },
  };
}

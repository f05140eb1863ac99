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

/** Where a path that is watched for long ends, by the latest answer of each hop: it may grow and shrink. */
export interface MovingEnd {
  note(hop: number, effect: Effect): void;
  readonly targetHop: number | undefined;
  /** As `EndOfPath.hop`. */
  readonly hop: number | undefined;
  /** The highest hop that ever answered; 0: none. */
  readonly farthest: number;
}

export function createMovingEnd(): MovingEnd {
  const effects: (Effect | undefined)[] = [];

  const target = (): number | undefined => {
    const hop = effects.indexOf("reached");
    return hop < 0 ? undefined : hop;
  };

  return {
    note(hop, effect) {
      effects[hop] = effect;
    },
    get targetHop() {
      return target();
    },
    get hop() {
      const hop = effects.indexOf("unreachable", effects.lastIndexOf("transit") + 1);
      return target() ?? (hop < 0 ? undefined : hop);
    },
    get farthest() {
      return Math.max(0, effects.length - 1);
    },
  };
}

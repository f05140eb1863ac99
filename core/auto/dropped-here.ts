import type { Family } from "../address.ts";
import type { InputDrops, Network } from "../network.ts";
import type { Path } from "../path.ts";

/** Answers that came as far as this host, most likely: it dropped packets while answers were missing. */
export interface DroppedHere {
  /** `rp_filter`: they came in by another interface than the way back takes; `input`: a rule of INPUT, most likely. */
  readonly by: "rp_filter" | "input";
  /** Packets that this host dropped so during the run: of whatever sender, the kernel does not tell. */
  readonly packets: number;
  /** Probes that met no answer, or one that only the packet tap saw. */
  readonly missing: number;
}

/** What was sent to a path, and what of it was answered: a `Path`, or a `RoundsTable`. */
export interface Asked {
  readonly path: Pick<Path, "sent" | "received" | "tappedOnly">;
}

/** Fewer may be anybody's. */
const LEAST = 3;
/** rp_filter drops little else; INPUT of many a host drops broadcasts and strangers' packets all the time. */
const SHARE = { rp_filter: 1 / 4, input: 1 / 2 } as const;

/**
 * Reads this host's counters now; the result reads them again, and tells what both say of the answers that are missing by
 * then: undefined where none is, where they say nothing, or where they cannot be read.
 */
export function watchDrops(network: Network, family: Family): (asked: readonly Asked[]) => DroppedHere | undefined {
  const before = network.inputDrops?.(family);
  return (asked) => {
    // Where no answer is missing there is nothing to explain, and nothing is asked for.
    const after = missingAnswers(asked) > 0 ? network.inputDrops?.(family) : undefined;
    return after && judgeDrops(before?.(), after(), asked);
  };
}

/** What the counters before and after a run say of its missing answers; undefined where they say nothing. */
export function judgeDrops(
  before: InputDrops | undefined,
  after: InputDrops | undefined,
  asked: readonly Asked[],
): DroppedHere | undefined {
  if (before === undefined || after === undefined) return undefined;
  const missing = missingAnswers(asked);
  const found = (by: DroppedHere["by"], packets: number): DroppedHere | undefined =>
    missing > 0 && packets >= LEAST && packets >= missing * SHARE[by] ? { by, packets, missing } : undefined;
  const unexplained =
    before.unexplained === undefined || after.unexplained === undefined ? 0 : after.unexplained - before.unexplained;
  return found("rp_filter", after.reversePath - before.reversePath) ?? found("input", unexplained);
}

function missingAnswers(asked: readonly Asked[]): number {
  return asked.reduce((sum, { path }) => sum + path.sent - path.received + path.tappedOnly, 0);
}

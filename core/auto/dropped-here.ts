import type { InputDrops } from "../network.ts";
import type { Attempt } from "./attempt.ts";

/** Answers that came as far as this host, most likely: it dropped packets while answers were missing. */
export interface DroppedHere {
  /** `rp_filter`: they came in by another interface than the way back takes; `input`: a rule of INPUT, most likely. */
  readonly by: "rp_filter" | "input";
  /** Packets that this host dropped so during the run: of whatever sender, the kernel does not tell. */
  readonly packets: number;
  /** Probes that met no answer, or one that only the packet tap saw. */
  readonly missing: number;
}

/** Fewer may be anybody's. */
const LEAST = 3;
/** rp_filter drops little else; INPUT of many a host drops broadcasts and strangers' packets all the time. */
const SHARE = { rp_filter: 1 / 4, input: 1 / 2 } as const;

/** What the counters before and after a run say of its missing answers; undefined where they say nothing. */
export function judgeDrops(
  before: InputDrops | undefined,
  after: InputDrops | undefined,
  attempts: readonly Pick<Attempt, "path">[],
): DroppedHere | undefined {
  if (before === undefined || after === undefined) return undefined;
  const missing = missingAnswers(attempts);
  const found = (by: DroppedHere["by"], packets: number): DroppedHere | undefined =>
    missing > 0 && packets >= LEAST && packets >= missing * SHARE[by] ? { by, packets, missing } : undefined;
  const unexplained =
    before.unexplained === undefined || after.unexplained === undefined ? 0 : after.unexplained - before.unexplained;
  return found("rp_filter", after.reversePath - before.reversePath) ?? found("input", unexplained);
}

export function missingAnswers(attempts: readonly Pick<Attempt, "path">[]): number {
  return attempts.reduce((sum, { path }) => sum + path.sent - path.received + path.tappedOnly, 0);
}

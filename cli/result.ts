import type { Attempt, DroppedHere, IpAddress, Route, TraceOptions } from "../core/mod.ts";
import { REFUSED_HERE } from "../core/mod.ts";
import type { InterruptSignal } from "./context.ts";
import { EXIT } from "./exit-codes.ts";

/** What is known before the first probe leaves. */
export interface RunHead {
  readonly command: "auto" | "trace" | "report" | "live";
  readonly target: { readonly name: string; readonly address: IpAddress };
  readonly route: Route | undefined;
  readonly trace: TraceOptions;
  /** The rungs in order; not all of them need be tried. */
  readonly ladder: readonly Pick<Attempt, "protocol" | "port">[];
  /** Wall-clock time. */
  readonly started: Date;
}

/** How far small probes came where large ones went silent. */
export interface SmallProbes {
  /** Octets of the large ones. */
  readonly size: number;
  readonly farthestHop: number;
  /** The target answered the small ones. */
  readonly reached: boolean;
}

/** What is known at the end. */
export interface RunEnd {
  readonly attempts: readonly Attempt[];
  readonly winner: Attempt | undefined;
  readonly durationMs: number;
  readonly interrupted: InterruptSignal | undefined;
  /** Where missing answers came to this host after all, and it dropped them. */
  readonly droppedHere?: DroppedHere | undefined;
  /** Where the size of the probes is what keeps them from the target. */
  readonly smallProbes?: SmallProbes | undefined;
}

export function exitCodeOf({ attempts, winner, interrupted }: RunEnd): number {
  if (interrupted !== undefined) return interrupted === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  if (winner?.verdict === "reached") return EXIT.reached;
  return isRefusedHere(attempts) ? EXIT.refusedHere : EXIT.notReached;
}

/** Every attempt was kept back by this host. */
export function isRefusedHere(attempts: readonly Attempt[]): boolean {
  return attempts.length > 0 && attempts.every(({ verdict }) => verdict !== undefined && REFUSED_HERE.has(verdict));
}

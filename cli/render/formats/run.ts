import type { Attempt, Names, Route } from "../../../core/mod.ts";
import type { RunEnd, RunHead } from "../../result.ts";

/** A run at its end, as every format is made from it. */
export interface FinishedRun {
  readonly head: RunHead;
  readonly end: RunEnd;
  readonly names: Names;
}

/** The whole text of a document, its last newline included. */
export type RunFormat = (run: FinishedRun) => string;

/** What the winner's packets bore as their source; undefined where this host would not say. */
export function sourceOf({ head }: FinishedRun): Route["source"] | undefined {
  return head.route?.source;
}

/** Microseconds are as fine as any stamp here; null where it was not measured. */
export function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1000) / 1000;
}

export function protocolLabel({ protocol, port }: Pick<Attempt, "protocol" | "port">): string {
  return port === null ? protocol : `${protocol}:${port}`;
}

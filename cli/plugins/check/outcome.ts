import type { RunResult } from "./supervisor.ts";

/** A case with how it ended on every arrangement. */
export interface CaseResult {
  readonly name: string;
  readonly outcome: RunResult["outcome"];
  readonly runs: readonly RunResult[];
}

/** Failed where any run did; passed where all did. */
export function caseResult(name: string, runs: readonly RunResult[]): CaseResult {
  const has = (outcome: RunResult["outcome"]): boolean => runs.some((run) => run.outcome === outcome);
  return { name, runs, outcome: has("failed") ? "failed" : has("skipped") ? "skipped" : "passed" };
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** How many cases ended how. */
export function totalsOf(cases: readonly CaseResult[]): Totals {
  const count = (outcome: RunResult["outcome"]): number => cases.filter((each) => each.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

import type { Names, TraceOptions } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { exitCodeOfReport, type ReportEnd, type ReportHead } from "../render/report.ts";
import { reportDocument } from "../render/report-json.ts";
import { reportLines } from "../render/report-text.ts";
import { createPaint } from "../render/style.ts";
import type { Watched } from "../rounds.ts";
import type { Measured } from "./measured.ts";
import type { ProtocolKey } from "./protocol-run.ts";

/** All that was measured, at its end. */
export interface LiveResult {
  readonly targets: readonly Measured[];
  readonly names: Names;
  readonly ladder: readonly ProtocolKey[];
  readonly trace: TraceOptions;
  readonly intervalMs: number;
  readonly started: Date;
  readonly durationMs: number;
  /** Of the machine that measured; absent: the system's. */
  readonly localHost?: string;
}

interface Report {
  readonly head: ReportHead;
  readonly end: ReportEnd;
}

/** A report of every target, by every protocol that was in use. */
function reportsOf(result: LiveResult): readonly Report[] {
  const reportOf = ({ target, attempts, winner }: Measured, watched: Watched | undefined): Report => ({
    head: {
      command: "report",
      target: { name: target.host, address: target.address },
      route: target.route,
      trace: result.trace,
      ladder: result.ladder,
      started: result.started,
      // It was to last for as long as it did.
      cycles: watched?.table.rounds ?? 0,
      intervalMs: result.intervalMs,
      ...(result.localHost !== undefined && { localHost: result.localHost }),
    },
    end: {
      attempts,
      winner,
      durationMs: result.durationMs,
      interrupted: undefined,
      exitCode: exitCodeOfReport({ interrupted: undefined, attempts, watched }),
      ...(watched !== undefined && { watched }),
    },
  });
  return result.targets.flatMap((target) => {
    const watched = target.watched();
    return watched.length === 0 ? [reportOf(target, undefined)] : watched.map((each) => reportOf(target, each));
  });
}

/** What `nettrace report` would have printed of what was measured. */
export function endText({ stdout, env }: CommandContext, result: LiveResult): string {
  const view = { names: result.names, output: stdout, paint: createPaint(stdout, env) };
  return reportsOf(result)
    .map(({ head, end }) => reportLines(head, end, view))
    .join("\n");
}

/** The same for programs, a document of docs/schema/report-1.json each. */
export function endDocuments(result: LiveResult): string {
  return reportsOf(result)
    .map(({ head, end }) => reportDocument(head, end, result.names))
    .join("");
}

/** As `report`: 0 where every target was reached, 3 where this host let nothing out to any, 1 else. */
export function exitCodeOfTargets(targets: readonly Measured[]): number {
  const codes = targets.map(({ attempts, watched }) => {
    const all = watched();
    if (all.length === 0) return exitCodeOfReport({ interrupted: undefined, attempts });
    // They are in the order of what was achieved: the best of its protocols counts.
    return Math.min(...all.map((each) => exitCodeOfReport({ interrupted: undefined, watched: each })));
  });
  if (codes.every((code) => code === EXIT.reached)) return EXIT.reached;
  return codes.every((code) => code === EXIT.refusedHere) ? EXIT.refusedHere : EXIT.notReached;
}

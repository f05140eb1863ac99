import { type Attempt, createRoundsTable, type Names, PluginError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { isRounds } from "../record/encode.ts";
import type { RunEnd } from "../result.ts";
import { exitCodeOfReport, type ReportEnd, type ReportHead } from "./report.ts";
import { reportDocument } from "./report-json.ts";
import { reportLines } from "./report-text.ts";
import { createPaint } from "./style.ts";
import type { Reporter } from "./text.ts";

export interface RoundsReporterOptions {
  readonly head: ReportHead;
  readonly names: Names;
  readonly format: "text" | "json";
}

/**
 * The table of a report, from its events; the attempts before the rounds chose the protocol. `finish` returns the exit status of the report.
 */
export function createRoundsReporter(
  { stdout, env }: CommandContext,
  { head, names, format }: RoundsReporterOptions,
): Omit<Reporter, "finish"> & { finish(end: RunEnd): number } {
  const table = createRoundsTable();
  return {
    event(event) {
      if (event.type === "trace" && isRounds(event.attempt)) table.apply(event.event);
    },
    refresh() {},
    finish({ attempts: all, durationMs, interrupted, droppedHere }) {
      const rounds = all.find(isRounds);
      const attempts = all.filter((each) => each !== rounds);
      const winner = attempts.find(({ verdict }) => verdict === "reached");
      const watched = rounds && { ...nameOf(rounds), table, error: table.stoppedBy, isUnopened: isUnopened(rounds) };
      const exitCode = exitCodeOfReport({ interrupted, attempts, watched });
      const base = { attempts, winner, durationMs, interrupted, droppedHere };
      const end: ReportEnd = { ...base, exitCode, ...(watched && { watched }) };
      if (format === "json") stdout.write(reportDocument(head, end, names));
      else stdout.write(reportLines(head, end, { names, output: stdout, paint: createPaint(stdout, env) }));
      return exitCode;
    },
  };
}

function nameOf({ protocol, port, mode }: Attempt): Pick<Attempt, "protocol" | "port" | "mode"> {
  return { protocol, port, mode };
}

function isUnopened({ path }: Attempt): boolean {
  return path.sent === 0 && !(path.stoppedBy instanceof PluginError);
}

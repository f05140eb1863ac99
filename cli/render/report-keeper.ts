import type { Attempt, AutoEvent, Names, TraceEvent } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import type { CommonOptions } from "../options.ts";
import type { Watched } from "../rounds.ts";
import { createDocumentWriter } from "./document.ts";
import type { ReportEnd, ReportHead } from "./report.ts";
import { createRoundsAttempt, type RoundsAttempt } from "./rounds-attempt.ts";
import type { Reporter } from "./text.ts";

/**
 * What a report keeps beside its table: the recording, and for the formats that know every probe of a path, all of them.
 * For the table alone nothing is kept.
 */
export interface ReportKeeper {
  /** An event of the quick trace that chooses the protocol. */
  searching(event: AutoEvent): void;
  /** The rounds begin, as attempt `index`. */
  begin(index: number, name: Pick<Attempt, "protocol" | "port">, nowMs: number): void;
  watching(event: TraceEvent): void;
  settle(watched: Watched, nowMs: number): void;
  finish(end: ReportEnd): void;
}

/** Throws UsageError where the recording cannot be written. */
export async function createKeeper(
  context: CommandContext,
  head: ReportHead,
  { format, record }: CommonOptions,
  names: Names,
): Promise<ReportKeeper> {
  const recorders: Reporter[] = [];
  if (record !== undefined) {
    const { openRecording } = await import("../record/file.ts");
    recorders.push(openRecording(record, { head, names }, context.opened?.(record)));
  }
  if (format === "jsonl") {
    const { createRecorder } = await import("../record/recorder.ts");
    recorders.push(createRecorder({ head, names, write: (line) => context.stdout.write(line) }));
  }
  const isDocument = format !== "text" && format !== "json" && format !== "jsonl";
  const write = isDocument ? await createDocumentWriter(format) : undefined;
  const isKept = isDocument || recorders.length > 0;
  let attempt: RoundsAttempt | undefined;
  const tell = (event: AutoEvent): void => {
    for (const each of recorders) each.event(event);
  };
  return {
    searching: tell,
    begin(index, name, nowMs) {
      if (!isKept) return;
      attempt = createRoundsAttempt(index, name, nowMs);
      tell({ type: "attempt-started", attempt });
    },
    watching(event) {
      if (attempt === undefined) return;
      if (isDocument) attempt.apply(event);
      tell({ type: "trace", attempt, event });
    },
    settle(watched, nowMs) {
      if (attempt === undefined) return;
      attempt.settle(watched, nowMs);
      tell({ type: "attempt-ended", attempt });
    },
    finish(end) {
      const attempts = attempt === undefined ? end.attempts : [...end.attempts, attempt];
      const run = { ...end, attempts, winner: attempt ?? end.winner };
      for (const each of recorders) each.finish(run);
      if (write === undefined) return;
      // A round is a query of each hop.
      const rounds = { ...head, trace: { ...head.trace, queries: head.cycles } };
      context.stdout.write(write({ head: rounds, end: run, names }));
    },
  };
}

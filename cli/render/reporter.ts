import type { Names } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import type { OutputFormat } from "../formats.ts";
import type { RunHead } from "../result.ts";
import { createProgress } from "./progress.ts";
import { createPaint } from "./style.ts";
import { createTextReporter, type Reporter } from "./text.ts";

export interface ReporterChoice {
  readonly head: RunHead;
  readonly names: Names;
  readonly format: OutputFormat;
  /** A file that gets every event as well. */
  readonly record?: string | undefined;
}

/** What shows a run, in the format asked for. Throws UsageError where the recording cannot be written. */
export async function createReporter(context: CommandContext, choice: ReporterChoice): Promise<Reporter> {
  const shown = await createShown(context, choice);
  if (choice.record === undefined) return shown;
  const { openRecording } = await import("../record/file.ts");
  const recorded = openRecording(choice.record, choice, context.opened?.(choice.record));
  const both = [recorded, shown];
  return {
    event: (event) => {
      for (const each of both) each.event(event);
    },
    refresh: () => shown.refresh(),
    finish: (end) => {
      for (const each of both) each.finish(end);
    },
  };
}

async function createShown(context: CommandContext, { head, names, format }: ReporterChoice): Promise<Reporter> {
  const output = context.stdout;
  const progress = createProgress(context.stderr, context.env);
  if (format === "text") {
    return createTextReporter({ head, output, progress, names, paint: createPaint(output, context.env) });
  }
  if (format === "jsonl") {
    const { createRecorder } = await import("../record/recorder.ts");
    return createRecorder({ head, names, write: (line) => output.write(line) });
  }
  const { createDocumentReporter } = await import("./document.ts");
  return createDocumentReporter(format, { head, output, progress, names });
}

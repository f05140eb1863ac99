import type { Names } from "../../core/mod.ts";
import type { Output } from "../context.ts";
import type { OutputFormat } from "../formats.ts";
import type { RunHead } from "../result.ts";
import type { FinishedRun, RunFormat } from "./formats/run.ts";
import type { Progress } from "./progress.ts";
import type { Reporter } from "./text.ts";

/** Formats that are one document at the end; loaded when they are asked for. */
const DOCUMENTS: Readonly<Record<Exclude<OutputFormat, "text" | "jsonl">, () => Promise<RunFormat>>> = {
  json: async () => (await import("./json.ts")).json,
  csv: async () => (await import("./formats/csv.ts")).csv,
  markdown: async () => (await import("./formats/markdown.ts")).markdown,
  "mtr-json": async () => (await import("./formats/mtr-json.ts")).mtrJson,
  atlas: async () => (await import("./formats/atlas.ts")).atlas,
  "scamper-json": async () => (await import("./formats/scamper.ts")).scamperJson,
  dot: async () => (await import("./formats/dot.ts")).dot,
  mermaid: async () => (await import("./formats/mermaid.ts")).mermaid,
};

/** Writes a finished run in a format. */
export function createDocumentWriter(format: keyof typeof DOCUMENTS): Promise<RunFormat> {
  return DOCUMENTS[format]();
}

export interface DocumentReporterOptions {
  readonly head: RunHead;
  readonly output: Output;
  readonly progress: Progress;
  readonly names: Names;
}

/** One document at the end. */
export async function createDocumentReporter(
  format: keyof typeof DOCUMENTS,
  { head, output, progress, names }: DocumentReporterOptions,
): Promise<Reporter> {
  const write = await createDocumentWriter(format);
  return {
    event(event) {
      if (event.type === "trace") progress.show(event.attempt);
    },
    refresh() {},
    finish(end) {
      progress.clear();
      const run: FinishedRun = { head, end, names };
      output.write(write(run));
    },
  };
}

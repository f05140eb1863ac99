import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type Names, noNames, UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { echo } from "../host.ts";
import { checkFormat, checkSpeed } from "../options.ts";
import { FieldError } from "../record/fields.ts";
import { createPlayer } from "../record/player.ts";
import type { ReportHead } from "../render/report.ts";
import { createReporter } from "../render/reporter.ts";
import { createRoundsReporter } from "../render/rounds-reporter.ts";
import { exitCodeOf, type RunHead } from "../result.ts";

export interface ReplayArguments {
  readonly file: string;
  readonly options: { readonly format?: string | undefined; readonly speed?: string | undefined };
}

/** A line of a recording has at most some label stacks in it. */
const MAX_LINE = 64 * 1024;

/**
 * `nettrace replay FILE`: shows a recorded run as it was shown, or in any other format; the exit status is the run's.
 * Names are the recorded ones: nobody is asked.
 */
export async function runReplay(context: CommandContext, { file, options }: ReplayArguments): Promise<number> {
  const format = checkFormat(options.format);
  const speed = checkSpeed(options.speed);
  const lines = await readLines(file);
  const { head, names, sound } = check(file, lines);
  const reporter =
    "cycles" in head && (format === "text" || format === "json")
      ? createRoundsReporter(context, { head, names, format })
      : await createReporter(context, { head: format === "jsonl" ? head : asRun(head), names, format });
  const player = createPlayer();
  const startMs = performance.now();
  for (const line of lines.slice(0, sound)) {
    const played = player.line(line);
    if (played?.type === "event") {
      if (speed !== undefined) await until(startMs + (played.atMs ?? 0) / speed);
      reporter.event(played.event);
    } else if (played?.type === "end") {
      return reporter.finish(played.end) ?? exitCodeOf(played.end);
    }
  }
  const end = player.cut();
  const exitCode = reporter.finish(end) ?? exitCodeOf(end);
  context.stderr.write(`nettrace: the recording ends before its run did: this is what it holds\n`);
  return exitCode;
}

/** A round is a query of each hop, for those formats that know no rounds. */
function asRun(head: RunHead | ReportHead): RunHead {
  return "cycles" in head ? { ...head, trace: { ...head.trace, queries: head.cycles } } : head;
}

interface Checked {
  readonly head: RunHead | ReportHead;
  readonly names: Names;
  /** How many lines can be played. */
  readonly sound: number;
}

/** Reads all of it before anything is shown. Throws UsageError with the first line that is wrong. */
function check(file: string, lines: readonly string[]): Checked {
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot replay ${echo(file)}: ${why}`);
  };
  const player = createPlayer();
  const texts = new Map<string, string>();
  let head: RunHead | ReportHead | undefined;
  let sound = 0;
  for (const line of lines) {
    try {
      const played = player.line(line);
      if (played?.type === "head") head = played.head;
      if (played?.type === "name") texts.set(played.address, played.name);
      sound += 1;
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      // What writes a recording may be killed in the middle of a line.
      if (head !== undefined && sound === lines.length - 1) break;
      refuse(`line ${sound + 1}: ${error.message}`);
    }
  }
  if (head === undefined) return refuse("it is empty");
  return { head, names: { ...noNames, of: ({ text }) => texts.get(text) }, sound };
}

async function readLines(file: string): Promise<readonly string[]> {
  const lines: string[] = [];
  try {
    const input = createReadStream(file, { encoding: "utf8" });
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.length > MAX_LINE)
        throw new UsageError(`Cannot replay ${echo(file)}: line ${lines.length + 1} is too long`);
      if (line.trim() !== "") lines.push(line);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof Error && "code" in error ? error.code : error;
    throw new UsageError(`Cannot replay ${echo(file)}: it cannot be read (${why})`);
  }
  return lines;
}

async function until(atMs: number): Promise<void> {
  const leftMs = atMs - performance.now();
  if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
}

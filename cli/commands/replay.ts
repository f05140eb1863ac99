import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type Names, noNames, UsageError } from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { echo } from "../host.ts";
import { checkTerminal, loadScreen } from "../live/terminal-check.ts";
import { checkFormat, checkSpeed } from "../options.ts";
import { FieldError } from "../record/fields.ts";
import { createPlayer, type Played } from "../record/player.ts";
import type { LiveHead, ReportHead } from "../render/report.ts";
import { createReporter } from "../render/reporter.ts";
import { createRoundsReporter } from "../render/rounds-reporter.ts";
import { exitCodeOf, type RunEnd, type RunHead } from "../result.ts";
import type { RecordedRun } from "./replay-live.ts";

export interface ReplayArguments {
  readonly file: string;
  readonly options: {
    readonly format?: string | undefined;
    readonly speed?: string | undefined;
    readonly live?: true | undefined;
  };
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
  if (options.live && options.format !== undefined) {
    throw new UsageError("Cannot use --live with --format: the live screen prints its report at the end");
  }
  const checked = check(file, await readLines(file));
  const { head, names } = checked;
  const rounds = "cycles" in head ? { ...checked, head } : undefined;
  if (options.live && rounds === undefined) {
    throw new UsageError(`Cannot show ${echo(file)} on the live screen: nettrace ${head.command} has no rounds`);
  }
  if (options.live) checkTerminal(context, "without --live it is printed");
  const isLive = head.command === "live" && options.format === undefined && canShow(context);
  const until = timed(speed);
  if (rounds !== undefined && (options.live || isLive)) {
    const { showReplay } = await loadScreen(() => import("../live/show-replay.ts"));
    const shown = options.speed === undefined ? 1 : speed;
    return warned(context, checked, await showReplay(context, rounds, shown));
  }
  if (rounds !== undefined && "targets" in head) {
    const { printLive } = await import("./replay-live.ts");
    const code = await printLive(context, { ...rounds, head }, format, until);
    return warned(context, checked, code);
  }
  const reporter =
    "cycles" in head && (format === "text" || format === "json")
      ? createRoundsReporter(context, { head, names, format })
      : await createReporter(context, { head: format === "jsonl" ? head : asRun(head), names, format });
  for (const played of checked.lines()) {
    if (played.type === "event") {
      await until(played.atMs);
      reporter.event(played.event);
    } else if (played.type === "end") {
      return reporter.finish(played.end) ?? exitCodeOf(played.end);
    }
  }
  const { end } = checked;
  return warned(context, checked, reporter.finish(end) ?? exitCodeOf(end));
}

function warned({ stderr }: CommandContext, { isCut }: Checked, exitCode: number): number {
  if (isCut) stderr.write("nettrace: the recording ends before its run did: this is what it holds\n");
  return exitCode;
}

/** Whether the live screen can be shown; where nobody asked for it, text will do. */
function canShow(context: CommandContext): boolean {
  try {
    checkTerminal(context, "");
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** A round is a query of each hop, for those formats that know no rounds. */
function asRun(head: RunHead | ReportHead): RunHead {
  return "cycles" in head ? { ...head, trace: { ...head.trace, queries: head.cycles } } : head;
}

interface Checked extends RecordedRun {
  readonly head: RunHead | ReportHead | LiveHead;
  readonly names: Names;
  readonly modes: ReadonlyMap<number, string | null>;
  readonly interrupted: InterruptSignal | undefined;
  /** The lines that can be played, as they were written. */
  readonly raw: readonly string[];
  /** Reads them, from the first one. */
  readonly lines: () => Iterable<Played>;
  readonly isCut: boolean;
}

/** Reads all of it before anything is shown. Throws UsageError with the first line that is wrong. */
function check(file: string, all: readonly string[]): Checked {
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot replay ${echo(file)}: ${why}`);
  };
  const player = createPlayer();
  const texts = new Map<string, string>();
  let head: Checked["head"] | undefined;
  let end: RunEnd | undefined;
  let sound = 0;
  for (const line of all) {
    try {
      const played = player.line(line);
      if (played?.type === "head") head = played.head;
      if (played?.type === "name") texts.set(played.address, played.name);
      if (played?.type === "end") ({ end } = played);
      sound += 1;
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      // What writes a recording may be killed in the middle of a line.
      if (head !== undefined && sound === all.length - 1) break;
      refuse(`line ${sound + 1}: ${error.message}`);
    }
  }
  if (head === undefined) return refuse("it is empty");
  const raw = all.slice(0, sound);
  return {
    head,
    names: { ...noNames, of: ({ text }) => texts.get(text) },
    modes: new Map(player.attempts.map(({ index, mode }) => [index, mode])),
    interrupted: end?.interrupted,
    end: end ?? player.cut(),
    attempts: player.attempts,
    isCut: end === undefined,
    raw,
    lines: () => playLines(raw),
  };
}

function* playLines(lines: readonly string[]): Generator<Played> {
  const player = createPlayer();
  for (const line of lines) {
    const played = player.line(line);
    if (played !== undefined) yield played;
  }
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

/** Waits until it is time for a line; without a speed there is nothing to wait for. */
function timed(speed: number | undefined): (atMs: number) => Promise<void> {
  const startMs = performance.now();
  return async (atMs) => {
    const leftMs = speed === undefined ? 0 : startMs + atMs / speed - performance.now();
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
  };
}

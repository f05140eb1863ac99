import { UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { echo } from "../host.ts";
import { checkTerminal, loadScreen } from "../live/terminal-check.ts";
import { checkFormat, checkSpeed } from "../options.ts";
import { type Recording, readRecording } from "../record/read.ts";
import type { ReportHead } from "../render/report.ts";
import { createReporter } from "../render/reporter.ts";
import { createRoundsReporter } from "../render/rounds-reporter.ts";
import { exitCodeOf, type RunHead } from "../result.ts";

export interface ReplayArguments {
  readonly file: string;
  readonly options: {
    readonly format?: string | undefined;
    readonly speed?: string | undefined;
    readonly live?: true | undefined;
  };
}

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
  const checked = await readRecording(file);
  const { head, names } = checked;
  const rounds = "cycles" in head ? { ...checked, head } : undefined;
  if (options.live && rounds === undefined) {
    throw new UsageError(`Cannot show ${echo(file)} on the live screen: nettrace ${head.command} has no rounds`);
  }
  const until = timed(speed);
  const isWanted = options.live || (head.command === "live" && options.format === undefined);
  const screen = rounds !== undefined && isWanted ? await findScreen(context, options.live === true) : undefined;
  if (rounds !== undefined && screen !== undefined) {
    const shown = options.speed === undefined ? 1 : speed;
    return warned(context, checked, await screen.showReplay(context, rounds, shown));
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

function warned({ stderr }: CommandContext, { isCut }: Recording, exitCode: number): number {
  if (isCut) stderr.write("nettrace: the recording ends before its run did: this is what it holds\n");
  return exitCode;
}

/** The live screen. Where nobody asked for it by name and there can be none, undefined: text will do. Throws UsageError. */
async function findScreen(
  context: CommandContext,
  isAsked: boolean,
): Promise<typeof import("../live/show-replay.ts") | undefined> {
  try {
    checkTerminal(context, "without --live it is printed");
    return await loadScreen(() => import("../live/show-replay.ts"));
  } catch (error) {
    if (isAsked || !(error instanceof UsageError)) throw error;
    return undefined;
  }
}

/** A round is a query of each hop, for those formats that know no rounds. */
function asRun(head: RunHead | ReportHead): RunHead {
  return "cycles" in head ? { ...head, trace: { ...head.trace, queries: head.cycles } } : head;
}

/** Waits until it is time for a line; without a speed there is nothing to wait for. */
function timed(speed: number | undefined): (atMs: number) => Promise<void> {
  const startMs = performance.now();
  return async (atMs) => {
    const leftMs = speed === undefined ? 0 : startMs + atMs / speed - performance.now();
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
  };
}

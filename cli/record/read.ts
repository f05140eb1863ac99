import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type Names, noNames, UsageError } from "../../core/mod.ts";
import type { InterruptSignal } from "../context.ts";
import { echo } from "../host.ts";
import type { LiveHead, ReportHead } from "../render/report.ts";
import type { RunEnd, RunHead } from "../result.ts";
import { FieldError } from "./fields.ts";
import { createPlayer, type Played, type PlayedAttempt } from "./player.ts";

/** A line of a recording has at most some label stacks in it. */
const MAX_LINE = 64 * 1024;

/** A recording that was read and found sound. */
export interface Recording {
  readonly head: RunHead | ReportHead | LiveHead;
  readonly names: Names;
  readonly modes: ReadonlyMap<number, string | null>;
  readonly interrupted: InterruptSignal | undefined;
  readonly attempts: readonly PlayedAttempt[];
  /** What is known at the end; of a recording that was cut off, until then. */
  readonly end: RunEnd;
  /** The lines that can be played, as they were written. */
  readonly raw: readonly string[];
  /** Reads them, from the first one. */
  readonly lines: () => Iterable<Played>;
  readonly isCut: boolean;
}

/** Reads all of it before anything is shown. Throws UsageError with the first line that is wrong. */
export async function readRecording(file: string): Promise<Recording> {
  const all = await readLines(file);
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot replay ${echo(file)}: ${why}`);
  };
  const player = createPlayer();
  const texts = new Map<string, string>();
  let head: Recording["head"] | undefined;
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

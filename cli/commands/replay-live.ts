import type { CommandContext } from "../context.ts";
import type { OutputFormat } from "../formats.ts";
import { exitCodeOfReplay, playAll } from "../live/replay-session.ts";
import { endDocuments, endText, type LiveResult } from "../live/report.ts";
import { printableJson } from "../printable.ts";
import type { Recording } from "../record/read.ts";
import { attemptLabel } from "../render/attempt.ts";
import { createDocumentWriter } from "../render/document.ts";
import type { LiveHead } from "../render/report.ts";

/** With a head of its own kind. */
type LiveRecording = Recording & { readonly head: LiveHead };

/** A recording of `live` without its screen: what it printed at its end, or in another format, target by target. */
export async function printLive(
  context: CommandContext,
  recording: LiveRecording,
  format: OutputFormat,
  until: (atMs: number) => Promise<void>,
): Promise<number> {
  const { stdout } = context;
  const result = await playAll(recording, until);
  if (format === "text") stdout.write(endText(context, result));
  else if (format === "json") stdout.write(endDocuments(result));
  else if (format === "jsonl") for (const line of recording.raw) stdout.write(`${printableJson(JSON.parse(line))}\n`);
  else await printRuns(context, recording, result, format);
  return exitCodeOfReplay(recording, result);
}

/** A round is a query of each hop, for those formats that know no rounds; of several protocols the latest counts. */
async function printRuns(
  { stdout }: CommandContext,
  { head, attempts: all, end, names }: LiveRecording,
  { targets }: LiveResult,
  format: Exclude<OutputFormat, "text" | "json" | "jsonl">,
): Promise<void> {
  const write = await createDocumentWriter(format);
  for (const [index, { host, address, route }] of head.targets.entries()) {
    const attempts = all.filter(({ target }) => target === index);
    const latest = targets[index]?.watched().at(-1);
    const label = latest && attemptLabel(latest);
    const winner = attempts.find((each) => each.isRounds && attemptLabel(each) === label);
    const queries = latest?.table.rounds ?? 0;
    stdout.write(
      write({
        head: { ...head, target: { name: host, address }, route, trace: { ...head.trace, queries } },
        end: { ...end, attempts, winner },
        names,
      }),
    );
  }
}

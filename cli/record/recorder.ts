import type { Names } from "../../core/mod.ts";
import { printableJson } from "../printable.ts";
import type { Reporter } from "../render/text.ts";
import type { RunHead } from "../result.ts";
import { endLine, eventLine, headLine, nameLine } from "./encode.ts";

export interface RecorderOptions {
  readonly head: RunHead;
  readonly names: Names;
  /** Gets whole lines. */
  readonly write: (line: string) => void;
}

/** Every event of a run as a JSON line, as it comes: the lossless form, from which every report can be made again. */
export function createRecorder({ head, names, write }: RecorderOptions): Reporter {
  const responders = new Map<string, { readonly text: string }>();
  let startMs: number | undefined;
  const line = (value: object | undefined): void => {
    if (value !== undefined) write(`${printableJson(value)}\n`);
  };
  line(headLine(head));
  return {
    event(event) {
      if (event.type === "attempt-started") startMs ??= event.attempt.startedMs;
      line(eventLine(event, startMs ?? 0));
      if (event.type !== "trace" || !("reply" in event.event)) return;
      const { from } = event.event.reply;
      responders.set(from.text, from);
    },
    refresh() {},
    finish(end) {
      for (const { reply } of end.attempts.flatMap(({ path }) => path.hops().flatMap(({ probes }) => probes))) {
        const name = reply && names.of(reply.from);
        if (reply === undefined || name === undefined || !responders.delete(reply.from.text)) continue;
        line(nameLine(reply.from.text, name));
      }
      line(endLine(end));
    },
  };
}

import type { IpAddress, Names } from "../../core/mod.ts";
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
  const responders = new Map<string, IpAddress>();
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
      for (const from of responders.values()) {
        const name = names.of(from);
        if (name !== undefined) line(nameLine(from.text, name));
      }
      line(endLine(end));
    },
  };
}

import type { Attempt } from "../../core/mod.ts";
import type { Output } from "../context.ts";
import { attemptLabel } from "./attempt.ts";

/** One line that says what goes on, on a terminal only, gone before anything else is written. */
export interface Progress {
  show(attempt: Attempt): void;
  tell(text: string): void;
  clear(): void;
}

const CLEAR = "\r\x1b[K";

export function createProgress(output: Output, env: Readonly<Record<string, string | undefined>>): Progress {
  if (!output.isTerminal || env["TERM"] === "dumb") return { show() {}, tell() {}, clear() {} };
  let shown = "";
  const tell = (whole: string): void => {
    const text = whole.slice(0, (output.columns || 80) - 1);
    if (text === shown) return;
    shown = text;
    output.write(CLEAR + text);
  };
  return {
    show(attempt) {
      const { path } = attempt;
      const where = path.farthestHop === undefined ? "no answer yet" : `hop ${path.farthestHop}`;
      tell(`${attemptLabel(attempt)}: ${where}`);
    },
    tell,
    clear() {
      if (shown === "") return;
      shown = "";
      output.write(CLEAR);
    },
  };
}

/** What brings a terminal from one frame to the next: rows that are as they were are not written again. */
export interface FrameWriter {
  /** Empty where there is nothing to write. Each line fits into the terminal's columns, all of them into its rows. */
  next(lines: readonly string[]): string;
  /** Nothing is known any more of what the terminal shows. */
  forget(): void;
}

// ECMA-48 §8.3, DEC private modes: 2026 has a terminal that knows it show the whole frame at once; without 7 a row that is
// wider than was thought is cut there, and does not spoil the one below.
const BEGIN = "\x1b[?2026h\x1b[?7l";
const END = "\x1b[?7h\x1b[?2026l";
const CLEAR = "\x1b[H\x1b[2J";
const CLEAR_ROW = "\x1b[K";

export function createFrameWriter(): FrameWriter {
  let shown: readonly string[] | undefined;
  return {
    next(lines) {
      const before = shown ?? [];
      let text = "";
      for (let at = 0; at < Math.max(lines.length, before.length); at += 1) {
        const line = lines[at] ?? "";
        if (line === (before[at] ?? "")) continue;
        // Cleared first: behind a row's last column there is nothing left to clear but that column itself.
        text += `\x1b[${at + 1};1H${before[at] ? CLEAR_ROW : ""}${line}`;
      }
      const isFresh = shown === undefined;
      shown = lines;
      if (text === "" && !isFresh) return "";
      return `${BEGIN}${isFresh ? CLEAR : ""}${text}${END}`;
    },
    forget() {
      shown = undefined;
    },
  };
}

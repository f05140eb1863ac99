import type { Attempt, Verdict } from "../../core/mod.ts";
import { printable } from "../printable.ts";
import type { Paint, Style } from "./style.ts";
import { wrapPieces } from "./wrap.ts";

/** Where traceroutes over UDP have always begun: a number that tells a reader nothing. */
const TRACEROUTE_PORT = 33_434;

/** What an attempt is called: `tcp-syn:443`, `icmp`. */
export function attemptLabel({ protocol, port }: Pick<Attempt, "protocol" | "port">): string {
  return printable(port === null || port === TRACEROUTE_PORT ? protocol : `${protocol}:${port}`);
}

/** Why it ended so, with the errno where there is one. */
export function whyOf({ errno, reason }: Attempt): string {
  return printable([errno, reason].filter((part) => part !== null && part !== "").join(": "));
}

const COLUMNS = { mode: 12, verdict: 12, hops: 4, ms: 5 } as const;
const GAP = "  ";

/** How the ladder is laid out. */
export interface LadderView {
  readonly paint: Paint;
  /** Width of the terminal; absent: lines are not wrapped. */
  readonly width: number | undefined;
  /** Width of the first column. */
  readonly labelWidth: number;
}

const STYLES: Readonly<Record<Verdict, Style>> = {
  reached: "good",
  filtered: "warn",
  unreachable: "warn",
  exhausted: "warn",
  denied: "bad",
  unprivileged: "bad",
  unroutable: "bad",
  unsupported: "bad",
  faulty: "bad",
  abandoned: "dim",
};

/** Width of the first column for a ladder. */
export function labelWidthOf(ladder: readonly Pick<Attempt, "protocol" | "port">[]): number {
  return Math.max("protocol".length, ...ladder.map((rung) => attemptLabel(rung).length));
}

export function ladderHeading({ paint, labelWidth }: LadderView): string {
  const start = rowStart("protocol", "mode", labelWidth);
  return paint("dim", `${start}${rowEnd("verdict", "verdict", "hops", "ms")}why`);
}

/** One attempt as a line of the ladder; the reason wraps under the second column where a width is given. */
export function ladderLines(attempt: Attempt, { paint, width, labelWidth }: LadderView): string[] {
  const { verdict, mode, durationMs, path } = attempt;
  const isOver = verdict !== undefined;
  const word = verdict ?? (path.reached ? "reached" : "tracing");
  const style = verdict === undefined ? "dim" : STYLES[verdict];
  const hops = isOver ? String(path.farthestHop ?? "-") : "...";
  const ms = isOver && durationMs !== undefined ? formatMs(durationMs) : "...";
  const start = rowStart(attemptLabel(attempt), printable(mode ?? "-"), labelWidth);
  const end = rowEnd(word, paint(style, word), hops, ms);
  const pieces = whyOf(attempt)
    .split(" ")
    .map((text, at) => ({ text: at === 0 ? start + end + text : text, gap: " " }));
  return wrapPieces(pieces, width, labelWidth + GAP.length).map((line) => line.trimEnd());
}

function rowStart(label: string, mode: string, labelWidth: number): string {
  return label.padEnd(labelWidth) + GAP + mode.padEnd(COLUMNS.mode) + GAP;
}

/** `painted` is the verdict with its style, which takes no room. */
function rowEnd(verdict: string, painted: string, hops: string, ms: string): string {
  const padding = " ".repeat(Math.max(0, COLUMNS.verdict - verdict.length));
  return painted + padding + GAP + hops.padStart(COLUMNS.hops) + GAP + ms.padStart(COLUMNS.ms) + GAP;
}

/** Whole milliseconds; tenths below ten. */
export function formatMs(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0);
}

import type { ScanCounts } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";

/** A line on the terminal that tells how far a scan has come. */
export interface Progress {
  /** Draws it anew, if that is due. */
  update(nowMs: number, finished: number, counts: ScanCounts): void;
  /** Takes it off, before anything else is written. */
  clear(): void;
}

const EVERY_MS = 500;
const CLEAR = "\r\x1b[K";
/** The rate that is shown is that of so long. */
const RATE_MS = 5000;

/** On stderr, and only where that is a terminal. `earlier`: rows of runs before this one. */
export function createProgress({ stderr, env }: CommandContext, count: number, earlier: number): Progress {
  if (!stderr.isTerminal || env["TERM"] === "dumb") return { update: () => undefined, clear: () => undefined };
  const samples: { readonly atMs: number; readonly sent: number }[] = [];
  let startedMs: number | undefined;
  let drawnMs = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    update(nowMs, finished, { sent, answered, congested }) {
      startedMs ??= nowMs;
      if (nowMs - drawnMs < EVERY_MS) return;
      drawnMs = nowMs;
      samples.push({ atMs: nowMs, sent });
      while ((samples[0]?.atMs ?? nowMs) < nowMs - RATE_MS) samples.shift();
      const first = samples[0] ?? { atMs: nowMs, sent };
      const rate = nowMs > first.atMs ? ((sent - first.sent) * 1000) / (nowMs - first.atMs) : undefined;
      const perMs = (finished - earlier) / (nowMs - startedMs);
      const leftMs = perMs > 0 ? (count - finished) / perMs : undefined;
      const parts = [
        `${number(finished)} of ${number(count)} targets`,
        ...(rate === undefined ? [] : [`${number(Math.round(rate))} probes/s`]),
        ...(sent === 0 ? [] : [`${Math.round((100 * answered) / sent)} % answered`]),
        ...(congested === 0 ? [] : [`${number(congested)} held back by a full queue`]),
        ...(leftMs === undefined ? [] : [`${duration(leftMs)} left`]),
      ];
      stderr.write(CLEAR + parts.join("  ").slice(0, (stderr.columns ?? 80) - 1));
      isShown = true;
    },
    clear() {
      if (isShown) stderr.write(CLEAR);
      isShown = false;
    },
  };
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** `9 s`, `4:05 min`, `2:10 h`. */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`;
  return `${Math.floor(seconds / 3600).toLocaleString("en-US")}:${two(Math.floor((seconds % 3600) / 60))} h`;
}

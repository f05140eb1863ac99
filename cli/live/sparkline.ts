import type { RoundEntry } from "../../core/mod.ts";
import type { Span, Tone } from "./line.ts";
import { span } from "./line.ts";
import { type Threshold, toneOf } from "./thresholds.ts";

/** The signs of a history, one for each round. */
export interface Glyphs {
  /** From the fastest to the slowest answer. */
  readonly levels: readonly string[];
  readonly lost: string;
  /** Answered, the time is unknown. */
  readonly unmeasured: string;
  readonly pending: string;
  /** This host refused. */
  readonly failed: string;
  /** Not waited for. */
  readonly abandoned: string;
}

export const BLOCKS: Glyphs = {
  levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
  lost: "×",
  unmeasured: "~",
  pending: "·",
  failed: "-",
  abandoned: " ",
};

/** For terminals that know ASCII only, and for those who want to read numbers: the level, 1 to 8. */
export const DIGITS: Glyphs = {
  levels: ["1", "2", "3", "4", "5", "6", "7", "8"],
  lost: "x",
  unmeasured: "~",
  pending: ".",
  failed: "-",
  abandoned: " ",
};

/** Round-trip times as levels, logarithmically: a path has fractions of a millisecond and hundreds of them. */
export interface Scale {
  readonly lowMs: number;
  readonly highMs: number;
  /** 0 to 7. */
  levelOf(rttMs: number): number;
}

const LEVELS = 8;
/** Noise must not look like a mountain range. */
const LEAST_SPAN = 8;
/** Milliseconds; what is below cannot be told apart. */
const LEAST_MS = 0.01;

/** One scale for all histories given, so that they can be compared; undefined where nothing was measured. */
export function scaleOf(histories: readonly (readonly RoundEntry[])[]): Scale | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const history of histories) {
    for (const { rttMs } of history) {
      if (rttMs === undefined) continue;
      low = Math.min(low, rttMs);
      high = Math.max(high, rttMs);
    }
  }
  if (low > high) return undefined;
  const lowMs = Math.max(LEAST_MS, low);
  const highMs = Math.max(high, lowMs * LEAST_SPAN);
  const ratio = Math.log(highMs / lowMs);
  return {
    lowMs,
    highMs,
    levelOf: (rttMs) => Math.min(LEVELS - 1, Math.max(0, Math.floor((LEVELS * Math.log(rttMs / lowMs)) / ratio))),
  };
}

/** The latest rounds of a history, the last one at the right; neighbours of the same tone share a span. */
export function sparkline(
  history: readonly RoundEntry[],
  columns: number,
  scale: Scale | undefined,
  glyphs: Glyphs,
  threshold: Threshold,
): Span[] {
  const spans: Span[] = [];
  let text = "";
  let tone: Tone | undefined;
  for (let at = Math.max(0, history.length - columns); at < history.length; at += 1) {
    const entry = history[at];
    if (entry === undefined) continue;
    const next = toneOfEntry(entry, scale, threshold);
    if (next !== tone && text !== "") {
      spans.push(span(text, tone));
      text = "";
    }
    tone = next;
    text += glyphOf(entry, scale, glyphs);
  }
  if (text !== "") spans.push(span(text, tone));
  return spans;
}

const TONES: Readonly<Record<RoundEntry["state"], Tone | undefined>> = {
  pending: "dim",
  answered: "good",
  late: "warn",
  lost: "lost",
  abandoned: undefined,
  failed: "bad",
  never: undefined,
};

/** One round of a history. */
export function signOf(entry: RoundEntry, scale: Scale | undefined, glyphs: Glyphs, threshold: Threshold): Span {
  return span(glyphOf(entry, scale, glyphs), toneOfEntry(entry, scale, threshold));
}

function toneOfEntry({ state, rttMs }: RoundEntry, scale: Scale | undefined, threshold: Threshold): Tone | undefined {
  const isTimed = rttMs !== undefined && scale !== undefined && (state === "answered" || state === "late");
  return (isTimed ? toneOf(rttMs, threshold) : undefined) ?? TONES[state];
}

function glyphOf({ state, rttMs }: RoundEntry, scale: Scale | undefined, glyphs: Glyphs): string {
  switch (state) {
    case "lost":
    case "failed":
    case "pending":
    case "abandoned":
      return glyphs[state];
    case "never":
      return " ";
    default:
      if (rttMs === undefined || scale === undefined) return glyphs.unmeasured;
      return glyphs.levels[scale.levelOf(rttMs)] ?? glyphs.unmeasured;
  }
}

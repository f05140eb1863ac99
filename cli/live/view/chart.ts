import { formatMs } from "../columns.ts";
import { type Line, left, right, type Span, span } from "../line.ts";
import { BLOCKS, DIGITS, signOf } from "../sparkline.ts";
import type { HopState } from "../state.ts";
import { toneOf } from "../thresholds.ts";
import type { Frame } from "./frame.ts";

/** Of the times on the left. */
const LABEL = 9;

/** A hop's times over the latest rounds, the last one at the right, in so many rows; what was lost stands at the foot. */
export function chartLines({ state, size, target }: Frame, hop: HopState, rows: number): Line[] {
  const history = hop.row.history.slice(-Math.max(1, size.columns - LABEL - 1));
  const times = history.flatMap(({ rttMs }) => rttMs ?? []);
  const plot = Math.max(1, rows - 1);
  const highMs = roundUp(Math.max(0, ...times));
  const { thresholds, hasUnicode } = state;
  const glyphs = hasUnicode ? BLOCKS : DIGITS;
  const lines = Array.from({ length: plot }, (_, row): Line => {
    const floor = plot - 1 - row;
    const spans: Span[] = [
      span(`${right(axisLabel(row, plot, highMs, times.length > 0), LABEL - 2)} ${hasUnicode ? "│" : "|"}`, "dim"),
    ];
    for (const entry of history) {
      if (entry.rttMs === undefined) {
        spans.push(floor === 0 ? signOf(entry, undefined, glyphs, thresholds.rtt) : span(" "));
        continue;
      }
      const height = (entry.rttMs / highMs) * plot;
      const filled = Math.min(1, Math.max(floor === 0 ? 1 / 8 : 0, height - floor));
      spans.push(span(bar(filled, hasUnicode), toneOf(entry.rttMs, thresholds.rtt) ?? "good"));
    }
    return joined(spans);
  });
  const first = history[0];
  const rounds = first === undefined ? 0 : (history.at(-1)?.round ?? first.round) - first.round + 1;
  const spanText = `${rounds} rounds, ${((rounds * target.intervalMs) / 1000).toFixed(0)} s`;
  return [...lines, [span(`${" ".repeat(LABEL)}${left(spanText, 40)}`, "dim")]];
}

function axisLabel(row: number, rows: number, highMs: number, isMeasured: boolean): string {
  if (!isMeasured) return "";
  if (row === 0) return formatMs(highMs);
  if (row === rows - 1) return "0 ms";
  return row === Math.floor((rows - 1) / 2) ? formatMs((highMs * (rows - row)) / rows) : "";
}

function bar(filled: number, hasUnicode: boolean): string {
  if (filled <= 0) return " ";
  if (!hasUnicode) return "#";
  return BLOCKS.levels[Math.max(0, Math.round(filled * 8) - 1)] ?? "█";
}

/** The next 1, 2 or 5 of a power of ten. */
function roundUp(ms: number): number {
  if (ms <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(ms));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= ms) ?? ms;
}

function joined(spans: readonly Span[]): Line {
  const result: Span[] = [];
  for (const each of spans) {
    const last = result.at(-1);
    if (last !== undefined && last.tone === each.tone)
      result[result.length - 1] = span(last.text + each.text, last.tone);
    else result.push(each);
  }
  return result;
}

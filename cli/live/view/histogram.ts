import { formatMs } from "../columns.ts";
import { mergeBuckets } from "../histogram.ts";
import { type Line, left, right, span } from "../line.ts";
import type { HopState } from "../state.ts";
import { toneOf } from "../thresholds.ts";
import type { Frame } from "./frame.ts";

const LABEL = 18;
const COUNT = 14;

/** How many of a hop's answers took how long, over the whole run, in at most so many rows. */
export function histogramLines({ state, size }: Frame, hop: HopState, rows: number): Line[] {
  const buckets = mergeBuckets(hop.buckets, rows);
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return [[span("no time was measured", "dim")]];
  const most = Math.max(...buckets.map(({ count }) => count));
  const columns = Math.max(1, size.columns - LABEL - COUNT);
  const block = state.hasUnicode ? "█" : "#";
  return buckets.map(({ fromMs, toMs, count }): Line => {
    const length = count === 0 ? 0 : Math.max(1, Math.round((columns * count) / most));
    const label = `${right(formatMs(fromMs), 6)} - ${left(`${formatMs(toMs)} ms`, LABEL - 9)}`;
    const share = ` ${count} (${((100 * count) / total).toFixed(0)}%)`;
    return [
      span(label, "dim"),
      span(block.repeat(length), toneOf(fromMs, state.thresholds.rtt) ?? "good"),
      span(share),
    ];
  });
}

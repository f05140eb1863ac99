import type { Span } from "./line.ts";
import { right, span } from "./line.ts";
import type { HopState } from "./state.ts";
import { type Threshold, type Thresholds, toneOf } from "./thresholds.ts";
import type { ColumnSet } from "./ui.ts";

/** A column of numbers. */
export interface Column {
  /** As mtr's -o names it; H is our own. */
  readonly key: string;
  readonly title: string;
  readonly width: number;
  readonly cell: (hop: HopState, view: NumberView) => Span;
}

interface NumberView {
  readonly thresholds: Thresholds;
  /** Without colour a sign stands for it. */
  readonly hasColor: boolean;
}

type Value = (hop: HopState) => number | undefined;

const UNKNOWN = "-";

function count(key: string, title: string, width: number, value: (hop: HopState) => number): Column {
  return { key, title, width, cell: (hop) => span(right(String(value(hop)), width)) };
}

function ms(key: string, title: string, value: Value, which: "rtt" | "jitter"): Column {
  const width = 6;
  return {
    key,
    title,
    width,
    cell: (hop, view) => number(value(hop), formatMs, view.thresholds[which], view, width),
  };
}

/** A number in its column; without colour `+` before it stands for "worth a look" and `!` for "bad". */
function number(
  value: number | undefined,
  format: (value: number) => string,
  threshold: Threshold | undefined,
  { hasColor }: NumberView,
  width: number,
): Span {
  if (value === undefined) return span(right(UNKNOWN, width), "dim");
  const tone = threshold === undefined ? undefined : toneOf(value, threshold);
  const sign = hasColor || tone === undefined ? "" : tone === "bad" ? "!" : "+";
  return span(right(sign + format(value), width), tone);
}

const COLUMNS: readonly Column[] = [
  {
    key: "L",
    title: "Loss%",
    width: 6,
    cell: ({ loss }, view) => number(loss.carried, formatPercent, view.thresholds.loss, view, 6),
  },
  {
    key: "H",
    title: "Here%",
    width: 6,
    cell: ({ loss }) => span(right(loss.here === undefined ? "" : formatPercent(loss.here), 6), "dim"),
  },
  count("D", "Drop", 5, ({ row }) => row.dropped),
  count("R", "Rcv", 5, ({ row }) => row.received),
  count("S", "Snt", 5, ({ row }) => row.sent),
  ms("N", "Last", ({ row }) => row.rtt.lastMs, "rtt"),
  ms("A", "Avg", ({ row }) => row.rtt.meanMs, "rtt"),
  ms("B", "Best", ({ row }) => row.rtt.bestMs, "rtt"),
  ms("W", "Wrst", ({ row }) => row.rtt.worstMs, "rtt"),
  ms("V", "StDev", ({ row }) => row.rtt.deviationMs, "jitter"),
  ms("G", "Gmean", ({ row }) => row.rtt.geometricMeanMs, "rtt"),
  ms("J", "Jttr", ({ row }) => row.rtt.lastJitterMs, "jitter"),
  ms("M", "Javg", ({ row }) => row.rtt.jitterMs, "jitter"),
  ms("X", "Jmax", ({ row }) => row.rtt.worstJitterMs, "jitter"),
  ms("I", "Jint", ({ row }) => row.rtt.interarrivalJitterMs, "jitter"),
];

/** What `o` and `-o` take. */
export const ORDER_KEYS = COLUMNS.map(({ key }) => key).join("");

const LATENCY = "LHSNABWV";
const LATENCY_WIDE = "LHSNABWVJMX";
const JITTER = "LHDRAGJMXI";
/** What is left out first where there is no room. */
const LEAST_WANTED = "IXMGJDRVBWHSA";
const WIDE = 120;

/** The columns that fit beside so many others. */
export function chooseColumns(set: ColumnSet, screenColumns: number, taken: number): readonly Column[] {
  const wide = screenColumns >= WIDE ? LATENCY_WIDE : LATENCY;
  const order = set === "latency" ? wide : set === "jitter" ? JITTER : set.order;
  let chosen = Array.from(order).flatMap((key) => COLUMNS.find((column) => column.key === key) ?? []);
  const width = (): number => chosen.reduce((sum, column) => sum + column.width, 0);
  for (const key of LEAST_WANTED) {
    if (width() + taken <= screenColumns) break;
    chosen = chosen.filter((column) => column.key !== key);
  }
  return width() + taken <= screenColumns ? chosen : chosen.slice(0, 1);
}

/** Of a column: one decimal, none from 100 on. */
export function formatPercent(percent: number): string {
  return percent.toFixed(1);
}

/** At most five characters up to 100 s: hundredths of a millisecond below ten, tenths below a thousand. */
export function formatMs(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 999.95 ? value.toFixed(1) : value.toFixed(0);
}

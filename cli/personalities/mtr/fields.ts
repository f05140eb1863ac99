import type { TableRow } from "../../../core/mod.ts";

/** A column of mtr(8)'s table. */
export interface Field {
  /** As `-o` names it. */
  readonly key: string;
  readonly title: string;
  /** Columns that it takes; a longer text is overwritten by the next one, as mtr does. */
  readonly width: number;
  readonly kind: "count" | "percent" | "ms" | "space";
  /** Undefined where nothing was measured, which mtr shows as 0. */
  readonly value: (row: TableRow) => number | undefined;
  /** The text of a value in the table, a space before it. */
  readonly text: (value: number) => string;
}

type Value = Field["value"];

function count(key: string, title: string, width: number, value: Value): Field {
  return { key, title, width, kind: "count", value, text: (number) => ` ${String(number).padStart(width - 1)}` };
}

function ms(key: string, title: string, width: number, value: Value): Field {
  return { key, title, width, kind: "ms", value, text: (number) => ` ${number.toFixed(1).padStart(width - 1)}` };
}

const dropped: Value = ({ dropped: lost }) => lost;

/** mtr counts the first answer as one of jitter 0. */
function meanJitter({ rtt: { jitterMs, count: answers } }: TableRow): number | undefined {
  return jitterMs === undefined ? undefined : (jitterMs * (answers - 1)) / answers;
}

function scaledJitter({ rtt: { interarrivalJitterMs: jitterMs } }: TableRow): number | undefined {
  return jitterMs === undefined ? undefined : jitterMs * JINT_SCALE;
}

/** mtr shows RFC 1889's estimator as it is kept, scaled by 16. */
const JINT_SCALE = 16;

const FIELDS: readonly Field[] = [
  { key: " ", title: " ", width: 1, kind: "space", value: dropped, text: () => " " },
  {
    key: "L",
    title: "Loss%",
    width: 6,
    kind: "percent",
    value: ({ lossPercent }) => lossPercent,
    text: (number) => ` ${number.toFixed(1).padStart(4)}%`,
  },
  count("D", "Drop", 5, dropped),
  count("R", "Rcv", 6, ({ received }) => received),
  count("S", "Snt", 6, ({ sent }) => sent),
  ms("N", "Last", 6, ({ rtt }) => rtt.lastMs),
  ms("B", "Best", 6, ({ rtt }) => rtt.bestMs),
  ms("A", "Avg", 6, ({ rtt }) => rtt.meanMs),
  ms("W", "Wrst", 6, ({ rtt }) => rtt.worstMs),
  ms("V", "StDev", 6, ({ rtt }) => rtt.deviationMs),
  ms("G", "Gmean", 6, ({ rtt }) => rtt.geometricMeanMs),
  ms("J", "Jttr", 5, ({ rtt }) => rtt.lastJitterMs),
  ms("M", "Javg", 5, meanJitter),
  ms("X", "Jmax", 5, ({ rtt }) => rtt.worstJitterMs),
  ms("I", "Jint", 5, scaledJitter),
];

export const DEFAULT_ORDER = "LS NABWV";
const MOST_FIELDS = 20;

/** The fields of `-o`, or what is wrong with it, in mtr's words. */
export function readOrder(order: string): readonly Field[] | { readonly error: string } {
  if (order.length > MOST_FIELDS) return { error: `Too many fields: ${order}` };
  const fields: Field[] = [];
  for (const key of order) {
    const field = FIELDS.find((each) => each.key === key);
    // It is allowed, and shows nothing.
    if (key === "_") continue;
    if (field === undefined) return { error: `Unknown field identifier: ${key}` };
    fields.push(field);
  }
  return fields;
}

import { ORDER_KEYS } from "./columns.ts";
import type { Tuning } from "./tuning.ts";

/** What an answer to a prompt brings about. */
type PromptResult =
  | { readonly type: "tune"; readonly change: Partial<Tuning> }
  | { readonly type: "columns"; readonly order: string }
  | { readonly type: "protocol"; readonly text: string }
  | { readonly type: "error"; readonly message: string };

interface Prompt {
  /** Asked with the value so far where there is one. */
  readonly question: (tuning: Tuning) => string;
  /** Of a text that is not empty. */
  readonly answer: (text: string, tuning: Tuning) => PromptResult;
}

/** By the key that opens each: mtr's, and P. */
export const PROMPTS: Readonly<Record<string, Prompt>> = {
  i: {
    question: ({ intervalMs }) => `Interval, seconds (${intervalMs / 1000}): `,
    answer(text) {
      const seconds = /^\d*\.?\d+$/.test(text) ? Number(text) : 0;
      if (seconds < LEAST_SECONDS || seconds > MOST_SECONDS) {
        return refuse(`a number of seconds from ${LEAST_SECONDS} to ${MOST_SECONDS}`);
      }
      return { type: "tune", change: { intervalMs: seconds * 1000 } };
    },
  },
  f: {
    question: ({ firstHop }) => `First hop (${firstHop}): `,
    answer: (text, { maxHop }) => whole(text, 1, maxHop, (firstHop) => ({ firstHop })),
  },
  m: {
    question: ({ maxHop }) => `Last hop (${maxHop}): `,
    answer: (text, { firstHop }) => whole(text, firstHop, 255, (maxHop) => ({ maxHop })),
  },
  U: {
    question: ({ maxUnknown }) => `Silent hops before a round ends (${maxUnknown}): `,
    answer: (text) => whole(text, 1, 255, (maxUnknown) => ({ maxUnknown })),
  },
  s: {
    question: ({ packetSize }) => `Packet size, octets${so(packetSize)}: `,
    answer: (text) => whole(text, 20, 65_535, (packetSize) => ({ packetSize })),
  },
  b: {
    question: ({ fill }) => `Octet to fill packets with, 0-255 or random${so(fill)}: `,
    answer(text) {
      if (text === "random") return { type: "tune", change: { fill: "random" } };
      return whole(text, 0, 255, (fill) => ({ fill }));
    },
  },
  Q: {
    question: ({ trafficClass }) => `Traffic class (TOS), 0-255${so(trafficClass)}: `,
    answer: (text) => whole(text, 0, 255, (trafficClass) => ({ trafficClass })),
  },
  o: {
    question: () => `Columns, letters of ${ORDER_KEYS}: `,
    answer(text) {
      const odd = Array.from(text).find((key) => !ORDER_KEYS.includes(key) && key !== " ");
      return odd === undefined ? { type: "columns", order: text } : refuse(`letters of ${ORDER_KEYS}`);
    },
  },
  P: {
    question: () => "Protocol, with a port where it has one, as in tcp-syn:443: ",
    answer: (text) => ({ type: "protocol", text }),
  },
};

const LEAST_SECONDS = 0.01;
const MOST_SECONDS = 86_400;

function so(value: number | string | undefined): string {
  return value === undefined ? "" : ` (${value})`;
}

function refuse(wanted: string): PromptResult {
  return { type: "error", message: `It must be ${wanted}` };
}

function whole(text: string, least: number, most: number, change: (value: number) => Partial<Tuning>): PromptResult {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return { type: "tune", change: change(value) };
  return refuse(`a whole number from ${least} to ${most}`);
}

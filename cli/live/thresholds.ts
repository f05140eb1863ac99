import { UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";
import type { Tone } from "./line.ts";

/** From which value on something is worth a look, and from which on it is bad. */
export interface Threshold {
  readonly warn: number;
  readonly bad: number;
}

export interface Thresholds {
  /** Percent. */
  readonly loss: Threshold;
  /** Milliseconds. */
  readonly rtt: Threshold;
  /** Milliseconds. */
  readonly jitter: Threshold;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  loss: { warn: 1, bad: 10 },
  rtt: { warn: 150, bad: 400 },
  jitter: { warn: 30, bad: 100 },
};

/** `loss=1:10,rtt=150:400,jitter=30:100`; what is not named stays. Throws UsageError. */
export function parseThresholds(text: string | undefined): Thresholds {
  if (text === undefined) return DEFAULT_THRESHOLDS;
  let thresholds = DEFAULT_THRESHOLDS;
  for (const part of text.split(",")) {
    const [, name = "", warn = "", bad = ""] = /^(loss|rtt|jitter)=([\d.]+):([\d.]+)$/.exec(part.trim()) ?? [];
    const pair = { warn: Number(warn), bad: Number(bad) };
    if (name === "" || !(pair.warn >= 0 && pair.bad >= pair.warn)) {
      throw new UsageError(
        `Cannot use --thresholds ${echo(text) || '""'}: write loss=WARN:BAD,rtt=WARN:BAD,jitter=WARN:BAD, as in loss=1:10,rtt=150:400`,
      );
    }
    thresholds = { ...thresholds, [name]: pair };
  }
  return thresholds;
}

/** Undefined: nothing to say. */
export function toneOf(value: number, { warn, bad }: Threshold): Tone | undefined {
  if (value >= bad && value > 0) return "bad";
  return value >= warn && value > 0 ? "warn" : undefined;
}

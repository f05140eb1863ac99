import { UsageError } from "../errors.ts";

/** How a trace is paced and when it ends. */
export interface TraceOptions {
  /** First hop limit, 1-255. */
  readonly firstHop: number;
  /** Last hop limit, 1-255. */
  readonly maxHop: number;
  /** Probes a hop, 1-255. */
  readonly queries: number;
  /** How many hop limits beyond the farthest answer may be in flight, 1-255. */
  readonly window: number;
  /** A trace ends after this many silent hops behind the last answer, 1-255. */
  readonly maxGap: number;
  /** Upper bound of any probe's timeout, milliseconds. */
  readonly maxWaitMs: number;
  /** Probes a second, after a first burst of one window's probes; that has no more than 24, or a second's worth of them. */
  readonly packetsPerSecond: number;
  /** `constant`: one flow, so one path (Paris); `vary`: each probe is a flow of its own, so balancers show. */
  readonly flow: "constant" | "vary";
}

/** What `trace` and `auto` do unless told otherwise. */
export const DEFAULT_TRACE_OPTIONS: TraceOptions = {
  firstHop: 1,
  maxHop: 30,
  queries: 3,
  window: 8,
  maxGap: 8,
  maxWaitMs: 3000,
  packetsPerSecond: 100,
  flow: "constant",
};

/** Fills in the defaults. Throws UsageError where a value is out of range. */
export function completeTraceOptions(given: Partial<TraceOptions> = {}): TraceOptions {
  const options = { ...DEFAULT_TRACE_OPTIONS, ...given };
  const whole = ["firstHop", "maxHop", "queries", "window", "maxGap"] as const;
  for (const key of whole) {
    const value = options[key];
    if (!Number.isInteger(value) || value < 1 || value > 255) {
      throw new UsageError(`Cannot trace with ${key} ${value}: it must be a whole number from 1 to 255`);
    }
  }
  if (options.firstHop > options.maxHop) {
    throw new UsageError(
      `Cannot trace from hop ${options.firstHop} to hop ${options.maxHop}: the first is behind the last`,
    );
  }
  for (const key of ["maxWaitMs", "packetsPerSecond"] as const) {
    if (!(options[key] > 0))
      throw new UsageError(`Cannot trace with ${key} ${options[key]}: it must be greater than 0`);
  }
  return options;
}

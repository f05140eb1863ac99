/** A summary of round-trip times, milliseconds. With no sample every number is undefined: unknown is not 0. */
export interface RttSummary {
  readonly count: number;
  readonly lastMs?: number;
  readonly bestMs?: number;
  readonly worstMs?: number;
  readonly meanMs?: number;
  /** Sample standard deviation (n - 1); undefined below two samples. */
  readonly deviationMs?: number;
  /** Mean absolute difference of consecutive samples in order of sending; undefined below two samples. */
  readonly jitterMs?: number;
}

/** Round-trip times, summed up as they come. */
export interface RttStatistics {
  /** Takes one more sample, milliseconds. */
  add(rttMs: number): void;
  /** Of all samples so far. */
  summary(): RttSummary;
}

/** Streaming and numerically stable: Welford's method (Technometrics 4(3), 1962). */
export function createRttStatistics(): RttStatistics {
  let count = 0;
  let last = 0;
  let best = Number.POSITIVE_INFINITY;
  let worst = Number.NEGATIVE_INFINITY;
  let mean = 0;
  let squares = 0;
  let jitterSum = 0;
  return {
    add(rttMs) {
      if (count > 0) jitterSum += Math.abs(rttMs - last);
      count += 1;
      last = rttMs;
      best = Math.min(best, rttMs);
      worst = Math.max(worst, rttMs);
      const delta = rttMs - mean;
      mean += delta / count;
      squares += delta * (rttMs - mean);
    },
    summary() {
      if (count === 0) return { count };
      const known = { count, lastMs: last, bestMs: best, worstMs: worst, meanMs: mean };
      if (count === 1) return known;
      return { ...known, deviationMs: Math.sqrt(squares / (count - 1)), jitterMs: jitterSum / (count - 1) };
    },
  };
}

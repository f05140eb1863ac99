/** A summary of round-trip times, milliseconds. With no sample every number is undefined: unknown is not 0. */
export interface RttSummary {
  readonly count: number;
  readonly lastMs?: number;
  readonly bestMs?: number;
  readonly worstMs?: number;
  readonly meanMs?: number;
  /** Sample standard deviation (n - 1); undefined below two samples. */
  readonly deviationMs?: number;
  /** The n-th root of the samples' product. */
  readonly geometricMeanMs?: number;
  /**
   * Absolute differences of consecutive samples, in the order in which they were added: their mean, the latest, the
   * largest. Undefined below two samples.
   */
  readonly jitterMs?: number;
  readonly lastJitterMs?: number;
  readonly worstJitterMs?: number;
  /**
   * Interarrival jitter: those differences smoothed as RFC 3550 §6.4.1 says, with the integer arithmetic (of
   * microseconds) of its appendix A.8. Undefined below two samples.
   */
  readonly interarrivalJitterMs?: number;
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
  let logarithms = 0;
  let jitterSum = 0;
  let lastJitter = 0;
  let worstJitter = 0;
  /** Microseconds, scaled by 16. */
  let interarrival = 0;
  return {
    add(rttMs) {
      if (count > 0) {
        lastJitter = Math.abs(rttMs - last);
        jitterSum += lastJitter;
        worstJitter = Math.max(worstJitter, lastJitter);
        const difference = Math.abs(microseconds(rttMs) - microseconds(last));
        interarrival += difference - ((interarrival + 8) >> 4);
      }
      count += 1;
      last = rttMs;
      best = Math.min(best, rttMs);
      worst = Math.max(worst, rttMs);
      const delta = rttMs - mean;
      mean += delta / count;
      squares += delta * (rttMs - mean);
      logarithms += Math.log(rttMs);
    },
    summary() {
      if (count === 0) return { count };
      const geometricMeanMs = Math.exp(logarithms / count);
      const known = { count, lastMs: last, bestMs: best, worstMs: worst, meanMs: mean, geometricMeanMs };
      if (count === 1) return known;
      return {
        ...known,
        deviationMs: Math.sqrt(squares / (count - 1)),
        jitterMs: jitterSum / (count - 1),
        lastJitterMs: lastJitter,
        worstJitterMs: worstJitter,
        interarrivalJitterMs: interarrival / 16 / 1000,
      };
    },
  };
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000);
}

/** A token bucket: a burst at once, then a steady rate. Times are milliseconds. */
export interface Pacer {
  /** When the next packet may leave: `nowMs` or earlier means now. */
  readyAtMs(nowMs: number): number;
  take(nowMs: number): void;
}

export function createPacer(burst: number, packetsPerSecond: number): Pacer {
  const perMs = packetsPerSecond / 1000;
  let tokens = burst;
  let filledAtMs: number | undefined;
  const fill = (nowMs: number): void => {
    if (filledAtMs !== undefined) tokens = Math.min(burst, tokens + (nowMs - filledAtMs) * perMs);
    filledAtMs = nowMs;
  };
  return {
    readyAtMs(nowMs) {
      fill(nowMs);
      return tokens > 1 - 1e-6 ? nowMs : nowMs + (1 - tokens) / perMs;
    },
    take(nowMs) {
      fill(nowMs);
      tokens -= 1;
    },
  };
}

/** The value below which a share (0-1) of them lies. NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Milliseconds as a reader wants them: 0.42, 8.3, 247, 25,012. */
export function shownMs(ms: number): string {
  if (ms < 1) return ms.toFixed(2);
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString("en");
}

/** `median (least–greatest)`. */
export function shownRange(values: readonly number[]): string {
  return `${shownMs(median(values))} (${shownMs(Math.min(...values))}–${shownMs(Math.max(...values))})`;
}

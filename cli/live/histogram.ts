/** How many answers took how long, over the whole run, in buckets whose bounds grow by the same factor. */
export interface Histogram {
  add(rttMs: number): void;
  /**
   * What it holds now, for whoever may want it later: from the fastest to the slowest bucket that is not empty, empty ones
   * between them included.
   */
  buckets(): () => readonly Bucket[];
}

export interface Bucket {
  /** Milliseconds, from this on… */
  readonly fromMs: number;
  /** …and below this. */
  readonly toMs: number;
  readonly count: number;
}

const PER_DECADE = 20;
const LEAST_MS = 0.001;
/** Up to 1000 s. */
const BUCKETS = 9 * PER_DECADE;

export function createHistogram(): Histogram {
  const counts = new Uint32Array(BUCKETS);
  return {
    add(rttMs) {
      const bucket = Math.floor(PER_DECADE * Math.log10(Math.max(rttMs, LEAST_MS) / LEAST_MS));
      const at = Math.min(BUCKETS - 1, Math.max(0, bucket));
      counts[at] = (counts[at] ?? 0) + 1;
    },
    buckets() {
      const kept = counts.slice();
      return () => bucketsOf(kept);
    },
  };
}

const boundMs = (bucket: number): number => LEAST_MS * 10 ** (bucket / PER_DECADE);

function bucketsOf(counts: Uint32Array): readonly Bucket[] {
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return [];
  const last = counts.findLastIndex((count) => count > 0);
  return Array.from(counts.subarray(first, last + 1), (count, at) => ({
    fromMs: boundMs(first + at),
    toMs: boundMs(first + at + 1),
    count,
  }));
}

/** At most so many buckets: neighbours are put together, as many into each. */
export function mergeBuckets(buckets: readonly Bucket[], most: number): readonly Bucket[] {
  const size = Math.max(1, Math.ceil(buckets.length / Math.max(1, most)));
  const merged: Bucket[] = [];
  for (let at = 0; at < buckets.length; at += size) {
    const group = buckets.slice(at, at + size);
    const [first] = group;
    const last = group.at(-1);
    if (first === undefined || last === undefined) continue;
    const count = group.reduce((sum, each) => sum + each.count, 0);
    merged.push({ fromMs: first.fromMs, toMs: last.toMs, count });
  }
  return merged;
}

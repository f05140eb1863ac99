/** How far a scan has come, as data that can be kept: positions of its order, not targets. */
export interface ScanProgress {
  /** All positions before it have their rows. */
  readonly next: number;
  /** First and last of the positions behind it that have theirs too, ascending. */
  readonly done: readonly (readonly [first: number, last: number])[];
}

/** Which positions of a scan's order are to be begun, and which have their rows. */
export interface Ledger {
  /** Of positions. */
  readonly count: number;
  /** Begins the next position; undefined: none now (`isEmpty`: none ever). */
  take(): number | undefined;
  /** All were begun. */
  readonly isEmpty: boolean;
  /** The row of a position that was begun is written. */
  finish(position: number): void;
  /** How many have their rows. */
  readonly finished: number;
  readonly progress: ScanProgress;
}

/** Positions that may be open at a time behind the first one that has no row; a power of two. */
const WINDOW = 2 ** 20;

/** Throws a RangeError where `begun` is no progress of `count` positions. */
export function createLedger(count: number, begun: ScanProgress = { next: 0, done: [] }): Ledger {
  assertProgress(begun, count);
  const bits = new Uint8Array(WINDOW / 8);
  let base = begun.next;
  let cursor = base;
  let finished = base;
  /** Behind it nothing is done. */
  let last = begun.done.at(-1)?.[1] ?? base;

  const has = (position: number): boolean => ((bits[(position % WINDOW) >>> 3] ?? 0) & (1 << (position & 7))) !== 0;
  const set = (position: number, value: boolean): void => {
    const at = (position % WINDOW) >>> 3;
    const bit = 1 << (position & 7);
    bits[at] = value ? (bits[at] ?? 0) | bit : (bits[at] ?? 0) & ~bit;
  };
  for (const [first, end] of begun.done) {
    for (let position = first; position <= end; position += 1) set(position, true);
    finished += end - first + 1;
  }

  return {
    count,
    take() {
      // What an earlier run had done may lie between.
      cursor = Math.max(cursor, base);
      while (cursor < count && cursor < base + WINDOW) {
        const position = cursor;
        cursor += 1;
        // What is behind the cursor may be done from an earlier run only.
        if (!has(position)) return position;
      }
      return undefined;
    },
    get isEmpty() {
      return cursor >= count;
    },
    finish(position) {
      if (position < base || has(position)) return;
      set(position, true);
      finished += 1;
      last = Math.max(last, position);
      while (base < count && has(base)) {
        set(base, false);
        base += 1;
      }
    },
    get finished() {
      return finished;
    },
    get progress() {
      const done: [number, number][] = [];
      for (let position = base; position <= last && position < count; position += 1) {
        if (!has(position)) continue;
        const run = done.at(-1);
        if (run !== undefined && run[1] === position - 1) run[1] = position;
        else done.push([position, position]);
      }
      return { next: base, done };
    },
  };
}

function assertProgress({ next, done }: ScanProgress, count: number): void {
  let least = next;
  const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= count;
  let isSound = isWhole(next);
  for (const [first, last] of done) {
    isSound &&= isWhole(first) && isWhole(last) && first >= least && last >= first && last < count;
    isSound &&= last - next < WINDOW;
    least = last + 1;
  }
  if (!isSound) throw new RangeError("Cannot go on from there: it is no progress of this scan");
}

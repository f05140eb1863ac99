/** Draws no more often than is good: ten times a second at most, and less where drawing is dear. */
export interface Pacer {
  /** There is something new. `isUrgent`: somebody waits for it, as after a key. */
  request(isUrgent?: boolean): void;
  stop(): void;
}

export interface PacerOptions {
  /** False: the terminal has not taken the last frame yet. */
  readonly draw: () => boolean;
  /** A clock of what drawing costs, milliseconds. */
  readonly costMs: () => number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Calls back after so many milliseconds; returns how to call it off. */
  readonly later: (call: () => void, ms: number) => () => void;
}

const LEAST_MS = 100;
/** A screen that is slower is not live. */
const MOST_MS = 1000;
/** Of a core: so much may be spent on drawing what nobody asked for. */
const SHARE = 0.0025;

export function createPacer({ draw, costMs, nowMs, later }: PacerOptions): Pacer {
  let lastMs = Number.NEGATIVE_INFINITY;
  let gapMs = LEAST_MS;
  let isStopped = false;
  let due: { readonly atMs: number; readonly cancel: () => void } | undefined;

  const drawNow = (): void => {
    due = undefined;
    const before = costMs();
    lastMs = nowMs();
    const isTaken = draw();
    gapMs = Math.min(MOST_MS, Math.max(LEAST_MS, (costMs() - before) / SHARE));
    if (!isTaken) plan(lastMs + LEAST_MS);
  };

  const plan = (atMs: number): void => {
    if (isStopped) return;
    if (due !== undefined && due.atMs <= atMs) return;
    due?.cancel();
    due = { atMs, cancel: later(drawNow, Math.max(0, atMs - nowMs())) };
  };

  return {
    request: (isUrgent = false) => plan(lastMs + (isUrgent ? LEAST_MS : gapMs)),
    stop() {
      due?.cancel();
      due = undefined;
      isStopped = true;
    },
  };
}

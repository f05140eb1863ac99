import type { Libc } from "../../ffi/libc.ts";
import { CLOCK } from "./abi.ts";
import type { Arena, Region } from "./arena.ts";

/** A timespec as the kernel writes it into ancillary data. */
export interface Stamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The wall clock at a moment of the monotonic one. */
interface Reference {
  readonly monotonicMs: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Of so many readings the one that was least interrupted is the reference. */
const READINGS = 8;
/** A reference is taken anew when the clocks have drifted so far apart from it: slewing, a step, or an interruption. */
const DRIFT_MS = 0.05;

/** Reads CLOCK_MONOTONIC, and carries the kernel's packet stamps, which are CLOCK_REALTIME, over to it. */
export class Clock {
  readonly #libc: Libc;
  readonly #timespec: Region;
  #reference: Reference;

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#timespec = arena.take(16);
    this.#reference = this.#refer();
  }

  nowMs(): number {
    this.#libc.clockGettime(CLOCK.monotonic, this.#timespec.bytes);
    return readSeconds(this.#timespec.view, 0) * 1000 + this.#timespec.view.getUint32(8, true) / 1e6;
  }

  /**
   * The monotonic time, in milliseconds, of a stamp that was taken between `notBeforeMs` and now; undefined where it
   * falls outside, because the wall clock was stepped since. All stamps are carried over by one reference, so that the
   * difference of two is exact.
   */
  monotonicMs(stamp: Stamp, notBeforeMs: number): number | undefined {
    const wall = this.#readWall();
    const nowMs = this.nowMs();
    if (Math.abs(this.#carry(wall) - nowMs) > DRIFT_MS) {
      const fresh = this.#refer();
      // The reading above may have been interrupted: the old reference stands if the new one agrees with it.
      if (Math.abs(this.#carry(fresh) - fresh.monotonicMs) > DRIFT_MS) this.#reference = fresh;
    }
    const atMs = this.#carry(stamp);
    return atMs >= notBeforeMs && atMs <= this.nowMs() ? atMs : undefined;
  }

  /** Looks whether the two clocks still run as they did; to be called before stamps are carried over by `carriedMs`. */
  refresh(): number {
    const wall = this.#readWall();
    const nowMs = this.nowMs();
    if (Math.abs(this.#carry(wall) - nowMs) > DRIFT_MS) this.#reference = this.#refer();
    return nowMs;
  }

  /** The monotonic time of a stamp, without any look at the clocks. */
  carriedMs(seconds: number, nanoseconds: number): number {
    const reference = this.#reference;
    return reference.monotonicMs + (seconds - reference.seconds) * 1000 + (nanoseconds - reference.nanoseconds) / 1e6;
  }

  #carry({ seconds, nanoseconds }: Stamp): number {
    const reference = this.#reference;
    // The difference of the seconds first: a whole wall-clock time in milliseconds would cost a quarter microsecond.
    return reference.monotonicMs + (seconds - reference.seconds) * 1000 + (nanoseconds - reference.nanoseconds) / 1e6;
  }

  #readWall(): Stamp {
    this.#libc.clockGettime(CLOCK.realtime, this.#timespec.bytes);
    return { seconds: readSeconds(this.#timespec.view, 0), nanoseconds: this.#timespec.view.getUint32(8, true) };
  }

  #refer(): Reference {
    let best: Reference | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let reading = 0; reading < READINGS; reading++) {
      const beforeMs = this.nowMs();
      const wall = this.#readWall();
      const tookMs = this.nowMs() - beforeMs;
      if (best !== undefined && tookMs >= least) continue;
      least = tookMs;
      best = { ...wall, monotonicMs: beforeMs + tookMs / 2 };
    }
    return best ?? { ...this.#readWall(), monotonicMs: this.nowMs() };
  }
}

/** A 64-bit `time_t`, without making a BigInt. */
export function readSeconds(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}

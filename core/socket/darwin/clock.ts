import type { DarwinLibc } from "../../ffi/libc.ts";
import type { Arena, Region } from "../linux/arena.ts";
import { readSeconds } from "../linux/clock.ts";
import { CLOCK_UPTIME_RAW } from "./abi.ts";

/** How far a stamp may lie ahead of a reading that came after it: both are rounded. */
const SLACK_MS = 0.001;

/** The clock of mach_absolute_time, in which the kernel stamps received packets as well. It stands still in sleep. */
export class Clock {
  readonly #libc: DarwinLibc;
  readonly #timespec: Region;
  readonly #msPerTick: number;

  constructor(libc: DarwinLibc, arena: Arena) {
    this.#libc = libc;
    this.#timespec = arena.take(16);
    // 1/1 on Intel, 125/3 on Apple silicon.
    const info = arena.take(8);
    const failed = libc.machTimebaseInfo(info.bytes) !== 0;
    const [numerator, denominator] = [info.view.getUint32(0, true), info.view.getUint32(4, true)];
    this.#msPerTick = failed || denominator === 0 ? Number.NaN : numerator / denominator / 1e6;
  }

  nowMs(): number {
    this.#libc.clockGettime(CLOCK_UPTIME_RAW, this.#timespec.bytes);
    return readSeconds(this.#timespec.view, 0) * 1000 + this.#timespec.view.getUint32(8, true) / 1e6;
  }

  /** The time of a stamp that was taken between `notBeforeMs` and now; undefined where it falls outside. */
  stampMs(ticks: bigint, notBeforeMs: number): number | undefined {
    const atMs = Number(ticks) * this.#msPerTick;
    return atMs >= notBeforeMs && atMs <= this.nowMs() + SLACK_MS ? atMs : undefined;
  }
}

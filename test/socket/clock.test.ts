import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Libc } from "../../core/ffi/libc.ts";
import { loadLibc } from "../../core/ffi/load.ts";
import { Arena } from "../../core/socket/linux/arena.ts";
import { Clock } from "../../core/socket/linux/clock.ts";

const MONOTONIC = 1;
const real = await loadLibc();

/** A C library whose clocks stand still until they are told to move. */
function makeClock(): { clock: Clock; time: { monotonicMs: number; wallMs: number } } {
  const time = { monotonicMs: 5_000_000, wallMs: 1_795_433_263_000 };
  const libc: Libc = {
    ...real,
    clockGettime(clock, timespec) {
      const ms = clock === MONOTONIC ? time.monotonicMs : time.wallMs;
      const view = new DataView(timespec.buffer, timespec.byteOffset, timespec.byteLength);
      view.setBigInt64(0, BigInt(Math.floor(ms / 1000)), true);
      view.setBigInt64(8, BigInt(Math.round((ms % 1000) * 1e6)), true);
      return 0;
    },
  };
  return { clock: new Clock(libc, new Arena(libc, 4096)), time };
}

function stampOf(wallMs: number): { seconds: number; nanoseconds: number } {
  return { seconds: Math.floor(wallMs / 1000), nanoseconds: Math.round((wallMs % 1000) * 1e6) };
}

describe("the clock of the Linux network", () => {
  it("carries a wall-clock stamp over to monotonic milliseconds", () => {
    const { clock, time } = makeClock();
    const stamp = stampOf(time.wallMs - 1.5);
    assert.ok(Math.abs((clock.monotonicMs(stamp, 0) ?? Number.NaN) - (time.monotonicMs - 1.5)) < 0.01);
  });

  it("does not believe a stamp that lies in the future, as after the wall clock was set back", () => {
    const { clock, time } = makeClock();
    const stamp = stampOf(time.wallMs);
    time.wallMs -= 3600_000;
    assert.equal(clock.monotonicMs(stamp, time.monotonicMs - 10), undefined);
  });

  it("does not believe a stamp older than its queue, as after the wall clock was set forward", () => {
    const { clock, time } = makeClock();
    const stamp = stampOf(time.wallMs);
    time.wallMs += 3600_000;
    assert.equal(clock.monotonicMs(stamp, time.monotonicMs - 10), undefined);
  });

  it("believes stamps again that were taken after the wall clock was set", () => {
    const { clock, time } = makeClock();
    clock.monotonicMs(stampOf(time.wallMs), 0);
    time.wallMs -= 3600_000;
    const stamp = stampOf(time.wallMs);
    time.wallMs += 2;
    time.monotonicMs += 2;
    const atMs = clock.monotonicMs(stamp, time.monotonicMs - 10);
    assert.ok(Math.abs((atMs ?? Number.NaN) - (time.monotonicMs - 2)) < 0.01);
  });
});

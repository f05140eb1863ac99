import { readdirSync } from "node:fs";
import { type Libc, region, text } from "./libc.ts";

/** sys/prctl.h, poll.h, time.h, sched.h, sys/resource.h, sys/mman.h, fcntl.h */
const PR_SET_TIMERSLACK = 29;
const POLLIN = 1;
const POLLERR = 8;
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const SCHED_FIFO = 1;
const SCHED_RESET_ON_FORK = 0x40000000;
const PRIO_PROCESS = 0;
const MCL_CURRENT = 1;
const MCL_FUTURE = 2;
const MCL_ONFAULT = 4;
const O_WRONLY_CLOEXEC = 1 | 0x80000;

/** The time, and waiting for it. */
export interface Thread {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** The monotonic milliseconds of a time of the system's clock in the last second; now where it is none. */
  monotonicMs(seconds: number, nanoseconds: number): number;
  /** Returns when the descriptor has input, or after `timeoutMs`. It blocks the thread. "error": the descriptor has one. */
  wait(timeoutMs: number): "error" | undefined;
}

/** Waits for input of `fd`. */
export function createThread(libc: Libc, fd: number): Thread {
  // Sleeps end up to 50 µs late by default (prctl(2)).
  libc.prctl(PR_SET_TIMERSLACK, 1n, 0n, 0n, 0n);
  const pollView = new DataView(region(8).buffer);
  const pollfd = new Uint8Array(pollView.buffer);
  const timespec = region(16);
  const timeView = new DataView(timespec.buffer);
  pollView.setInt32(0, fd, true);
  pollView.setInt16(4, POLLIN, true);
  const nowMs = (): number => {
    libc.clock_gettime(CLOCK_MONOTONIC, timespec);
    return timeView.getUint32(0, true) * 1000 + timeView.getUint32(8, true) / 1e6;
  };
  return {
    nowMs,
    monotonicMs(seconds, nanoseconds) {
      libc.clock_gettime(CLOCK_REALTIME, timespec);
      const ageMs = (timeView.getUint32(0, true) - seconds) * 1000 + (timeView.getUint32(8, true) - nanoseconds) / 1e6;
      const atMs = nowMs();
      // The system's clock may have been set meanwhile.
      return ageMs > 0 && ageMs < 1000 ? atMs - ageMs : atMs;
    },
    wait(timeoutMs) {
      const seconds = Math.floor(timeoutMs / 1000);
      timeView.setUint32(0, seconds, true);
      timeView.setUint32(4, 0, true);
      timeView.setUint32(8, Math.floor((timeoutMs - seconds * 1000) * 1e6), true);
      timeView.setUint32(12, 0, true);
      libc.ppoll(pollfd, 1, timespec, null);
      return (pollView.getInt16(6, true) & POLLERR) === 0 ? undefined : "error";
    },
  };
}

/**
 * Has this thread run before all others whenever it has something to do, and the process's memory stay where it is. Where
 * the host refuses one or the other, things stay as they are.
 */
export function runFirst(libc: Libc): void {
  // Not the gigabytes that the runtime reserves and never touches: what is touched stays.
  libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  // Threads have a niceness of their own on Linux. The compiler's must neither wait long, as this one waits for what they
  // hold, nor be in its way: new ones are ordinary again.
  for (const thread of readdirSync("/proc/self/task")) libc.setpriority(PRIO_PROCESS, Number(thread), -20);
  const priority = region(4);
  priority[0] = 10;
  libc.sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, priority);
}

/**
 * Keeps idle processors from sleeping for as long as this process lives (Documentation/power/pm_qos_interface of Linux):
 * a virtual machine's processor takes milliseconds to wake up now and then. Where the host refuses it, it does.
 */
export function keepAwake(libc: Libc): void {
  const fd = libc.open(text("/dev/cpu_dma_latency"), O_WRONLY_CLOEXEC);
  if (fd >= 0) libc.write(fd, region(4), 4);
}

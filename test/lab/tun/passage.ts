import type { Engine } from "../../../core/sim/engine.ts";
import { createEventQueue } from "../../../core/sim/event-queue.ts";
import type { Arrivals } from "./arrivals.ts";
import type { TunDevice } from "./device.ts";
import type { Recorder } from "./record.ts";
import type { Thread } from "./thread.ts";

/** With nothing due for so long there is time for what does not hurry. */
const QUIET_MS = 1;
/** How long before an answer is due the thread is awake: as late as sleeps have lately ended, within these bounds. */
const EARLY_MS = { least: 0.02, most: 0.08 };
/** Of the packets that wait in the device: its queue holds 10,000. */
const MOST_LEFT = 2000;

interface Parts {
  readonly engine: Engine;
  readonly device: TunDevice;
  readonly arrivals: Arrivals;
  readonly thread: Thread;
  readonly recorder: Recorder;
}

/** What takes packets from the host through a topology in real time. */
export interface Passage {
  /** Does the one thing that is most urgent: brings an answer, takes a packet in, tidies up, or waits. */
  step(): void;
}

/** An answer's delay counts from when the host handed its probe over, not from when it was looked at. */
export function createPassage({ engine, device, arrivals, thread, recorder }: Parts): Passage {
  const due = createEventQueue<Uint8Array>();
  let lastMs = 0;
  /** Packets that were taken in by the tap, and still wait in the device. */
  let left = 0;
  let earlyMs = EARLY_MS.most;

  function takeIn(): boolean {
    const tapped = arrivals.take();
    if (tapped === undefined) return false;
    const { packet, seconds, nanoseconds } = tapped;
    left += 1;
    // Those of two processors may be stamped in another order than they stand in.
    lastMs = Math.max(lastMs, thread.monotonicMs(seconds, nanoseconds));
    for (const answer of engine.send(packet, lastMs)) due.push(answer.atMs, answer.packet);
    recorder.note(packet, lastMs);
    return true;
  }

  function tidyUp(): void {
    device.discard(left);
    left = 0;
    recorder.flush();
  }

  function sleep(forMs: number, fromMs: number): void {
    if (thread.wait(forMs) === "error") arrivals.forgetError();
    const lateMs = thread.nowMs() - fromMs - forMs;
    if (lateMs < 0) return;
    // Rises at once, falls slowly; what is beyond all bounds says nothing about the next time.
    const wantedMs = Math.max(lateMs * 1.25, earlyMs * 0.95);
    earlyMs = Math.min(Math.max(wantedMs, EARLY_MS.least), EARLY_MS.most);
  }

  return {
    step() {
      const nowMs = thread.nowMs();
      const nextMs = due.nextAtMs();
      if (nextMs <= nowMs) {
        const packet = due.pop()?.event;
        if (packet !== undefined) device.write(packet);
        return;
      }
      if (takeIn()) return;
      const leftMs = nextMs - nowMs;
      if (left >= MOST_LEFT || (leftMs > QUIET_MS && (left > 0 || !recorder.isEmpty))) tidyUp();
      else if (leftMs > earlyMs) sleep(Math.min(leftMs - earlyMs, 1000), nowMs);
    },
  };
}

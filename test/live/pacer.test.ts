import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPacer } from "../../cli/live/pacer.ts";

/** A pacer on a clock that is turned by hand; each frame costs so much processor time. */
function paced(costMs: number, isTaken: () => boolean = () => true) {
  let nowMs = 0;
  let spentMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly call: () => void }>();
  const frames: number[] = [];
  const pacer = createPacer({
    draw() {
      frames.push(nowMs);
      spentMs += costMs;
      return isTaken();
    },
    costMs: () => spentMs,
    nowMs: () => nowMs,
    later(call, ms) {
      const timer = { atMs: nowMs + ms, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  const until = (endMs: number, everyMs = Number.POSITIVE_INFINITY): void => {
    for (; nowMs < endMs; nowMs += 1) {
      if (nowMs % everyMs === 0) pacer.request();
      for (const timer of [...timers]) {
        if (timer.atMs > nowMs) continue;
        timers.delete(timer);
        timer.call();
      }
    }
  };
  return { pacer, frames, until };
}

describe("the pacer of frames", () => {
  it("draws at once, and nothing where there is nothing new", () => {
    const { pacer, frames, until } = paced(0);
    pacer.request();
    until(5000);
    assert.deepEqual(frames, [0]);
  });

  it("draws ten times a second at most", () => {
    const { frames, until } = paced(0);
    until(1000, 10);
    assert.deepEqual(frames, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  it("draws less often where that is dear, but once a second at least", () => {
    const dear = paced(1.25);
    dear.until(2000, 10);
    assert.deepEqual(dear.frames, [0, 500, 1000, 1500]);
    const dearer = paced(50);
    dearer.until(3000, 10);
    assert.deepEqual(dearer.frames, [0, 1000, 2000]);
  });

  it("does not let a key wait for that", () => {
    const { pacer, frames, until } = paced(50);
    pacer.request();
    until(300);
    pacer.request(true);
    until(305);
    pacer.request(true);
    until(2000);
    assert.deepEqual(frames, [0, 300, 400]);
  });

  it("tries again where the terminal takes nothing, and draws nothing once it is stopped", () => {
    let isTaken = false;
    const { pacer, frames, until } = paced(0, () => isTaken);
    pacer.request();
    until(250);
    isTaken = true;
    until(1000);
    assert.deepEqual(frames, [0, 100, 200, 300]);
    pacer.stop();
    pacer.request(true);
    until(3000);
    assert.equal(frames.length, 4);
  });
});

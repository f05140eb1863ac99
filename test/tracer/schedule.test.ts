import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { completeTraceOptions, type TraceOptions } from "../../core/tracer/options.ts";
import { createSchedule, type Schedule, type Slot } from "../../core/tracer/schedule.ts";

function sendAll(schedule: Schedule, nowMs: number): Slot[] {
  const slots: Slot[] = [];
  for (let decision = schedule.decide(nowMs); decision.type === "send"; decision = schedule.decide(nowMs)) {
    slots.push(schedule.sent(decision, nowMs));
  }
  return slots;
}

const plan = (given: Partial<TraceOptions> = {}, probesPerFlow?: number): Schedule =>
  createSchedule(completeTraceOptions(given), probesPerFlow);

const names = (slots: readonly Slot[]): string[] => slots.map(({ hop, round }) => `${hop}.${round}`);

/** Answers a slot, given by its name, among those sent. */
function answer(
  schedule: Schedule,
  slots: readonly Slot[],
  hop: number,
  rttMs: number,
  effect = "transit" as const,
): void {
  const slot = slots.find((each) => each.hop === hop && each.state === "flight");
  assert.ok(slot, `no probe of hop ${hop} in flight`);
  schedule.answered(slot, effect, rttMs);
}

describe("the schedule", () => {
  it("begins with one probe for each hop limit of the window", () => {
    assert.deepEqual(names(sendAll(plan({ window: 4 }), 0)), ["1.0", "2.0", "3.0", "4.0"]);
  });

  it("slides the window with the farthest answer and completes the hops before it", () => {
    const schedule = plan({ window: 4 });
    const slots = sendAll(schedule, 0);
    answer(schedule, slots, 2, 1);
    assert.deepEqual(names(sendAll(schedule, 1)), ["5.0", "6.0", "1.1", "2.1", "1.2", "2.2"]);
  });

  it("sends nothing further once the target has answered but what its hops still lack", () => {
    const schedule = plan({ window: 4, queries: 2 });
    const slots = sendAll(schedule, 0);
    const third = slots.find((slot) => slot.hop === 3);
    assert.ok(third);
    schedule.answered(third, "reached", 5);
    assert.deepEqual(names(sendAll(schedule, 5)), ["1.1", "2.1", "3.1"]);
  });

  it("has no more than a second's worth of packets leave at once, however many are asked for", () => {
    const schedule = plan({ queries: 100, packetsPerSecond: 50 });
    const first = sendAll(schedule, 0);
    const last = first.at(-1);
    assert.ok(last);
    schedule.answered(last, "reached", 1);
    assert.equal(first.length + sendAll(schedule, 1).length, 50);
    const next = schedule.decide(1);
    assert.equal(next.type === "wait" && Math.round(next.untilMs), 20);
  });

  it("is done when every hop up to the target has had its probes and their time", () => {
    const schedule = plan({ window: 2, queries: 1 });
    const [first, second] = sendAll(schedule, 0);
    assert.ok(first && second);
    schedule.answered(second, "reached", 10);
    assert.equal(schedule.decide(10).type, "wait");
    assert.deepEqual(schedule.expire(59), []);
    assert.deepEqual(schedule.expire(60), [first]);
    assert.deepEqual(schedule.decide(60), { type: "done", outcome: "reached" });
  });

  it("sends the first two windows whole where a path has not shown its end at once, one by one", () => {
    const schedule = plan({ window: 2, maxGap: 3, queries: 2 });
    assert.deepEqual(names(sendAll(schedule, 0)), ["1.0", "2.0"]);
    const seen: string[] = [];
    for (let atMs = 8; atMs < 9.5; atMs += 0.25) {
      assert.deepEqual(schedule.decide(atMs - 0.1), { type: "wait", untilMs: atMs });
      seen.push(...names(sendAll(schedule, atMs)));
    }
    assert.deepEqual(seen, ["1.1", "2.1", "3.0", "3.1", "4.0", "4.1"]);
  });

  it("sends nothing unasked where the target has answered in time", () => {
    const schedule = plan({ window: 2, maxGap: 3, queries: 1 });
    const slots = sendAll(schedule, 0);
    const second = slots.find(({ hop }) => hop === 2);
    assert.ok(second);
    schedule.answered(second, "reached", 7);
    assert.deepEqual(names(sendAll(schedule, 8)), []);
  });

  it("sends beside a silent hop farther on only after a while", () => {
    const schedule = plan({ window: 1, maxGap: 8, queries: 2, packetsPerSecond: 5000 });
    const slots = sendAll(schedule, 0);
    for (const [hop, atMs] of [
      [1, 1],
      [2, 2],
      [3, 3],
    ] as const) {
      answer(schedule, slots, hop, 1);
      slots.push(...sendAll(schedule, atMs));
    }
    assert.deepEqual(names(sendAll(schedule, 8)), []);
    assert.deepEqual(names(sendAll(schedule, 202)), []);
    assert.deepEqual(names(sendAll(schedule, 203)), ["4.1"]);
  });

  it("gives a silent hop between responders spare probes, which the end does not wait for", () => {
    const schedule = plan({ window: 3, queries: 1 });
    const [, , third] = sendAll(schedule, 0);
    assert.ok(third);
    schedule.answered(third, "transit", 5);
    assert.deepEqual(names(sendAll(schedule, 5)), ["4.0", "5.0", "6.0"]);
    sendAll(schedule, 29);
    const spares = sendAll(schedule, 30);
    assert.deepEqual(
      spares.map(({ hop, scout }) => [hop, scout]),
      [
        [1, true],
        [2, true],
      ],
    );
    assert.equal(schedule.decide(31).type, "wait");
  });

  it("ends after a gap of silent hops and not after all thirty", () => {
    const schedule = plan({ maxGap: 3, queries: 1 });
    assert.deepEqual(names(sendAll(schedule, 0)), ["1.0", "2.0", "3.0"]);
    for (let atMs = 8; atMs < 10; atMs += 0.5) sendAll(schedule, atMs);
    assert.equal(schedule.expire(999).length, 0);
    assert.equal(schedule.expire(1000).length, 3);
    assert.equal(schedule.expire(1010).length, 3);
    assert.deepEqual(schedule.decide(1010), { type: "done", outcome: "silent" });
  });

  it("slides the window over hops that stayed silent, up to the gap", () => {
    const schedule = plan({ window: 1, maxGap: 3, queries: 1 });
    for (const hop of [1, 2, 3]) {
      const atMs = (hop - 1) * 1000;
      assert.deepEqual(names(sendAll(schedule, atMs)), [`${hop}.0`]);
      schedule.expire(atMs + 1000);
    }
    assert.deepEqual(schedule.decide(3000), { type: "done", outcome: "silent" });
  });

  it("ends where a router says unreachable, unless a hop beyond it was passed", () => {
    const schedule = plan({ window: 3, queries: 1 });
    const [first, second, third] = sendAll(schedule, 0);
    assert.ok(first && second && third);
    schedule.answered(first, "transit", 1);
    schedule.answered(second, "unreachable", 1);
    assert.deepEqual(schedule.decide(1), { type: "done", outcome: "unreachable" });
    schedule.answered(third, "transit", 2);
    assert.notEqual(schedule.decide(2).type, "done");
  });

  it("keeps to the rate after a first burst of two windows, of one where the rate is low", () => {
    for (const [packetsPerSecond, burst] of [
      [100, 4],
      [2, 2],
    ] as const) {
      const schedule = plan({ window: 2, queries: 1, maxGap: 30, packetsPerSecond });
      let sent = 0;
      for (let slots = sendAll(schedule, 0); slots.length > 0; slots = sendAll(schedule, 0)) {
        sent += slots.length;
        for (const slot of slots) schedule.answered(slot, "transit", 1);
      }
      assert.equal(sent, burst);
      assert.deepEqual(schedule.decide(1), { type: "wait", untilMs: 1000 / packetsPerSecond });
      assert.equal(sendAll(schedule, 1000 / packetsPerSecond).length, 1);
    }
  });

  it("reports the last hop limit as reached when routers answer all the way", () => {
    const schedule = plan({ maxHop: 2, queries: 1 });
    for (const slot of sendAll(schedule, 0)) schedule.answered(slot, "transit", 1);
    assert.deepEqual(schedule.decide(1), { type: "done", outcome: "max-hops" });
  });

  it("lets scouts run ahead where a flow carries one probe at a time", () => {
    const schedule = plan({ window: 3, queries: 1, packetsPerSecond: 5000 }, 1);
    const scouts = sendAll(schedule, 0);
    assert.deepEqual(
      scouts.map(({ hop, scout }) => [hop, scout]),
      [
        [1, true],
        [2, true],
        [3, true],
      ],
    );
    const [, , third] = scouts;
    assert.ok(third);
    schedule.answered(third, "reached", 1);
    for (const hop of [1, 2, 3]) {
      const own = sendAll(schedule, hop);
      assert.deepEqual(
        own.map((slot) => [slot.hop, slot.scout]),
        [[hop, false]],
      );
      for (const slot of own) schedule.answered(slot, hop === 3 ? "reached" : "transit", 1);
    }
    assert.deepEqual(schedule.decide(4), { type: "done", outcome: "reached" });
  });
});

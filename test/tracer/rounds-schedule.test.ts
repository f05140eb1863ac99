import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Effect } from "../../core/probe.ts";
import { completeTraceOptions, type TraceOptions } from "../../core/tracer/options.ts";
import { createRoundsSchedule, type RoundsControl, type RoundsOptions } from "../../core/tracer/rounds-schedule.ts";
import type { Schedule, Slot } from "../../core/tracer/schedule.ts";

const MTR: RoundsOptions = { intervalMs: 1000, perProbeTimeoutMs: 10_000, graceMs: 5000 };

const plan = (
  given: Partial<RoundsOptions> = {},
  trace: Partial<TraceOptions> = {},
  probesPerFlow?: number,
): Schedule => createRoundsSchedule({ ...MTR, ...given })(completeTraceOptions(trace), probesPerFlow);

interface Sent {
  readonly atMs: number;
  readonly hop: number;
  readonly round: number;
  readonly apart?: boolean;
}

interface Ending {
  readonly sent: readonly Sent[];
  readonly lost: readonly string[];
  readonly outcome: string;
  readonly atMs: number;
}

/** Answers a probe: after how many milliseconds and to what effect; undefined: never. */
type World = (
  hop: number,
  atMs: number,
  round: number,
) => { readonly rttMs: number; readonly effect: Effect } | undefined;

/** Plays a schedule against a world on a clock that jumps, to its end or to `untilMs`. */
function play(schedule: Schedule, world: World, untilMs = 1e9, each: (nowMs: number) => void = () => {}): Ending {
  const sent: Sent[] = [];
  const lost: string[] = [];
  const answers: { atMs: number; slot: Slot; effect: Effect; rttMs: number }[] = [];
  let nowMs = 0;
  while (nowMs <= untilMs) {
    each(nowMs);
    for (const slot of schedule.expire(nowMs)) lost.push(`${slot.hop}.${slot.round}`);
    const decision = schedule.decide(nowMs);
    if (decision.type === "done") return { sent, lost, outcome: decision.outcome, atMs: nowMs };
    if (decision.type === "send") {
      const { hop, round, apart } = decision;
      sent.push({ atMs: nowMs, hop, round, ...(apart !== undefined && { apart }) });
      const slot = schedule.sent(decision, nowMs);
      const answer = world(hop, nowMs, round);
      if (answer !== undefined) answers.push({ atMs: nowMs + answer.rttMs, slot, ...answer });
      answers.sort((a, b) => a.atMs - b.atMs);
      continue;
    }
    const next = answers[0];
    assert.ok(decision.untilMs > nowMs, "a wait that is over");
    if (next !== undefined && next.atMs <= decision.untilMs) {
      answers.shift();
      nowMs = next.atMs;
      if (next.slot.state === "flight") schedule.answered(next.slot, next.effect, next.rttMs);
    } else nowMs = decision.untilMs;
  }
  return { sent, lost, outcome: "running", atMs: nowMs };
}

/** A path to a target at `hops`; some hops are silent. */
const path =
  (hops: number, rttMs = 1, silent: readonly number[] = []): World =>
  (hop) =>
    silent.includes(hop) ? undefined : { rttMs, effect: hop >= hops ? "reached" : "transit" };

const hopsOf = (sent: readonly Sent[], round: number): number[] =>
  sent.filter((each) => each.round === round).map(({ hop }) => hop);

describe("the schedule of rounds", () => {
  it("asks each hop once a round, spread over the interval, up to the target", () => {
    const { sent, outcome } = play(plan({ cycles: 2, expectedHops: 4 }), path(4));
    assert.equal(outcome, "reached");
    assert.deepEqual(
      sent.map(({ atMs, hop, round }) => [atMs, hop, round]),
      [
        [0, 1, 0],
        [250, 2, 0],
        [500, 3, 0],
        [750, 4, 0],
        [1000, 1, 1],
        [1250, 2, 1],
        [1500, 3, 1],
        [1750, 4, 1],
      ],
    );
  });

  it("spreads the first round for ten hops, as mtr does, where the length is not known", () => {
    const { sent } = play(plan({ cycles: 2 }), path(4));
    assert.deepEqual(
      sent.map(({ atMs }) => atMs),
      [0, 100, 200, 300, 550, 800, 1050, 1300],
    );
  });

  it("is done with the last answer, and waits for no grace when nothing is outstanding", () => {
    assert.equal(play(plan({ cycles: 1, expectedHops: 2 }), path(2, 30)).atMs, 530);
  });

  it("waits at its end for what is outstanding, no longer than the grace, and counts it as lost", () => {
    const { atMs, lost } = play(plan({ cycles: 1, expectedHops: 4 }), path(4, 1, [2]));
    assert.equal(atMs, 5750);
    assert.deepEqual(lost, ["2.0"]);
  });

  it("waits no longer than a probe's own timeout", () => {
    const { atMs, lost } = play(plan({ cycles: 2, expectedHops: 2, perProbeTimeoutMs: 700 }), path(2, 1, [1]));
    assert.deepEqual(lost, ["1.0", "1.1"]);
    assert.equal(atMs, 1700);
  });

  it("cuts the grace to a multiple of the slowest answer, where asked to", () => {
    const cut = { cycles: 1, expectedHops: 4, graceFactor: 4 };
    assert.equal(play(plan(cut), path(4, 100, [2])).atMs, 1750);
    assert.equal(play(plan(cut), path(4, 500, [2])).atMs, 3000);
    assert.equal(play(plan({ ...cut, graceFloorMs: 50 }), path(4, 100, [2])).atMs, 1150);
  });

  it("keeps the whole grace while the target has not answered", () => {
    const { atMs, outcome } = play(plan({ cycles: 1, graceFactor: 4 }, { maxHop: 1 }), () => undefined);
    assert.deepEqual([atMs, outcome], [5000, "silent"]);
    assert.equal(play(plan({ cycles: 1, graceFactor: 4 }, { maxHop: 2 }), path(9, 10, [2])).atMs, 5500);
  });

  it("ends a round behind a run of silent hops, and one that answers nobody too", () => {
    const { sent, outcome } = play(plan({ cycles: 2, maxUnknown: 2 }), path(40, 1, [4, 5, 6, 7, 8, 9, 10]));
    assert.equal(outcome, "silent");
    assert.deepEqual(hopsOf(sent, 1), [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(hopsOf(play(plan({ cycles: 1 }), () => undefined).sent, 0).length, 14);
  });

  it("ends at the last hop limit while routers still answer", () => {
    const { sent, outcome } = play(plan({ cycles: 1 }, { firstHop: 3, maxHop: 6 }), path(40));
    assert.deepEqual(hopsOf(sent, 0), [3, 4, 5, 6]);
    assert.equal(outcome, "max-hops");
  });

  it("ends where a router says that there is no way on, and goes on once a hop beyond is passed", () => {
    const world: World = (hop, _atMs, round) => {
      if (round < 2) return { rttMs: 1, effect: hop >= 3 ? "unreachable" : "transit" };
      return { rttMs: 1, effect: hop >= 5 ? "reached" : "transit" };
    };
    const { sent, outcome } = play(plan({ cycles: 4 }), world);
    assert.deepEqual(hopsOf(sent, 1), [1, 2, 3]);
    assert.deepEqual(hopsOf(sent, 3), [1, 2, 3, 4, 5]);
    assert.equal(outcome, "reached");
  });

  it("follows a path that becomes longer and then shorter", () => {
    const world: World = (hop, _atMs, round) => {
      const length = round < 2 ? 4 : round < 4 ? 6 : 3;
      return { rttMs: 1, effect: hop >= length ? "reached" : "transit" };
    };
    const { sent } = play(plan({ cycles: 5 }), world);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((round) => hopsOf(sent, round).length),
      [4, 4, 4, 6, 3],
    );
  });

  it("goes on for ever without a number of cycles", () => {
    const { sent, outcome } = play(plan({ expectedHops: 4 }), path(4), 60_000);
    assert.equal(outcome, "running");
    assert.equal(sent.length, 241);
  });

  it("asks one hop again and again where the first is also the last", () => {
    const { sent, outcome, atMs } = play(
      plan({ intervalMs: 200, cycles: 3 }, { firstHop: 64, maxHop: 64 }),
      path(9, 20),
    );
    assert.deepEqual(
      sent.map(({ atMs: sentMs, hop }) => [sentMs, hop]),
      [
        [0, 64],
        [200, 64],
        [400, 64],
      ],
    );
    assert.deepEqual([outcome, atMs], ["reached", 420]);
  });

  it("sends a preload at once, and then at the interval", () => {
    const { sent } = play(plan({ cycles: 5, preload: 3 }, { firstHop: 9, maxHop: 9 }), path(9));
    assert.deepEqual(
      sent.map(({ atMs }) => atMs),
      [0, 0, 0, 1000, 2000],
    );
  });

  it("adapts to the answers where asked to, and falls back to the interval while one is missing", () => {
    const world: World = (hop, atMs, round) => (round === 2 ? undefined : path(9, 30)(hop, atMs, round));
    const { sent } = play(
      plan({ cycles: 5, adaptiveMinMs: 10, perProbeTimeoutMs: 900 }, { firstHop: 9, maxHop: 9 }),
      world,
    );
    assert.deepEqual(
      sent.map(({ atMs }) => atMs),
      [0, 30, 60, 960, 990],
    );
  });

  it("gives each probe a flow of its own where a flow carries one at a time, and leaves it to the options elsewhere", () => {
    const serial = play(plan({ cycles: 2, expectedHops: 2 }, {}, 1), path(2)).sent;
    assert.deepEqual(
      serial.map(({ apart }) => apart),
      [true, true, true, true],
    );
    assert.equal(play(plan({ cycles: 1 }), path(2)).sent[0]?.apart, undefined);
  });

  it("keeps a kernel's handshake no longer than a few seconds, after which it only sends more", () => {
    const { atMs } = play(plan({ cycles: 1 }, { maxHop: 1 }, 1), () => undefined);
    assert.equal(atMs, 2900);
  });

  it("makes up for a short delay and not for a long one", () => {
    const schedule = plan({ intervalMs: 100, perProbeTimeoutMs: 1e6 }, { firstHop: 1, maxHop: 1 });
    const sendAt = (nowMs: number): void => {
      const decision = schedule.decide(nowMs);
      assert.ok(decision.type === "send", `nothing is sent at ${nowMs}`);
      schedule.sent(decision, nowMs);
    };
    const dueAfter = (nowMs: number): number => {
      const decision = schedule.decide(nowMs);
      assert.ok(decision.type === "wait");
      return decision.untilMs;
    };
    sendAt(0);
    sendAt(130);
    assert.equal(dueAfter(131), 200);
    sendAt(60_000);
    assert.equal(dueAfter(60_001), 60_100);
  });

  it("goes to the next hop after a probe that the host refused", () => {
    const schedule = plan({ cycles: 1, expectedHops: 2 }, { maxHop: 2 });
    const decision = schedule.decide(0);
    assert.ok(decision.type === "send");
    schedule.refused(decision, 0);
    assert.deepEqual(schedule.decide(0), { type: "wait", untilMs: 500 });
    const second = schedule.decide(500);
    assert.ok(second.type === "send" && second.hop === 2);
    schedule.refused(second, 500);
    assert.deepEqual(schedule.decide(500), { type: "done", outcome: "silent" });
  });

  it("sends nothing while it is paused, and goes on where it was", () => {
    const control: RoundsControl = {};
    const { sent } = play(plan({ cycles: 3, control }, { maxHop: 1 }), path(1), 1e6, (nowMs) => {
      control.isPaused = nowMs >= 500 && nowMs < 5000;
    });
    const times = sent.map(({ atMs }) => atMs);
    assert.equal(times.length, 3);
    assert.equal(times[0], 0);
    assert.ok(times[1] !== undefined && times[1] >= 5000 && times[1] <= 5100, `sent at ${times}`);
    assert.equal(times[2], times[1] + 1000);
  });

  it("takes up another interval under way", () => {
    const control: RoundsControl = {};
    const { sent } = play(plan({ cycles: 4, control }, { maxHop: 1 }), path(1), 1e6, (nowMs) => {
      if (nowMs >= 1500) control.intervalMs = 200;
    });
    const times = sent.map(({ atMs }) => atMs);
    assert.deepEqual(times.slice(0, 2), [0, 1000]);
    assert.ok((times[2] ?? 0) >= 1500 && (times[3] ?? 0) - (times[2] ?? 0) <= 300, `sent at ${times}`);
  });

  it("finishes when it is told to, and still waits for what is outstanding", () => {
    const control: RoundsControl = {};
    const { sent, atMs } = play(plan({ control }, { maxHop: 1 }), path(1, 700), 1e6, (nowMs) => {
      control.isFinishing = nowMs >= 2100;
    });
    assert.equal(sent.length, 3);
    assert.equal(atMs, 2700);
  });

  it("never has more in flight than half of the sequence numbers", () => {
    const { sent } = play(
      plan({ intervalMs: 0.01, perProbeTimeoutMs: 1e6 }, { firstHop: 9, maxHop: 9 }),
      () => undefined,
      2000,
    );
    assert.equal(sent.length, 32_768);
  });

  it("has the patience that it was given, and none at its end", () => {
    assert.equal(plan().patienceMs, 0);
    const schedule = plan({ cycles: 2, expectedHops: 2, patienceMs: 100 });
    const seen = new Map<number, number | undefined>();
    play(schedule, path(2, 30), 1e9, (nowMs) => seen.set(nowMs, schedule.patienceMs));
    assert.deepEqual([seen.get(0), seen.get(500), seen.get(1530)], [100, 100, 0]);
  });
});

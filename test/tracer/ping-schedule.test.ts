import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { completeTraceOptions } from "../../core/tracer/options.ts";
import { createPingSchedule, type PingScheduleOptions } from "../../core/tracer/ping-schedule.ts";
import type { Schedule, Slot } from "../../core/tracer/schedule.ts";

const USUAL: PingScheduleOptions = { intervalMs: 1000, lingerMs: 10_000 };
const OPTIONS = completeTraceOptions({ firstHop: 7, maxHop: 7 });

/** Runs a schedule on a clock of its own; `answer` says after how long each probe is answered, if at all. */
function simulate(
  ping: PingScheduleOptions,
  answer: (round: number) => number | undefined,
  {
    untilMs = 60_000,
    probesPerFlow,
    refuse = () => false,
  }: { untilMs?: number; probesPerFlow?: number; refuse?: (round: number) => boolean } = {},
) {
  const schedule: Schedule = createPingSchedule(ping)(OPTIONS, probesPerFlow);
  const sent: { readonly atMs: number; readonly apart: boolean; readonly hop: number }[] = [];
  const answers: { readonly atMs: number; readonly rttMs: number; readonly slot: Slot }[] = [];
  let lost = 0;
  for (let nowMs = 0; nowMs <= untilMs; ) {
    const due = answers.filter(({ atMs }) => atMs <= nowMs);
    for (const each of due) {
      answers.splice(answers.indexOf(each), 1);
      schedule.answered(each.slot, "reached", each.rttMs);
    }
    lost += schedule.expire(nowMs).length;
    const decision = schedule.decide(nowMs);
    if (decision.type === "done") return { sent, lost, endMs: nowMs, outcome: decision.outcome };
    if (decision.type === "send") {
      sent.push({ atMs: nowMs, apart: decision.apart === true, hop: decision.hop });
      if (refuse(decision.round)) schedule.refused(decision, nowMs);
      else {
        const slot = schedule.sent(decision, nowMs);
        const rttMs = answer(decision.round);
        if (rttMs !== undefined) answers.push({ atMs: nowMs + rttMs, rttMs, slot });
      }
      continue;
    }
    nowMs = Math.min(decision.untilMs, ...answers.map(({ atMs }) => atMs));
  }
  return { sent, lost, endMs: undefined, outcome: undefined };
}

const times = ({ sent }: { readonly sent: readonly { readonly atMs: number }[] }): number[] =>
  sent.map(({ atMs }) => atMs);

describe("ping's schedule", () => {
  it("sends one probe each interval to the one hop limit, and ends when the last is answered", () => {
    const run = simulate({ ...USUAL, count: 3 }, () => 30);
    assert.deepEqual(times(run), [0, 1000, 2000]);
    assert.deepEqual([...new Set(run.sent.map(({ hop }) => hop))], [7]);
    assert.deepEqual([run.endMs, run.outcome], [2030, "reached"]);
  });

  it("waits at the end for as long as it is told where nothing was answered, for ever where it is told so", () => {
    const silent = simulate({ ...USUAL, count: 2, lingerMs: 3000 }, () => undefined);
    assert.deepEqual([silent.endMs, silent.outcome], [4000, "silent"]);
    const patient = simulate({ ...USUAL, count: 1, lingerMs: Number.POSITIVE_INFINITY }, () => 55_000);
    assert.equal(patient.endMs, 55_000);
  });

  it("waits at the end for an interval or twice the slowest answer, where there was one before", () => {
    const quick = simulate({ ...USUAL, count: 2 }, (round) => (round === 0 ? 30 : undefined));
    assert.equal(quick.endMs, 2000);
    const slow = simulate({ ...USUAL, count: 2 }, (round) => (round === 0 ? 900 : undefined));
    assert.equal(slow.endMs, 2800);
  });

  it("sends so many at once as it may at the start, and keeps the interval after", () => {
    assert.deepEqual(times(simulate({ ...USUAL, count: 5, preload: 3 }, () => 30)), [0, 0, 0, 1000, 2000]);
  });

  it("floods as fast as answers come, and a hundred a second where none do", () => {
    const flood = { intervalMs: 0, lingerMs: 100, count: 4 };
    assert.deepEqual(times(simulate(flood, () => 2)), [0, 2, 4, 6]);
    assert.deepEqual(times(simulate(flood, () => undefined)), [0, 10, 20, 30]);
  });

  it("no longer waits for what was sent before the newest answer", () => {
    const run = simulate({ intervalMs: 0, lingerMs: 100, count: 5 }, (round) => (round === 1 ? undefined : 2));
    assert.deepEqual(times(run), [0, 2, 12, 14, 16]);
  });

  it("follows the round trip time where it may, but never below the least interval", () => {
    const adaptive = { ...USUAL, count: 4, adaptiveMinMs: 0 };
    assert.deepEqual(times(simulate(adaptive, () => 40)), [0, 40, 80, 120]);
    assert.deepEqual(times(simulate({ ...adaptive, adaptiveMinMs: 200 }, () => 40)), [0, 200, 400, 600]);
  });

  it("goes on to the deadline whatever the count, and ends there", () => {
    const run = simulate({ ...USUAL, count: 1, deadlineMs: 2500 }, () => undefined);
    assert.deepEqual(times(run), [0, 1000, 2000]);
    assert.equal(run.endMs, 2500);
  });

  it("counts a refused probe as sent, and waits for none", () => {
    const run = simulate({ ...USUAL, count: 3 }, () => 30, { refuse: () => true });
    assert.deepEqual(times(run), [0, 1000, 2000]);
    assert.equal(run.endMs, 2000);
  });

  it("gives each probe a flow of its own where a flow can carry one only", () => {
    const run = simulate({ ...USUAL, count: 3 }, () => 30, { probesPerFlow: 1 });
    assert.deepEqual(
      run.sent.map(({ apart }) => apart),
      [true, true, true],
    );
  });

  it("gives up what is not answered within ten seconds, so that an endless ping keeps nothing", () => {
    const run = simulate(USUAL, () => undefined, { untilMs: 60_000 });
    assert.deepEqual([run.sent.length, run.lost], [61, 51]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeDrops } from "../../core/auto/dropped-here.ts";
import { createPath } from "../../core/path.ts";
import type { Probe } from "../../core/probe.ts";

/** An attempt of which so many probes met no answer. */
function silentAttempt(missing: number) {
  const path = createPath();
  for (let sequence = 0; sequence < missing; sequence += 1) {
    const probe: Probe = { sequence, hopLimit: 1 + sequence, flow: 0, round: 0 };
    path.apply({ type: "sent", probe, atMs: 0 });
    path.apply({ type: "lost", probe, atMs: 1, abandoned: false });
  }
  return { path };
}

const NONE = { reversePath: 7, unexplained: 70 };
const judge = (reversePath: number, unexplained: number | undefined, missing: number) =>
  judgeDrops(
    NONE,
    { reversePath: 7 + reversePath, unexplained: unexplained === undefined ? undefined : 70 + unexplained },
    [silentAttempt(missing)],
  );

describe("what a host's own counters say of missing answers", () => {
  it("names rp_filter where it dropped about as many packets as answers are missing", () => {
    assert.deepEqual(judge(9, 0, 12), { by: "rp_filter", packets: 9, missing: 12 });
    assert.deepEqual(judge(3, 40, 12), { by: "rp_filter", packets: 3, missing: 12 });
  });

  it("names INPUT where as many packets vanished for no counted reason", () => {
    assert.deepEqual(judge(0, 6, 12), { by: "input", packets: 6, missing: 12 });
  });

  it("says nothing of few, of none, or where nothing is missing", () => {
    assert.equal(judge(2, 2, 2), undefined);
    assert.equal(judge(0, 0, 12), undefined);
    assert.equal(judge(2, 5, 12), undefined);
    assert.equal(judge(9, 9, 0), undefined);
  });

  it("leaves INPUT to the packet tap where there is one, and all where nothing is counted", () => {
    assert.equal(judge(0, undefined, 12), undefined);
    assert.equal(judgeDrops(undefined, NONE, [silentAttempt(12)]), undefined);
    assert.equal(judgeDrops(NONE, undefined, [silentAttempt(12)]), undefined);
  });
});

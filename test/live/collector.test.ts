import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCollector } from "../../cli/live/collector.ts";

describe("what keeps the live screen small", () => {
  it("lets go of the program once it stands, and of that and the garbage every twenty seconds from then on", () => {
    const done: string[] = [];
    let second = 0;
    const collector = createCollector({
      collect: () => done.push(`collect ${second}`),
      release: () => done.push(`release ${second}`),
    });
    for (second = 1; second <= 55; second += 1) collector.tick();
    assert.deepEqual(done, ["release 10", "collect 20", "release 30", "collect 40", "release 50"]);
  });
});

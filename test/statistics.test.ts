import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRttStatistics } from "../core/statistics.ts";

const of = (...samples: number[]): ReturnType<ReturnType<typeof createRttStatistics>["summary"]> => {
  const statistics = createRttStatistics();
  for (const sample of samples) statistics.add(sample);
  return statistics.summary();
};

describe("round-trip statistics", () => {
  it("know nothing before the first sample", () => {
    assert.deepEqual(of(), { count: 0 });
  });

  it("have no deviation and no jitter with one sample", () => {
    assert.deepEqual(of(7), { count: 1, lastMs: 7, bestMs: 7, worstMs: 7, meanMs: 7 });
  });

  it("agree with the definitions", () => {
    const { deviationMs, ...rest } = of(2, 4, 4, 4, 5, 5, 7, 9);
    assert.deepEqual(rest, { count: 8, lastMs: 9, bestMs: 2, worstMs: 9, meanMs: 5, jitterMs: 1 });
    assert.ok(Math.abs((deviationMs ?? 0) - Math.sqrt(32 / 7)) < 1e-12);
  });

  it("stay exact where the samples are large and close together", () => {
    const { deviationMs } = of(1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16);
    assert.ok(Math.abs((deviationMs ?? 0) - Math.sqrt(30)) < 1e-9);
  });
});

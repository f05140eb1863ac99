import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPrng } from "../core/sim/prng.ts";
import { createRttStatistics } from "../core/statistics.ts";

const of = (...samples: number[]): ReturnType<ReturnType<typeof createRttStatistics>["summary"]> => {
  const statistics = createRttStatistics();
  for (const sample of samples) statistics.add(sample);
  return statistics.summary();
};

function assertNear(actual: number | undefined, expected: number, tolerance = 1e-9): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

/** Of all samples at once, by the textbook. */
function naive(samples: readonly number[]): { deviationMs: number; geometricMeanMs: number; jitterMs: number } {
  const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length;
  const squares = samples.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  const logarithms = samples.reduce((sum, each) => sum + Math.log(each), 0);
  const differences = samples.slice(1).map((each, at) => Math.abs(each - (samples[at] ?? 0)));
  return {
    deviationMs: Math.sqrt(squares / (samples.length - 1)),
    geometricMeanMs: Math.exp(logarithms / samples.length),
    jitterMs: differences.reduce((sum, each) => sum + each, 0) / differences.length,
  };
}

describe("round-trip statistics", () => {
  it("know nothing before the first sample", () => {
    assert.deepEqual(of(), { count: 0 });
  });

  it("have no deviation and no jitter with one sample", () => {
    const { geometricMeanMs, ...rest } = of(7);
    assert.deepEqual(rest, { count: 1, lastMs: 7, bestMs: 7, worstMs: 7, meanMs: 7 });
    assertNear(geometricMeanMs, 7);
  });

  it("agree with the definitions", () => {
    const { deviationMs, geometricMeanMs, interarrivalJitterMs, ...rest } = of(2, 4, 4, 4, 5, 5, 7, 9);
    assert.deepEqual(rest, {
      count: 8,
      lastMs: 9,
      bestMs: 2,
      worstMs: 9,
      meanMs: 5,
      jitterMs: 1,
      lastJitterMs: 2,
      worstJitterMs: 2,
    });
    assertNear(deviationMs, Math.sqrt(32 / 7));
    assertNear(geometricMeanMs, (2 * 4 * 4 * 4 * 5 * 5 * 7 * 9) ** (1 / 8));
    assertNear(interarrivalJitterMs, 6.057 / 16);
  });

  it("have a geometric mean of 0 once a sample was 0", () => {
    assert.equal(of(0, 5, 7).geometricMeanMs, 0);
  });

  it("agree with the textbook over a million samples", () => {
    const prng = createPrng(7);
    const samples = Array.from({ length: 1_000_000 }, () => 20 + 100 * prng.next() ** 4);
    const statistics = createRttStatistics();
    for (const sample of samples) statistics.add(sample);
    const actual = statistics.summary();
    const expected = naive(samples);
    assertNear(actual.deviationMs, expected.deviationMs, 1e-6);
    assertNear(actual.geometricMeanMs, expected.geometricMeanMs, 1e-6);
    assertNear(actual.jitterMs, expected.jitterMs, 1e-6);
  });

  it("smooth jitter with the integers of RFC 3550, so that it settles where the differences do", () => {
    const statistics = createRttStatistics();
    for (let at = 0; at < 2000; at += 1) statistics.add(at % 2 === 0 ? 10 : 14);
    assertNear(statistics.summary().interarrivalJitterMs, 4, 0.001);
  });

  it("stay exact where the samples are large and close together", () => {
    const { deviationMs } = of(1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16);
    assert.ok(Math.abs((deviationMs ?? 0) - Math.sqrt(30)) < 1e-9);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPrng } from "../../core/sim/prng.ts";
import { createRttStatistics } from "../../core/statistics.ts";

const SAMPLES = 1_000_000;
/** Samples are whole multiples of this many milliseconds, so that the reference can count in integers: a nanosecond. */
const UNIT_MS = 1e-6;
/** How far behind the point a division is carried. */
const DIGITS = 10n ** 12n;

/** Mean, sample deviation and mean absolute difference of neighbours, in exact integer arithmetic up to the last step. */
function reference(samples: readonly number[]): { meanMs: number; deviationMs: number; jitterMs: number } {
  const count = BigInt(samples.length);
  let sum = 0n;
  let squares = 0n;
  let differences = 0n;
  samples.forEach((sample, index) => {
    const units = BigInt(sample);
    sum += units;
    squares += units * units;
    differences += BigInt(index === 0 ? 0 : Math.abs(sample - (samples[index - 1] ?? 0)));
  });
  // n * sum of squared deviations, which is whole; cut to 2^53 only where it is divided.
  const scaled = squares * count - sum * sum;
  const divided = (value: bigint, by: bigint): number => Number((value * DIGITS) / by) / Number(DIGITS);
  return {
    meanMs: divided(sum, count) * UNIT_MS,
    deviationMs: Math.sqrt(divided(scaled, count * (count - 1n))) * UNIT_MS,
    jitterMs: divided(differences, count - 1n) * UNIT_MS,
  };
}

const STEADY: Readonly<Record<string, (random: () => number) => number>> = {
  "a far target with little jitter": (random) => 167_000_000 + Math.floor(random() * 20_000),
  "a close one, microseconds apart": (random) => 40_000 + Math.floor(random() * 3000),
  "a heavy tail": (random) => 1_000_000 + Math.floor(1_000_000 / (random() + 0.0002)),
};

describe("round-trip statistics over a million samples", () => {
  for (const [name, draw] of Object.entries(STEADY)) {
    it(`agree with exact arithmetic: ${name}`, () => {
      const prng = createPrng(11);
      const samples = Array.from({ length: SAMPLES }, () => draw(() => prng.next()));
      const statistics = createRttStatistics();
      for (const sample of samples) statistics.add(sample * UNIT_MS);
      const streamed = statistics.summary();
      const exact = reference(samples);
      assert.equal(streamed.count, SAMPLES);
      for (const key of ["meanMs", "deviationMs", "jitterMs"] as const) {
        const error = Math.abs((streamed[key] ?? Number.NaN) - exact[key]) / exact[key];
        assert.ok(error < 1e-9, `${key}: ${streamed[key]} and exactly ${exact[key]}, off by ${error}`);
      }
      assert.equal(streamed.bestMs, Math.min(...chunked(samples, Math.min)) * UNIT_MS);
      assert.equal(streamed.worstMs, Math.max(...chunked(samples, Math.max)) * UNIT_MS);
    });
  }
});

/** A million arguments are too many for one call. */
function chunked(samples: readonly number[], best: (...values: number[]) => number): number[] {
  const chunks: number[] = [];
  for (let start = 0; start < samples.length; start += 10_000)
    chunks.push(best(...samples.slice(start, start + 10_000)));
  return chunks;
}

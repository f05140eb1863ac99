import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseColumns, formatMs } from "../../cli/live/columns.ts";
import { createHistogram, mergeBuckets } from "../../cli/live/histogram.ts";
import { lineText } from "../../cli/live/line.ts";
import { BLOCKS, DIGITS, scaleOf, sparkline } from "../../cli/live/sparkline.ts";
import { DEFAULT_THRESHOLDS, parseThresholds, toneOf } from "../../cli/live/thresholds.ts";
import { formatElapsed } from "../../cli/live/view/header.ts";
import { type RoundEntry, UsageError } from "../../core/mod.ts";

const entry = (state: RoundEntry["state"], rttMs?: number): RoundEntry => ({
  round: 0,
  state,
  ...(rttMs !== undefined && { rttMs }),
});

describe("a histogram of times", () => {
  it("puts each time into the bucket that has it", () => {
    const histogram = createHistogram();
    const times = [0.0001, 0.05, 0.051, 1, 9.99, 250, 5_000_000];
    for (const ms of times) histogram.add(ms);
    const buckets = histogram.buckets()();
    const filled = buckets.filter(({ count }) => count > 0);
    assert.equal(
      filled.reduce((sum, { count }) => sum + count, 0),
      times.length,
    );
    for (const ms of times.slice(1, -1)) {
      const found = filled.filter(({ fromMs, toMs }) => ms >= fromMs * 0.999_999 && ms < toMs * 1.000_001);
      assert.ok(found.length >= 1, `${ms} ms`);
    }
    for (const { fromMs, toMs } of buckets) assert.ok(toMs / fromMs < 1.13);
    assert.deepEqual(createHistogram().buckets()(), []);
  });

  it("is put together into as many rows as there are", () => {
    const buckets = Array.from({ length: 10 }, (_, at) => ({ fromMs: at, toMs: at + 1, count: at }));
    assert.deepEqual(mergeBuckets(buckets, 3), [
      { fromMs: 0, toMs: 4, count: 6 },
      { fromMs: 4, toMs: 8, count: 22 },
      { fromMs: 8, toMs: 10, count: 17 },
    ]);
    assert.deepEqual(mergeBuckets([], 3), []);
  });
});

describe("a history of rounds", () => {
  const history = [
    entry("answered", 1),
    entry("answered", 8),
    entry("lost"),
    entry("late", 3),
    entry("failed"),
    entry("answered"),
    entry("abandoned"),
    entry("never"),
    entry("pending"),
  ];

  it("has a sign of its own for everything that can happen to a probe", () => {
    const scale = scaleOf([history]);
    assert.equal(lineText(sparkline(history, 20, scale, BLOCKS, DEFAULT_THRESHOLDS.rtt)), "▁█×▅-~  ·");
    assert.equal(lineText(sparkline(history, 20, scale, DIGITS, DEFAULT_THRESHOLDS.rtt)), "18x5-~  .");
    assert.equal(lineText(sparkline(history, 3, scale, DIGITS, DEFAULT_THRESHOLDS.rtt)), "  .");
  });

  it("has loss in a tone of its own", () => {
    const spans = sparkline(history.slice(0, 3), 20, scaleOf([history]), BLOCKS, DEFAULT_THRESHOLDS.rtt);
    assert.deepEqual(spans, [
      { text: "▁█", tone: "good" },
      { text: "×", tone: "lost" },
    ]);
  });

  it("does not make mountains of noise", () => {
    const calm = [entry("answered", 1), entry("answered", 1.05), entry("answered", 1.1)];
    assert.equal(lineText(sparkline(calm, 20, scaleOf([calm]), BLOCKS, DEFAULT_THRESHOLDS.rtt)), "▁▁▁");
    assert.equal(scaleOf([[entry("lost")]]), undefined);
  });
});

describe("numbers on the live screen", () => {
  it("have as many digits as there is room for", () => {
    const texts = [0.004, 0.05, 9.994, 9.995, 99.94, 999.94, 999.96, 12_345.6].map(formatMs);
    assert.deepEqual(texts, ["0.00", "0.05", "9.99", "10.0", "99.9", "999.9", "1000", "12346"]);
    assert.deepEqual([0, 59_999, 60_000, 3_725_000].map(formatElapsed), ["0:00", "0:59", "1:00", "1:02:05"]);
  });

  it("give way from the least wanted on where there is no room", () => {
    const keys = (columns: number): string =>
      chooseColumns("latency", columns, 30)
        .map(({ key }) => key)
        .join("");
    assert.equal(keys(80), "LHSNABWV");
    assert.equal(keys(76), "LHSNABW");
    assert.equal(keys(200), "LHSNABWVJMX");
    assert.equal(keys(45), "LN");
    assert.equal(keys(10), "L");
  });

  it("are worth a look from a threshold on", () => {
    assert.equal(toneOf(0.5, DEFAULT_THRESHOLDS.loss), undefined);
    assert.equal(toneOf(1, DEFAULT_THRESHOLDS.loss), "warn");
    assert.equal(toneOf(10, DEFAULT_THRESHOLDS.loss), "bad");
    assert.equal(toneOf(0, { warn: 0, bad: 0 }), undefined);
    assert.deepEqual(parseThresholds("loss=2:5, rtt=10:20.5"), {
      ...DEFAULT_THRESHOLDS,
      loss: { warn: 2, bad: 5 },
      rtt: { warn: 10, bad: 20.5 },
    });
    for (const bad of ["", "loss", "loss=5", "loss=5:2", "delay=1:2", "loss=1:2:3", "loss=..:1"]) {
      assert.throws(() => parseThresholds(bad), UsageError, bad);
    }
  });
});

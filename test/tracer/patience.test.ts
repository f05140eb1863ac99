import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPacer } from "../../core/tracer/pacer.ts";
import { createPatience } from "../../core/tracer/patience.ts";

describe("patience", () => {
  it("waits one second before anything was measured", () => {
    const patience = createPatience({ maxWaitMs: 3000 });
    assert.equal(patience.inside(1), 1000);
    assert.equal(patience.beyond(), 1000);
  });

  it("bounds a silent hop by the nearest responder behind it, not below the time a control plane takes", () => {
    const patience = createPatience({ maxWaitMs: 3000 });
    patience.note(5, 1);
    assert.equal(patience.inside(1), 60);
    patience.note(9, 200);
    assert.equal(patience.inside(1), 60);
    patience.note(3, 40);
    assert.equal(patience.inside(1), 150);
    assert.ok(Math.abs(patience.inside(7) - 235) < 1e-9, "never more than the slowest answer allows");
  });

  it("bounds a hop that has answered by what its answers took", () => {
    const patience = createPatience({ maxWaitMs: 3000 });
    patience.note(9, 500);
    patience.note(3, 95);
    patience.note(3, 100);
    patience.note(3, 97);
    assert.equal(patience.inside(3), 120);
  });

  it("waits longer where the answers of some hop differ, as they do on a path with jitter", () => {
    const patience = createPatience({ maxWaitMs: 3000 });
    patience.note(9, 500);
    patience.note(3, 100);
    patience.note(2, 20);
    patience.note(2, 60);
    assert.equal(patience.inside(3), 185);
  });

  it("waits less where many answers of the path have hardly differed", () => {
    const patience = createPatience({ maxWaitMs: 3000 });
    patience.note(9, 500);
    for (let hop = 1; hop <= 4; hop += 1) for (const rttMs of [100, 101, 100.5]) patience.note(hop, rttMs);
    assert.ok(Math.abs(patience.inside(3) - (101 * 1.02 + 8)) < 1e-9);
    patience.note(4, 105);
    assert.ok(Math.abs(patience.inside(3) - (101 * 1.02 + 10)) < 1e-9, "twice the largest difference");
  });

  it("waits longer behind the farthest responder, where the next link may cross an ocean", () => {
    const patience = createPatience({ maxWaitMs: 3000 });
    patience.note(1, 5);
    assert.equal(patience.beyond(), 600);
    patience.note(2, 700);
    assert.equal(patience.beyond(), 1400);
  });

  it("never exceeds the absolute cap", () => {
    const patience = createPatience({ maxWaitMs: 50 });
    assert.equal(patience.inside(1), 50);
    patience.note(1, 400);
    assert.equal(patience.inside(1), 50);
    assert.equal(patience.beyond(), 50);
  });
});

describe("the pacer", () => {
  it("lets a burst pass at once and then keeps the rate", () => {
    const pacer = createPacer(2, 100);
    assert.equal(pacer.readyAtMs(0), 0);
    pacer.take(0);
    pacer.take(0);
    assert.equal(pacer.readyAtMs(0), 10);
    assert.equal(pacer.readyAtMs(4), 10);
    assert.equal(pacer.readyAtMs(10), 10);
    pacer.take(10);
    assert.equal(pacer.readyAtMs(10), 20);
  });

  it("saves no more than one burst while it is idle", () => {
    const pacer = createPacer(2, 100);
    assert.equal(pacer.readyAtMs(0), 0);
    for (let taken = 0; taken < 2; taken += 1) pacer.take(60_000);
    assert.equal(pacer.readyAtMs(60_000), 60_010);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Counters } from "../../core/socket/linux/proc.ts";
import { RefusedSends } from "../../core/socket/linux/refused-send.ts";

/** What one refused send, and whatever else the host does meanwhile, adds to the counters. */
interface Step {
  readonly requests: number;
  readonly transmits: number;
  readonly untracked?: number;
}

interface Host {
  readonly mayFilter?: boolean;
  readonly isLoopbackRefused?: boolean;
  /** False: as before Linux 6.8, or where /proc is hidden. */
  readonly counts?: boolean;
}

/** The cause told after each of so many refusals. */
function causes(steps: readonly Step[], { mayFilter = true, isLoopbackRefused = false, counts = true }: Host = {}) {
  const so = { requests: 1000, transmits: 900, untracked: 0 };
  const counters: Pick<Counters, "outgoing" | "untrackedDrops" | "trackedConnections"> = {
    outgoing: () => (counts ? { requests: so.requests, transmits: so.transmits } : undefined),
    untrackedDrops: () => (counts ? so.untracked : undefined),
    trackedConnections: () => ({ count: 262_144, most: 262_144 }),
  };
  const refused = new RefusedSends(counters as Counters, 4, {
    mayFilter: () => mayFilter,
    isLoopbackRefused: () => isLoopbackRefused,
  });
  return steps.map(({ requests, transmits, untracked = 0 }) => {
    so.requests += requests;
    so.transmits += transmits;
    so.untracked += untracked;
    return refused.refused();
  });
}

const eight = (step: Step): Step[] => Array.from({ length: 8 }, () => step);
const last = (steps: readonly Step[], host?: Host): string | undefined => causes(steps, host).at(-1);

describe("the cause of refused sends", () => {
  it("is not told of so few that chance may have its hand in them", () => {
    assert.deepEqual(causes(eight({ requests: 0, transmits: 0 })).slice(0, 4), [
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("is the usual one, a rule, where the packet was made and went no farther", () => {
    assert.equal(last(eight({ requests: 1, transmits: 0 })), undefined);
  });

  it("is no rule where there are none, and may be one where loopback is refused too", () => {
    assert.match(last(eight({ requests: 1, transmits: 0 }), { mayFilter: false }) ?? "", /no OUTPUT rules: an eBPF/);
    const loopback = last(eight({ requests: 1, transmits: 0 }), { isLoopbackRefused: true });
    assert.match(loopback ?? "", /an OUTPUT rule that spares not even lo drops it, or an eBPF filter/);
  });

  it("is before the packet where none was made, whatever else leaves", () => {
    assert.match(last(eight({ requests: 0, transmits: 0 })) ?? "", /before it was a packet/);
    assert.match(last(eight({ requests: 3, transmits: 3 })) ?? "", /before it was a packet/);
  });

  it("is the connection-tracking table where its drops rise with the refusals", () => {
    const step = { requests: 1, transmits: 0, untracked: 1 };
    assert.match(last(eight(step)) ?? "", /table is full \(262144 of 262144\)/);
  });

  it("is not the table where it dropped one packet in passing", () => {
    const steps = eight({ requests: 1, transmits: 0 });
    assert.equal(last([...steps.slice(0, 3), { requests: 1, transmits: 0, untracked: 1 }, ...steps]), undefined);
  });

  it("is only what is known without counters", () => {
    assert.equal(last(eight({ requests: 0, transmits: 0 }), { counts: false }), undefined);
    assert.match(
      last(eight({ requests: 0, transmits: 0 }), { counts: false, mayFilter: false }) ?? "",
      /no OUTPUT rules/,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseAddress } from "../../core/address.ts";
import type { Effect, Reply } from "../../core/probe.ts";
import { completeTraceOptions } from "../../core/tracer/options.ts";
import type { Schedule, Slot } from "../../core/tracer/schedule.ts";
import { createSweep, type Sweep, type SweepOptions, type SweepTurn } from "../../core/tracer/sweep-schedule.ts";

interface Bench {
  readonly sweep: Sweep;
  readonly schedule: Schedule;
  /** What had its turn: `1.0 10.0.0.1` or `1.1 *`. */
  readonly turns: readonly string[];
  /** Sends all that is due, and says what: `1.0`. */
  send(nowMs: number): string[];
  slot(name: string): Slot;
  answer(name: string, reply: Partial<Reply> & { readonly effect: Effect }, rttMs?: number): void;
}

const DEFAULTS = {
  firstHop: 1,
  maxHop: 30,
  queries: 3,
  simultaneous: 16,
  sendWaitMs: 0,
  wait: { maxMs: 5000, here: 3, near: 10 },
  flow: "vary",
} as const;

function bench(given: Partial<SweepOptions> = {}): Bench {
  const turns: string[] = [];
  const slots = new Map<string, Slot>();
  const onTurn = ({ hop, query, reply, shrunkTo }: SweepTurn): void => {
    const note = shrunkTo === undefined ? "" : ` F=${shrunkTo}`;
    turns.push(`${hop}.${query} ${reply?.from.text ?? "*"}${note}`);
  };
  const sweep = createSweep({ ...DEFAULTS, onTurn, ...given });
  const schedule = sweep.schedule(completeTraceOptions({}));
  return {
    sweep,
    schedule,
    turns,
    send(nowMs) {
      const names: string[] = [];
      for (let decision = schedule.decide(nowMs); decision.type === "send"; decision = schedule.decide(nowMs)) {
        const name = `${decision.hop}.${decision.round}`;
        slots.set(name, schedule.sent(decision, nowMs));
        names.push(name);
      }
      return names;
    },
    slot(name) {
      const slot = slots.get(name);
      assert.ok(slot, `${name} was not sent`);
      return slot;
    },
    answer(name, given, rttMs = 1) {
      const slot = slots.get(name);
      assert.ok(slot, `${name} was not sent`);
      const from = parseAddress(`10.0.0.${slot.hop}`);
      assert.ok(from);
      const reply: Reply = { sequence: 0, from, ...given };
      schedule.answered(slot, reply.effect, rttMs, reply);
    },
  };
}

const TRANSIT = { effect: "transit", icmp: { type: 11, code: 0 } } as const;
const REACHED = { effect: "reached", icmp: { type: 0, code: 0 } } as const;
const REFUSED = { effect: "unreachable", icmp: { type: 3, code: 1 } } as const;

describe("the sweep of the classic traceroute", () => {
  it("sends sixteen probes at once, hop by hop", () => {
    const { send } = bench();
    assert.deepEqual(send(0), "1.0 1.1 1.2 2.0 2.1 2.2 3.0 3.1 3.2 4.0 4.1 4.2 5.0 5.1 5.2 6.0".split(" "));
  });

  it("sends one more for each that is answered, in whatever order", () => {
    const { send, answer } = bench({ simultaneous: 2, queries: 1 });
    assert.deepEqual(send(0), ["1.0", "2.0"]);
    answer("2.0", TRANSIT);
    assert.deepEqual(send(1), ["3.0"]);
  });

  it("takes no probe at once for one", () => {
    assert.deepEqual(bench({ simultaneous: 0 }).send(0), ["1.0"]);
  });

  it("gives each its turn in order, as soon as all before it are settled", () => {
    const { send, answer, turns, schedule } = bench({ simultaneous: 3, queries: 1 });
    send(0);
    answer("3.0", TRANSIT);
    answer("2.0", TRANSIT);
    schedule.decide(1);
    assert.deepEqual(turns, []);
    answer("1.0", TRANSIT);
    schedule.decide(2);
    assert.deepEqual(turns, ["1.0 10.0.0.1", "2.0 10.0.0.2", "3.0 10.0.0.3"]);
  });

  it("begins at the first hop that is asked for, and ends behind the last", () => {
    const { send, answer, schedule, sweep } = bench({ firstHop: 2, maxHop: 3, queries: 1 });
    assert.deepEqual(send(0), ["2.0", "3.0"]);
    answer("2.0", TRANSIT);
    answer("3.0", TRANSIT);
    assert.equal(schedule.decide(1).type, "done");
    assert.ok(sweep.isFinished);
  });

  it("ends with the hop of the target, whose other probes it still waits for", () => {
    const { send, answer, schedule, turns } = bench({ simultaneous: 4, queries: 2 });
    send(0);
    answer("1.0", TRANSIT);
    answer("1.1", TRANSIT);
    answer("2.0", REACHED);
    assert.equal(schedule.decide(1).type, "wait");
    answer("2.1", REACHED);
    assert.deepEqual(schedule.decide(2), { type: "done", outcome: "reached" });
    assert.equal(turns.length, 4);
  });

  it("ends too where a router says that there is no way on", () => {
    const { send, answer, schedule } = bench({ queries: 1, simultaneous: 2 });
    send(0);
    answer("1.0", REFUSED);
    assert.deepEqual(schedule.decide(1), { type: "done", outcome: "unreachable" });
  });

  it("keeps to the time between two probes", () => {
    const { send, schedule } = bench({ sendWaitMs: 50 });
    assert.deepEqual(send(0), ["1.0"]);
    assert.deepEqual(schedule.decide(0), { type: "wait", untilMs: 50 });
    assert.deepEqual(send(50), ["1.1"]);
  });

  describe("how long it waits", () => {
    it("is the longest time as long as nothing near was answered", () => {
      const { send, schedule } = bench({ queries: 1 });
      send(0);
      assert.deepEqual(schedule.decide(0), { type: "wait", untilMs: 5000 });
      assert.deepEqual(schedule.expire(4999), []);
      assert.equal(schedule.expire(5000).length, 16);
    });

    it("is three times as long as an answer of the same hop took, and a millisecond more", () => {
      const { send, answer, schedule, slot } = bench({ queries: 3, simultaneous: 3, maxHop: 1 });
      send(0);
      answer("1.1", TRANSIT, 9);
      assert.deepEqual(schedule.decide(9), { type: "wait", untilMs: 30 });
      assert.deepEqual(schedule.expire(30), [slot("1.0"), slot("1.2")]);
    });

    it("is ten times as long as the first answer of a hop behind it took", () => {
      const { send, answer, schedule } = bench({ queries: 1, simultaneous: 3, maxHop: 3 });
      send(0);
      answer("3.0", TRANSIT, 19);
      answer("2.0", TRANSIT, 9);
      assert.deepEqual(schedule.decide(19), { type: "wait", untilMs: 100 });
    });

    it("is never longer than the longest time", () => {
      const { send, answer, schedule } = bench({ queries: 1, simultaneous: 2, maxHop: 2 });
      send(0);
      answer("2.0", TRANSIT, 900);
      assert.deepEqual(schedule.decide(900), { type: "wait", untilMs: 5000 });
    });

    it("heeds no answer where the factors are zero", () => {
      const { send, answer, schedule } = bench({ queries: 2, wait: { maxMs: 1000, here: 0, near: 0 }, maxHop: 1 });
      send(0);
      answer("1.1", TRANSIT, 1);
      assert.deepEqual(schedule.decide(1), { type: "wait", untilMs: 1000 });
    });

    it("concerns only the probe whose turn it is: those behind it may be late", () => {
      const { send, answer, schedule, turns } = bench({ queries: 1, simultaneous: 2, maxHop: 2 });
      send(0);
      answer("1.0", TRANSIT, 6000);
      schedule.expire(6000);
      assert.deepEqual(turns, ["1.0 10.0.0.1", "2.0 *"]);
      const other = bench({ queries: 1, simultaneous: 2, maxHop: 2 });
      other.send(0);
      assert.equal(other.schedule.decide(4000).type, "wait");
      other.answer("2.0", TRANSIT, 4000);
      other.schedule.expire(5000);
      other.schedule.decide(5000);
      assert.deepEqual(other.turns, ["1.0 *", "2.0 10.0.0.2"]);
    });

    it("leaves an answer that comes after its turn out", () => {
      const { send, answer, schedule, turns } = bench({ queries: 1, simultaneous: 1, maxHop: 1 });
      send(0);
      schedule.expire(5000);
      answer("1.0", TRANSIT, 5001);
      schedule.decide(5001);
      assert.deepEqual(turns, ["1.0 *"]);
    });
  });

  describe("a refusal that came for a late probe only", () => {
    it("takes the place of a lost one of the same hop", () => {
      const { send, answer, schedule, turns } = bench({ queries: 3, simultaneous: 3, maxHop: 1, firstHop: 1 });
      send(0);
      answer("1.2", REFUSED, 1);
      schedule.expire(7);
      schedule.decide(7);
      assert.deepEqual(turns, ["1.0 10.0.0.1", "1.1 *", "1.2 *"]);
    });

    it("takes the place of a lost one where, by its hop limit, its sender stands", () => {
      const { send, answer, schedule, turns, sweep } = bench({ queries: 1, simultaneous: 4 });
      send(0);
      answer("1.0", { ...TRANSIT, replyHopLimit: 64 });
      answer("4.0", { ...REFUSED, replyHopLimit: 63 }, 1);
      for (const atMs of [20, 40, 60]) {
        schedule.expire(atMs);
        schedule.decide(atMs);
      }
      assert.deepEqual(turns, ["1.0 10.0.0.1", "2.0 10.0.0.4"]);
      assert.ok(sweep.isFinished);
    });

    it("stays where it is when nothing says that it stands nearer", () => {
      const { send, answer, schedule, turns } = bench({ queries: 1, simultaneous: 4 });
      send(0);
      answer("1.0", { ...TRANSIT, replyHopLimit: 64 });
      answer("4.0", { ...REFUSED, replyHopLimit: 61 }, 1);
      schedule.expire(20);
      schedule.decide(20);
      assert.deepEqual(turns, ["1.0 10.0.0.1", "2.0 *", "3.0 *", "4.0 10.0.0.4"]);
    });

    it("is not what an echo reply or a closed port is taken for", () => {
      for (const reply of [REACHED, { effect: "reached", icmp: { type: 3, code: 3 }, mark: "closed" } as const]) {
        const { send, answer, schedule, turns } = bench({ queries: 2, simultaneous: 2, maxHop: 1 });
        send(0);
        answer("1.1", reply, 1);
        schedule.expire(6);
        schedule.decide(6);
        assert.deepEqual(turns, ["1.0 *", "1.1 10.0.0.1"]);
      }
    });
  });

  describe("packets that are too large", () => {
    it("are sent again as small as a router asks, in a trace of their own", () => {
      const { send, answer, schedule, sweep, turns } = bench({ queries: 1, simultaneous: 1, shrinkFrom: 65_000 });
      send(0);
      answer("1.0", { effect: "unreachable", icmp: { type: 3, code: 4 }, mtu: 1400 });
      assert.equal(schedule.decide(1).type, "done");
      assert.deepEqual([sweep.packetSize, sweep.isFinished], [1400, false]);
      sweep.schedule(completeTraceOptions({}));
      assert.deepEqual(send(2), ["1.0"]);
      answer("1.0", TRANSIT);
      schedule.decide(3);
      assert.deepEqual(turns, ["1.0 10.0.0.1 F=1400"]);
    });

    it("are sent again as small as this host asks", () => {
      const { schedule, sweep } = bench({ queries: 1, simultaneous: 1, shrinkFrom: 65_000 });
      const decision = schedule.decide(0);
      assert.equal(decision.type, "send");
      schedule.refused(decision, 0);
      assert.deepEqual(schedule.decide(0), { type: "done", outcome: "refused" });
      assert.equal(sweep.tooBigHere(1500), true);
      assert.equal(sweep.packetSize, 1500);
      sweep.schedule(completeTraceOptions({}));
      assert.deepEqual(schedule.decide(1), decision);
    });

    it("end the path where they may not be made smaller", () => {
      const { schedule, sweep } = bench({ queries: 1, simultaneous: 1 });
      const decision = schedule.decide(0);
      assert.equal(decision.type, "send");
      schedule.refused(decision, 0);
      assert.equal(sweep.tooBigHere(1500), true);
      assert.equal(schedule.decide(1).type, "done");
      assert.ok(sweep.isFinished);
    });

    it("are not asked for twice: a router that asks for no less than before is no reason to shrink", () => {
      const { send, answer, schedule, sweep } = bench({ queries: 1, simultaneous: 1, shrinkFrom: 1400 });
      send(0);
      answer("1.0", { effect: "unreachable", icmp: { type: 3, code: 4 }, mtu: 1400 });
      assert.deepEqual(schedule.decide(1), { type: "done", outcome: "unreachable" });
      assert.ok(sweep.isFinished);
    });
  });

  it("ends the trace when the host refuses a probe", () => {
    const { schedule, sweep } = bench();
    const decision = schedule.decide(0);
    assert.equal(decision.type, "send");
    schedule.refused(decision, 0);
    assert.deepEqual(schedule.decide(0), { type: "done", outcome: "refused" });
    assert.equal(sweep.isFinished, false);
  });

  it("takes it for an answer that this host finds no neighbour, and ends for what it rejects itself", () => {
    const { send, schedule, slot, turns, sweep } = bench({ queries: 1, simultaneous: 2 });
    send(0);
    const from = parseAddress("10.0.0.99");
    assert.ok(from);
    const reply: Reply = { sequence: 0, from, effect: "unreachable", icmp: { type: 3, code: 1 }, local: true };
    schedule.failed(slot("1.0"), { reply, rttMs: 3000 });
    assert.deepEqual(schedule.decide(3000), { type: "done", outcome: "unreachable" });
    assert.deepEqual(turns, ["1.0 10.0.0.99"]);
    assert.ok(sweep.isFinished);
    const other = bench({ queries: 1, simultaneous: 2 });
    other.send(0);
    other.schedule.failed(other.slot("1.0"));
    assert.deepEqual(other.schedule.decide(1), { type: "done", outcome: "refused" });
    assert.equal(other.sweep.isFinished, false);
  });

  it("counts flows from 0, or keeps to one", () => {
    const flows = (flow: "vary" | "constant"): unknown[] => {
      const { schedule } = bench({ flow, simultaneous: 3 });
      return [0, 1, 2].map((atMs) => {
        const decision = schedule.decide(atMs);
        assert.equal(decision.type, "send");
        schedule.sent(decision, atMs);
        return decision.flow;
      });
    };
    assert.deepEqual(flows("vary"), [0, 1, 2]);
    assert.deepEqual(flows("constant"), [0, 0, 0]);
  });
});
